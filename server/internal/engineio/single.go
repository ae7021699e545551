package engineio

import (
	"weak"

	"hipflask/server/internal/websocket"
)

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
