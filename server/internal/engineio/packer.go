package engineio

import (
	"sync"
	"sync/atomic"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/websocket"
)

// longForm is from how many bytes on compressing takes so long, more than half a
// millisecond, that nobody else should have to wait for it.
const longForm = 64 << 10

// packer compresses what is sent over WebSockets, RFC 7692. A message is compressed once,
// for all who take it so: each by itself, so that its form does not depend on what a client
// was sent before. No mutex of a session is held meanwhile.
type packer struct {
	threshold int // bytes of the shortest frame that is worth it
	compress  func(op websocket.Opcode, payload []byte) []byte
	memory    *budget.Budget
	resume    func([]*Session) // has these flushed
}

// packedForms are those of a message, each made when a client needs it.
type packedForms [wires]atomic.Pointer[derived[packedForm]]

// packedForm is what carries a message over a WebSocket, compressed.
type packedForm struct {
	message *Message
	wire    wire

	once   sync.Once
	frames atomic.Pointer[[]byte] // nil until they are made

	mu      locks.Form
	begun   bool       // a goroutine makes it
	waiting []*Session // for that
}

// packed returns the bytes that carry the message over a WebSocket, compressed if there is
// a packer and it is worth it; or else what has to be made first. What is left of a message
// is sent as it is.
func (m *Message) packed(w wire, p *packer) ([]byte, *packedForm) {
	f := m.frames(w)
	if p == nil || len(f) < p.threshold || m.raw || m.stored || m.gone > 0 {
		return f, nil
	}
	x := m.extra()
	if x.packed.Load() == nil {
		x.packed.CompareAndSwap(nil, new(packedForms))
	}
	form := derive(&x.packed.Load()[w], m.kept, func() *packedForm { return &packedForm{message: m, wire: w} })
	if made := form.frames.Load(); made != nil {
		return *made, nil
	}
	return nil, form
}

// make makes the form, or waits for whoever does.
func (p *packer) make(form *packedForm) {
	form.once.Do(func() {
		m := form.message
		f := m.frames(form.wire)
		made := p.pack(f)
		if &made[0] != &f[0] {
			m.retention().packed(len(made), p.memory)
		}
		form.frames.Store(&made)
	})
}

// makeLater has the form made by a goroutine, and s flushed then. It reports false if the
// form is there by now.
func (p *packer) makeLater(form *packedForm, s *Session) bool {
	form.mu.Lock()
	defer form.mu.Unlock()
	if form.frames.Load() != nil {
		return false
	}
	form.waiting = append(form.waiting, s)
	if !form.begun {
		form.begun = true
		s.srv.workers.Go(func() {
			p.make(form)
			p.resume(form.awaited())
		})
	}
	return true
}

// awaited returns who waits for the form, which has been made.
func (f *packedForm) awaited() []*Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.waiting
	f.waiting = nil
	return all
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
