package engineio

import (
	"time"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/locks"
)

// reading is what a session knows of what comes in from its client.
type reading struct {
	// mu is held while the receiver is called: around an upgrade a POST may still be handled when
	// the first WebSocket message comes.
	mu locks.Reading

	quota   *quota // nil: the client may send as much as it likes
	pause   pause
	partial int // bytes taken for a WebSocket message that is not whole; the reader's
}

// holdPartial takes what is kept of a message that is not whole from the memory for clients, and
// gives back what is kept no more. It reports false when there is no room.
func (r *reading) holdPartial(kept int, memory *budget.Budget) bool {
	switch more := kept - r.partial; {
	case more < 0:
		memory.Give(-more)
	case more > 0 && !memory.TakeHalf(more):
		return false
	}
	r.partial = kept
	return true
}

// pause holds the goroutine back that reads from a client that has sent more than it may.
type pause struct {
	mu    locks.Pause
	over  chan struct{} // closed when a pause must end; nil without one
	ended bool
}

// begin returns what is closed when the pause must end, nil if there is to be none.
func (p *pause) begin() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil
	}
	if p.over == nil {
		p.over = make(chan struct{})
	}
	return p.over
}

// end ends pauses, those to come included, because the session ends.
func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.over != nil {
		close(p.over)
		p.over = nil
	}
}

// hold waits for that long, at most until over or gone is closed.
func hold(wait time.Duration, over, gone <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-over:
	case <-gone:
	}
}
