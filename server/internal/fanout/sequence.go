package fanout

import (
	"sync"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/offset"
)

// Sequence are peers that bring what all servers emit into one order. What they are told
// of comes back to this server as well, in its place: broadcasts by [Adapter.Deliver],
// the rest as for this server's clients alone.
type Sequence interface {
	Peers
	// After calls fn once this server's clients have been sent what the peers were told of
	// before, or that was given up: at once, if nothing waits. fn takes so many bytes, and
	// may be dropped if too much waits; never, if they are 0. It must not block.
	After(bytes int, fn func())
}

// sequenceOf is the sequence in which what is for these clients has a place, or nil.
func (a *Adapter) sequenceOf(s Selection) Sequence {
	if s.Local {
		return nil
	}
	return a.sequence
}

// Deliver sends an event of the sequence, which has this place in it, to the members that
// are selected.
func (a *Adapter) Deliver(e Event, to Selection, place offset.ID) {
	a.broadcast(e, to, 0, place, nil)
}

// inTurn sends an event to the client behind what was emitted before. With recovery it
// takes a place in the sequence, since the client may come back to any server.
func (m *Member) inTurn(e Event, id uint64) {
	a := m.adapter
	if a.recovery != nil && id == 0 {
		a.sequence.Broadcast(a.name, e, Selection{Rooms: []string{m.id}})
		return
	}
	msg, err := e.encode(a.name, id)
	if err != nil {
		return // as in direct
	}
	a.sequence.After(msg.Memory(), func() { m.queue(msg) })
}

// lastWords is how long the end of a client waits for what was emitted before it.
const lastWords = time.Second

// Finally calls fn once the client has been sent what was emitted before, or after a
// second: it is for what ends it. fn must not block.
func (m *Member) Finally(fn func()) {
	a := m.adapter
	if a.sequence == nil {
		fn()
		return
	}
	once := sync.OnceFunc(fn)
	late := time.AfterFunc(lastWords, once)
	a.sequence.After(0, func() {
		late.Stop()
		once()
	})
}

// Lapse is for a sequence of which some is lost: clients cannot go on from where they
// are. They are cut off, and come back to new sessions.
func (a *Adapter) Lapse() {
	a.mu.Lock()
	var cut []*engineio.Session
	for _, m := range a.order {
		if m.session != nil {
			cut = append(cut, m.session)
		}
	}
	if a.recovery != nil {
		a.recovery.lapse()
	}
	a.mu.Unlock()
	for _, s := range cut {
		s.Close(engineio.TransportClose)
	}
}
