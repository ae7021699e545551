package fanout

import (
	"context"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/packet"
)

// Client is what servers tell each other of one. Transport is empty where that server
// does not tell it, as Node's do not.
type Client struct {
	ID        string
	Handshake packet.Value // see package handshake
	Rooms     []string
	Data      packet.Value // an object
	Transport string
}

// Owners lists what the members of this server that a selection names were introduced
// with.
func (a *Adapter) Owners(who Selection) []any {
	of := chosen(who.Local(false))
	a.mu.Lock()
	defer a.mu.Unlock()
	var owners []any
	a.eachLocked(of, func(m *member) {
		if m.owner != nil {
			owners = append(owners, m.owner)
		}
	})
	return owners
}

// Describe lists the members of this server that a selection names, for another one;
// with headers also those of the requests that opened their connections.
func (a *Adapter) Describe(who Selection, headers bool) []Client {
	owners := a.Owners(who)
	clients := make([]Client, len(owners))
	for i, owner := range owners {
		clients[i] = a.describe(owner, headers)
	}
	return clients
}

// FetchOthers lists clients of the other servers: see [Peers].
func (a *Adapter) FetchOthers(ctx context.Context, who Selection) ([]Client, error) {
	if a.peers == nil {
		return nil, nil
	}
	return a.peers.Fetch(ctx, a.nsp.Name(), who)
}

// OtherIDs lists the ids of clients of the other servers: see [Peers].
func (a *Adapter) OtherIDs(ctx context.Context, who Selection) ([]string, error) {
	if a.peers == nil {
		return nil, nil
	}
	return a.peers.IDs(ctx, a.nsp.Name(), who)
}

// Listen has fn told of each event that is sent to a member, in the order in which it is;
// nil ends that. The namespace is locked meanwhile, so fn must not wait, and do nothing
// with rooms or broadcasts.
func (a *Adapter) Listen(id string, fn func(event []any)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.members[socket.SocketId(id)]; m != nil {
		m.sent = fn
	}
}

func (m *member) tellSentLocked(p *parser.Packet) {
	if m.sent == nil || p.Type != parser.EVENT {
		return
	}
	if event, ok := p.Data.([]any); ok && len(event) > 0 {
		m.sent(event)
	}
}
