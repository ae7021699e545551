package fanout

import (
	"slices"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet"
)

// maxEarly is how many messages wait for a client whose connection is not yet admitted, beside what
// it missed; the oldest go first, as for any client that joins later.
const maxEarly = 1024

// Admit lets the client have what was broadcast to it while its connection was being decided, and
// from now on everything at once.
func (m *Member) Admit() {
	a := m.adapter
	round := a.config.Engine.Begin()
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.admitted || !a.isHereLocked(m) {
		return
	}
	if m.returning != nil && m.returning.behind { // it connects once more, and is sent all of it then
		m.session.Close(engineio.TransportError)
		return
	}
	m.admitted = true
	for _, msg := range m.early {
		round.Queue(m.session, msg)
	}
	m.early, m.returning = nil, nil
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
	if c := m.returning; c != nil {
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

// Send sends an event to the client alone: with recovery also if it is away and comes back, though
// then to another member of its id.
func (m *Member) Send(e Event) {
	a := m.adapter
	if a.recovery == nil || a.sequence != nil {
		m.direct(e, 0)
		return
	}
	round := a.config.Engine.Begin() // what has an offset is queued in its order
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	msg, err := a.recovery.stamp(a.name, e, logged{to: m.id})
	if now := a.members[m.id]; err == nil && now != nil {
		now.tellSentLocked(e)
		now.sendLocked(round, msg)
	}
}

// Ask sends an event to the client alone and calls answered once, with what it acknowledges or an
// error if it goes; not at all after forget was called.
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

// direct sends an event without an offset, or in its turn in a sequence.
func (m *Member) direct(e Event, id uint64) {
	a := m.adapter
	if a.sequence != nil {
		m.inTurn(e, id)
		return
	}
	msg, err := e.encode(a.name, id)
	if err != nil {
		return // emits check their arguments before they come here
	}
	m.queue(e, msg)
}

// inTurn sends an event to the client behind what was emitted before. With recovery it takes a
// place in the sequence, since the client may come back to any server.
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
	a.sequence.After(msg.Memory(), func() { m.queue(e, msg) })
}

// queue queues a message for the client, or keeps it until the client is admitted.
func (m *Member) queue(e Event, msg *engineio.Message) {
	a := m.adapter
	a.mu.Lock()
	here := a.isHereLocked(m)
	admitted := here && m.admitted
	if here && !admitted {
		m.keepLocked(msg)
	}
	if here {
		m.tellSentLocked(e)
	}
	a.mu.Unlock()
	if admitted {
		m.session.Send(msg)
	}
}

// Broadcast sends an event to the members that are selected, and has the other servers do the same.
func (a *Adapter) Broadcast(e Event, to Selection) {
	if sequence := a.sequenceOf(to); sequence != nil {
		sequence.Broadcast(a.name, e, to) // and Deliver, in its turn
		return
	}
	a.broadcast(e, to, 0, offset.ID{}, nil)
	if peers := a.others(to); peers != nil {
		peers.Broadcast(a.name, e, to)
	}
}

// Call sends an event to the members that are selected, and calls answered with each one's answer,
// or an error for one that goes instead, until forget is called. asked is how many they are. It is
// for this server's members: see CallOthers.
func (a *Adapter) Call(e Event, to Selection, answered func(client string, args []packet.Value, err error)) (asked int, forget func()) {
	id := a.ids.Add(1)
	asked = a.broadcast(e, to, id, offset.ID{}, func(m *Member) {
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

// broadcast sends an event to members, after each was called with it, and returns how many they
// are. What has no place in a sequence that there is has no offset.
func (a *Adapter) broadcast(e Event, to Selection, id uint64, place offset.ID, each func(*Member)) (n int) {
	stamped := a.recovery != nil && !to.Volatile && id == 0 && (a.sequence == nil || !place.IsZero())
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
		msg, err = a.recovery.stamp(a.name, e, logged{among: among, place: place})
	}
	if err != nil {
		return 0 // emits check their arguments before they come here
	}
	msg.Share()
	if to.Uncompressed {
		msg.DoNotCompress()
	}
	a.eachLocked(among, func(m *Member) {
		if !place.IsZero() && place.Compare(m.shared.from) < 0 {
			return // it has seen that
		}
		if to.Volatile && !(m.admitted && m.session.Writable()) {
			return
		}
		if each != nil {
			each(m)
		}
		m.tellSentLocked(e)
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

// sequenceOf is the sequence in which what is for these clients has a place, or nil.
func (a *Adapter) sequenceOf(s Selection) Sequence {
	if s.Local {
		return nil
	}
	return a.sequence
}
