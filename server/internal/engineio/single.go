package engineio

import (
	"hipflask/server/internal/websocket"
)

// single returns the message as one binary packet. What is Engine.IO's own stays as it is.
func (m *Message) single(pack func(dst, text []byte, attachments [][]byte) []byte) *Message {
	if m.raw || m.control || m.gone != 0 {
		return m
	}
	if !m.shared { // nobody else will ask
		return m.singleBy(pack)
	}
	return derive(&m.extra().single, m.kept, func() *Message { return m.singleBy(pack) })
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
	p := &Message{frame: dst[start:], traits: traits{shared: m.shared, stored: m.stored}, gone: noText}
	p.more.Store(&more{bins: [][]byte{dst[headroom:]}})
	return p
}
