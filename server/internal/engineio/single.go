package engineio

import (
	"weak"

	"hipflask/server/internal/websocket"
)

// Pack has the session sent each message, from now on, as the one binary packet that
// [Config.Pack], which there has to be, makes of it. It is called by the Receiver, with the
// first message that came in such a form: from here on a binary one is no attachment, but
// counts as a message.
func (s *Session) Pack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.packs {
		s.packs = true
		s.meter.messagesIn.Add(1)
	}
}

// first is the first message of the queue, in the form that the client reads.
//
// What is packed takes the place of the message here and not when it was queued: that may
// be under a namespace's lock, for all its clients.
func (o *outbox) first() *Message {
	m := o.queue[o.head]
	if !o.packs {
		return m
	}
	p := m.single(o.shared.pack)
	if p == m {
		return m
	}
	if o.parked {
		p.hold(o.shared.memory)
		m.release(o.shared.memory)
	}
	o.queue[o.head] = p
	more := p.cost() - m.cost()
	o.queued += more
	switch {
	case o.lagging == 0:
	case more < 0:
		o.settle(min(-more, o.lagging))
	default:
		o.lagging += more
		o.shared.lag.bytes.Add(int64(more))
	}
	return p
}

// packing is the packed form of a message, made once. That of a message which is kept, see
// Kept, is there while somebody uses it: who keeps the message has counted its bytes alone.
type packing struct {
	made *Message
	weak weak.Pointer[Message]
}

func (p *packing) message() *Message {
	switch {
	case p == nil:
		return nil
	case p.made != nil:
		return p.made
	}
	return p.weak.Value()
}

// single returns the message as one binary packet. What is Engine.IO's own stays as it is.
func (m *Message) single(pack func(dst, text []byte, attachments [][]byte) []byte) *Message {
	if m.raw || m.control || m.gone != 0 {
		return m
	}
	if !m.shared { // nobody else will ask
		return m.singleBy(pack)
	}
	x := m.extra()
	was := x.packing.Load()
	if p := was.message(); p != nil {
		return p
	}
	p := m.singleBy(pack)
	now := &packing{made: p}
	if m.kept {
		now = &packing{weak: weak.Make(p)}
	}
	if x.packing.CompareAndSwap(was, now) {
		return p
	}
	if first := x.packing.Load().message(); first != nil {
		return first
	}
	return p
}

func (m *Message) singleBy(pack func(dst, text []byte, attachments [][]byte) []byte) *Message {
	const keys = 32 // bytes that the packed form is longer by where it is
	dst := pack(make([]byte, headroom, headroom+len(m.frame)+keys), m.text()[1:], m.bins())
	if dst == nil {
		return m
	}
	n := len(dst) - headroom
	start := headroom - websocket.HeaderSize(n)
	websocket.AppendHeader(dst[start:start], websocket.Binary, n)
	p := &Message{frame: dst[start:], shared: m.shared, stored: m.stored, gone: noText}
	p.more.Store(&more{bins: [][]byte{dst[headroom:]}})
	return p
}
