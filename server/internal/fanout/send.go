package fanout

import (
	"slices"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// maxEarly is how many messages wait for a client whose connection is not yet
// admitted, beside what it missed; the oldest go first, as for any client that joins
// later.
const maxEarly = 1024

// Admit lets the client have what was broadcast to it while its connection was
// being decided, and from now on everything at once.
func (m *Member) Admit() {
	a := m.adapter
	round := a.config.Engine.Begin()
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.admitted || !a.isHereLocked(m) {
		return
	}
	if m.coming != nil && m.coming.behind { // it comes once more, and is sent all of it
		m.session.Close(engineio.TransportError)
		return
	}
	m.admitted = true
	for _, msg := range m.early {
		round.Queue(m.session, msg)
	}
	m.early, m.coming = nil, nil
}

// sendLocked queues msg for the member, or keeps it until the member is admitted.
func (m *Member) sendLocked(round *engineio.Round, msg *engineio.Message) {
	if m.admitted {
		round.Queue(m.session, msg)
		return
	}
	m.keepLocked(msg)
}

func (m *Member) keepLocked(msg *engineio.Message) {
	if c := m.coming; c != nil {
		if len(m.early) >= maxEarly+c.owed {
			c.behind, m.early = true, nil
		}
		if c.behind {
			return
		}
	} else if len(m.early) >= maxEarly {
		m.early = slices.Delete(m.early, 0, 1)
	}
	m.early = append(m.early, msg)
}

// Send sends an event to the client alone: with recovery also if it is away and comes
// back, though then to another member of its id.
func (m *Member) Send(e Event) {
	a := m.adapter
	if a.recovery == nil {
		m.direct(e, 0)
		return
	}
	round := a.config.Engine.Begin() // what has an offset is queued in its order
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	msg, err := a.recovery.stamp(a.name, e, logged{to: m.id})
	if now := a.members[m.id]; err == nil && now != nil {
		now.sendLocked(round, msg)
	}
}

// Ask sends an event to the client alone and calls answered once, with what it
// acknowledges or an error if it goes; not at all after forget was called.
func (m *Member) Ask(e Event, answered Ack) (forget func()) {
	id := m.adapter.ids.Add(1)
	m.acks.add(id, answered)
	m.direct(e, id)
	return func() { m.acks.take(id) }
}

// Answer takes an acknowledgement of the client.
func (m *Member) Answer(id uint64, args []packet.Value) {
	if answered := m.acks.take(id); answered != nil {
		answered(args, nil)
	}
}

// direct sends an event without an offset.
func (m *Member) direct(e Event, id uint64) {
	a := m.adapter
	msg, err := e.encode(a.name, id)
	if err != nil {
		return // emits check their arguments before they come here
	}
	a.mu.Lock()
	here := a.isHereLocked(m)
	admitted := here && m.admitted
	if here && !admitted {
		m.keepLocked(msg)
	}
	a.mu.Unlock()
	if admitted {
		m.session.Send(msg)
	}
}

// Broadcast sends an event to the members that are selected, and has the other servers
// do the same.
func (a *Adapter) Broadcast(e Event, to Selection) {
	a.broadcast(e, to, 0, nil)
	if peers := a.others(to); peers != nil {
		peers.Broadcast(a.name, e, to)
	}
}

// Call sends an event to the members that are selected, and calls answered with each
// one's answer, or an error for one that goes instead, until forget is called. asked is
// how many they are. It is for this server's members: see CallOthers.
func (a *Adapter) Call(e Event, to Selection, answered func(client string, args []packet.Value, err error)) (asked int, forget func()) {
	id := a.ids.Add(1)
	asked = a.broadcast(e, to, id, func(m *Member) {
		m.acks.add(id, func(args []packet.Value, err error) { answered(m.id, args, err) })
	})
	return asked, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, m := range a.order {
			m.acks.take(id)
		}
	}
}

// broadcast sends an event to members, after each was called with it, and returns how
// many they are.
func (a *Adapter) broadcast(e Event, to Selection, id uint64, each func(*Member)) (n int) {
	stamped := a.recovery != nil && !to.Volatile && id == 0
	among := newChoice(to)
	var msg *engineio.Message
	var err error
	if !stamped { // else it has to happen in the order of sending
		msg, err = e.encode(a.name, id)
	}
	round := a.config.Engine.Begin()
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	if stamped {
		msg, err = a.recovery.stamp(a.name, e, logged{among: among})
	}
	if err != nil {
		return 0 // emits check their arguments before they come here
	}
	msg.Share()
	a.eachLocked(among, func(m *Member) {
		if to.Volatile && !(m.admitted && m.session.Writable()) {
			return
		}
		if each != nil {
			each(m)
		}
		m.sendLocked(round, msg)
		n++
	})
	return n
}

// others returns the other servers where what is selected is among their clients too.
func (a *Adapter) others(s Selection) Peers {
	if s.Local {
		return nil
	}
	return a.config.Peers
}
