package engineio

import (
	"sync"
	"sync/atomic"

	"hipflask/server/internal/locks"
)

// packedForm is what carries a message over a WebSocket compressed, made when a client needs it.
type packedForm struct {
	once   sync.Once
	frames atomic.Pointer[[]byte] // nil until they are made

	mu      locks.Form
	begun   bool     // a goroutine makes it, others wait
	waiting []func() // called once it is made
}

// await has f called when the form is made, by done. It reports false if it is there by now, and
// whether the caller is the first, who has to see to it that it is made.
func (p *packedForm) await(f func()) (waits, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frames.Load() != nil {
		return false, false
	}
	first = !p.begun
	p.begun = true
	p.waiting = append(p.waiting, f)
	return true, first
}

// done calls the functions that wait for the form, which has been made.
func (p *packedForm) done() {
	p.mu.Lock()
	all := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, f := range all {
		f()
	}
}
