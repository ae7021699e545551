package fanout

import (
	"context"

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
