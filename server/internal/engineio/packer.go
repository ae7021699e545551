package engineio

import (
	"hipflask/server/internal/websocket"
)

// packer compresses what is sent over WebSockets, RFC 7692. A message is compressed once,
// for all who take it so: each by itself, so that its form does not depend on what a client
// was sent before.
type packer struct {
	threshold int // bytes of the shortest frame that is worth it
	compress  func(op websocket.Opcode, payload []byte) []byte
}

// packed returns the bytes that carry the message over a WebSocket, compressed if there is
// a packer and it is worth it. What is left of a message is sent as it is.
func (m *Message) packed(w wire, p *packer) []byte {
	f := m.frames(w)
	if p == nil || len(f) < p.threshold || m.raw || m.stored || m.gone > 0 {
		return f
	}
	x := m.extra()
	if x.packed.Load() == nil {
		x.packed.CompareAndSwap(nil, new([wires]packedForm))
	}
	form := &x.packed.Load()[w]
	form.once.Do(func() { form.frames = p.pack(f) })
	return form.frames
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
