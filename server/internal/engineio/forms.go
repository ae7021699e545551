package engineio

import (
	"hipflask/server/internal/budget"
	"hipflask/server/internal/coding"
	"hipflask/server/internal/engineio/payload"
)

// hold counts one queue or answer more in which the message waits.
func (m *Message) hold(b *budget.Budget) {
	if !m.isOurs() {
		m.retention().hold(len(m.frame), b)
	}
}

// release counts one less.
func (m *Message) release(b *budget.Budget) {
	if !m.isOurs() {
		m.retention().release(b)
	}
}

// isOurs reports whether the message is the server's own, and always there.
func (m *Message) isOurs() bool { return m.control && m.shared }

func (m *Message) retention() *retention {
	x := m.extra()
	if r := x.held.Load(); r != nil {
		return r
	}
	x.held.CompareAndSwap(nil, new(retention))
	return x.held.Load()
}

// form returns a form of the message's nth packet, and has it made by the first who asks. It is
// kept, and counts, while the message is held.
func (m *Message) form(n int, format payload.Format, deflater *coding.Compressor, b *budget.Budget) *form {
	r := m.retention()
	key := formKey{packet: int(m.gone) + n, format: format, deflated: deflater != nil}
	f := r.form(key)
	f.once.Do(func() {
		f.part = m.part(n, format)
		if deflater != nil {
			f.segment = deflater.Compress(f.part.Made, f.part.Own)
			f.part = payload.Part{}
		}
		r.made(key, f, b)
	})
	return f
}

// part writes the message's nth packet.
func (m *Message) part(n int, format payload.Format) payload.Part {
	data, binary := m.packet(n)
	if binary {
		return format.Binary(data)
	}
	return format.Text(data)
}

// packet is the message's nth packet before it is written.
func (m *Message) packet(n int) (data []byte, binary bool) {
	switch {
	case m.gone != 0:
		return m.bins()[n], true
	case n == 0:
		return m.text(), false
	}
	return m.bins()[n-1], true
}
