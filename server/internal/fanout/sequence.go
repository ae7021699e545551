package fanout

import (
	"slices"
	"sync"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/offset"
)

// Deliver sends an event of the sequence, which has this place in it, to the members that are
// selected.
func (a *Adapter) Deliver(e Event, to Selection, place offset.ID) {
	a.broadcast(e, to, 0, place, nil)
}

// IsBehind reports whether there is a member that takes what it is sent more slowly than it comes,
// and is about to be dropped for that.
func (a *Adapter) IsBehind() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.order, func(m *Member) bool { return m.session != nil && m.session.IsBehind() })
}

// lastWords is how long the end of a client waits for what was emitted before it.
const lastWords = time.Second

// Finally calls fn once the client has been sent what was emitted before, or after a second: it is
// for what ends it. fn must not block.
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

// Lapse is for a sequence of which some is lost: clients cannot go on from where they are. They are
// cut off, and come back to new sessions; one that is on its way back to its session has no
// connection here yet, and is cut off by its introduction.
func (a *Adapter) Lapse() {
	a.mu.Lock()
	var cut []*engineio.Session
	var gone []string
	for _, m := range a.order {
		m.lapsed = true
		if m.session != nil {
			cut = append(cut, m.session)
		}
		gone = append(gone, m.shared.pid)
	}
	if a.recovery != nil {
		a.recovery.lapse()
	}
	a.mu.Unlock()
	for _, pid := range gone {
		a.discard(pid)
	}
	for _, s := range cut {
		s.Close(engineio.TransportClose)
	}
}
