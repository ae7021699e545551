package fanout

import (
	"errors"

	"hipflask/server/internal/locks"
	"hipflask/server/internal/packet"
)

// errGone is why a client does not acknowledge what it was asked.
var errGone = errors.New("the client is gone")

// Ack is told what a client acknowledges, or an error if it goes instead.
type Ack func(args []packet.Value, err error)

// acks are what waits for a client's acknowledgements. It has a lock of its own, which is held
// while nothing else is called.
type acks struct {
	mu   locks.Acks
	over bool
	by   map[uint64]Ack // nil while nothing waits
}

// add has answered called once, at once if the client is gone.
func (a *acks) add(id uint64, answered Ack) {
	a.mu.Lock()
	over := a.over
	if !over {
		if a.by == nil {
			a.by = make(map[uint64]Ack)
		}
		a.by[id] = answered
	}
	a.mu.Unlock()
	if over {
		answered(nil, errGone)
	}
}

// take returns what waits for an acknowledgement, which then does so no more; nil if nothing does.
func (a *acks) take(id uint64) Ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	answered := a.by[id]
	if delete(a.by, id); len(a.by) == 0 {
		a.by = nil
	}
	return answered
}

// end is for a client that is gone.
func (a *acks) end() {
	a.mu.Lock()
	waiting := a.by
	a.over, a.by = true, nil
	a.mu.Unlock()
	for _, answered := range waiting {
		answered(nil, errGone)
	}
}
