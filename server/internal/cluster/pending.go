package cluster

import (
	"sync"

	"hipflask/server/internal/cluster/nodewire"
)

// pending are the requests of this server that wait for answers.
type pending struct {
	mu   sync.Mutex
	asks map[string]func(*nodewire.Response)
}

// add makes answers to a request reach fn, one at a time, until the returned function was called.
func (p *pending) add(id string, fn func(*nodewire.Response)) (remove func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asks == nil {
		p.asks = make(map[string]func(*nodewire.Response))
	}
	p.asks[id] = fn
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.asks, id)
	}
}

func (p *pending) answer(r *nodewire.Response) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fn := p.asks[r.RequestID]; fn != nil {
		fn(r)
	}
}
