package engineio

import (
	"sync"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/coding"
	"hipflask/server/internal/engineio/payload"
)

// retentionOverhead is about what a retention, and the message beside its frame, take.
const retentionOverhead = 256

// retention is how many places a message waits in for clients: queues of those that do
// not take it at once, and answers to polls. While there is one, its bytes count in
// what all clients together may hold, once, with the forms that polls were sent of it;
// with the last one the forms go too, whoever else keeps the message.
//
// A message that leaves for a WebSocket at once has none: see flusher.lag for those.
type retention struct {
	mu      sync.Mutex
	holders int
	bytes   int // that count
	forms   map[formKey]*form
}

// formKey names a form of one of the message's packets in polling payloads.
type formKey struct {
	packet   int
	format   payload.Format
	deflated bool
}

// form is made once, by the first who asks. What is deflated is in segment, else in part.
type form struct {
	once    sync.Once
	part    payload.Part
	segment coding.Segment
}

// hold counts one place more in which the message waits.
func (m *Message) hold(b *budget.Budget) {
	if m.control && m.shared { // the server's own, and always there
		return
	}
	r := m.retention()
	n := sharedOverhead
	r.mu.Lock()
	if r.holders++; r.holders == 1 {
		r.bytes = len(m.frame) + retentionOverhead
		n += r.bytes
	}
	r.mu.Unlock()
	b.Add(n)
}

// release counts one place less.
func (m *Message) release(b *budget.Budget) {
	if m.control && m.shared {
		return
	}
	r := m.retention()
	n := sharedOverhead
	r.mu.Lock()
	if r.holders--; r.holders == 0 {
		n += r.bytes
		r.bytes, r.forms = 0, nil
	}
	r.mu.Unlock()
	b.Give(n)
}

func (m *Message) retention() *retention {
	x := m.extra()
	if r := x.held.Load(); r != nil {
		return r
	}
	x.held.CompareAndSwap(nil, new(retention))
	return x.held.Load()
}

// form returns a form of the message's nth packet, and has it made by the first who
// asks. It is kept, and counts, while the message is held.
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
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.forms[key] == f { // else the last holder has gone meanwhile
			size := len(f.part.Made) + f.segment.Len()
			r.bytes += size
			b.Add(size)
		}
	})
	return f
}

// form finds a form, or makes room for one that is not made yet.
func (r *retention) form(key formKey) *form {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.forms[key]; f != nil {
		return f
	}
	f := new(form)
	if r.holders > 0 {
		if r.forms == nil {
			r.forms = make(map[formKey]*form)
		}
		r.forms[key] = f
	}
	return f
}

// part writes the message's nth packet.
func (m *Message) part(n int, format payload.Format) payload.Part {
	if m.gone > 0 {
		return format.Binary(m.bins()[n])
	}
	if n == 0 {
		return format.Text(m.text())
	}
	return format.Binary(m.bins()[n-1])
}

// packetLen is the length of the message's nth packet before it is written.
func (m *Message) packetLen(n int) int {
	switch {
	case m.gone > 0:
		return len(m.bins()[n])
	case n == 0:
		return len(m.text())
	}
	return len(m.bins()[n-1])
}
