package fanout

import (
	"context"

	"hipflask/server/internal/packet"
)

// Description is what servers tell each other of a client. Transport is empty where that
// server does not tell it, as Node's do not.
type Description struct {
	ID        string
	Handshake packet.Value // see package handshake
	Rooms     []string
	Data      packet.Value // an object
	Transport string
}

// Describe lists the members of this server that a selection names, for another one; with
// headers also those of the requests that opened their connections.
func (a *Adapter) Describe(who Selection, headers bool) []Description {
	members := a.Members(who)
	list := make([]Description, len(members))
	for i, m := range members {
		list[i] = a.config.Describe(m, headers)
	}
	return list
}

// FetchOthers lists clients of the other servers: see [Peers].
func (a *Adapter) FetchOthers(ctx context.Context, who Selection) ([]Description, error) {
	if peers := a.others(who); peers != nil {
		return peers.Fetch(ctx, a.name, who)
	}
	return nil, nil
}

// OtherIDs lists the ids of clients of the other servers: see [Peers].
func (a *Adapter) OtherIDs(ctx context.Context, who Selection) ([]string, error) {
	if peers := a.others(who); peers != nil {
		return peers.IDs(ctx, a.name, who)
	}
	return nil, nil
}

// Announce has Moved told of the rooms that the member is in, which are those that it came
// back to, and from now on of those that it joins and leaves.
func (m *Member) Announce() {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	m.announced = true
	for _, room := range m.rooms {
		m.tellMovedLocked(room, true)
	}
}

func (m *Member) tellMovedLocked(room string, in bool) {
	if moved := m.adapter.config.Moved; moved != nil && m.announced {
		moved(m.client, room, in)
	}
}

// Listen has fn told of each event that the member is sent, in the order in which it is;
// nil ends that. The namespace is locked meanwhile, so fn must not wait, and do nothing
// with rooms or broadcasts.
func (m *Member) Listen(fn func(Event)) {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	m.sent = fn
}

func (m *Member) tellSentLocked(e Event) {
	if m.sent != nil {
		m.sent(e)
	}
}
