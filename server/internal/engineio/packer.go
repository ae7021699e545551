package engineio

import (
	"hipflask/server/internal/budget"
	"hipflask/server/internal/websocket"
)

// longForm is from how many bytes on compressing takes so long, more than half a millisecond, that
// it should hold nothing else up.
const longForm = 64 << 10

// packer compresses what is sent over WebSockets, RFC 7692. A message is compressed once, for all
// who take it so: each by itself, so that its form does not depend on what a client was sent
// before. No mutex of a session is held meanwhile.
type packer struct {
	threshold int // bytes of the shortest frame that is worth it
	compress  func(op websocket.Opcode, payload []byte) []byte
	memory    *budget.Budget
}

// packed returns the bytes that carry the message over a WebSocket, compressed if there is a packer
// and it is worth it; or else what has to be made first. What is left of a message is sent as it
// is.
func (m *Message) packed(w wire, p *packer) ([]byte, *packedForm) {
	f := m.frames(w)
	if p == nil || len(f) < p.threshold || m.raw || m.stored || m.gone > 0 {
		return f, nil
	}
	x := m.extra()
	if x.packed.Load() == nil {
		x.packed.CompareAndSwap(nil, new(packedForms))
	}
	form := derive(&x.packed.Load()[w], m.kept, func() *packedForm { return new(packedForm) })
	if made := form.frames.Load(); made != nil {
		return *made, nil
	}
	return nil, form
}

// make makes a form of the message, or waits until another goroutine has made it.
func (p *packer) make(form *packedForm, m *Message, w wire) {
	form.once.Do(func() {
		f := m.frames(w)
		made := p.pack(f)
		if &made[0] != &f[0] {
			m.retention().packed(w, len(made), p.memory)
		}
		form.frames.Store(&made)
	})
}

// pack compresses those frames that it makes smaller.
func (p *packer) pack(frames []byte) []byte {
	var out []byte
	for len(frames) > 0 {
		op, payload, rest := websocket.SplitFrame(frames)
		frame := frames[:len(frames)-len(rest)]
		frames = rest
		if len(payload) >= p.threshold {
			if packed := p.compress(op, payload); len(packed) < len(frame) {
				frame = packed
			}
		}
		if out == nil && len(rest) == 0 {
			return frame
		}
		out = append(out, frame...)
	}
	return out
}
