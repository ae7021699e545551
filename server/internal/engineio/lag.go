package engineio

import (
	"sync"
	"sync/atomic"

	"hipflask/server/internal/locks"
)

// maxLag is how many bytes may wait for the flusher, all sessions together, before whoever
// broadcasts more writes as well: it keeps a fast producer from filling the queues of clients that
// read fast enough.
const maxLag = 4 << 20

// lag is how many bytes wait for our own writer, all sessions together.
type lag struct {
	bytes atomic.Int64

	mu       locks.Lag
	relieved *sync.Cond // the lag is within its bound again
}

func (l *lag) init() { l.relieved = sync.NewCond(&l.mu) }

// reduce takes n bytes off.
func (l *lag) reduce(n int64) {
	if now := l.bytes.Add(-n); now <= maxLag && now+n > maxLag {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.relieved.Broadcast()
	}
}

// await waits until the lag is within its bound. No client can make that long: one that stops
// reading is stalled, and its queue no part of the lag.
func (l *lag) await() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.bytes.Load() > maxLag {
		l.relieved.Wait()
	}
}
