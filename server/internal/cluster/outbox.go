package cluster

import (
	"sync"

	"hipflask/server/internal/locks"
)

// MaxQueued bounds what waits to be published, in bytes. Beyond it the oldest go.
const MaxQueued = 32 << 20

// overhead is what an entry takes beside its channel and payload.
const overhead = 96

// A batch is what is sent to Redis at once. An entry of loneBytes goes without others: it is the
// one that Redis may refuse for its size, and then nothing else is in doubt.
const (
	maxBatchBytes = 1 << 20
	loneBytes     = 256 << 10
)

// entry is one message on its way to Redis.
type entry struct {
	channel string
	payload []byte
	once    bool // better lost than published twice
}

// size is about what the entry takes in memory, in bytes.
func (e *entry) size() int { return len(e.channel) + cap(e.payload) + overhead }

// outbox is the queue of what is to be published, in order.
type outbox struct {
	limit int

	mu      locks.Outbox
	more    *sync.Cond // the queue is not empty, or closed
	queue   []entry
	bytes   int
	numbers uint64 // the number of the latest numbered message
	closed  bool
	dropped uint64
}

func newOutbox(limit int) *outbox {
	o := &outbox{limit: limit}
	o.more = sync.NewCond(&o.mu)
	return o
}

// put queues an entry. A numbered one gets its number put behind its payload, see appendSerial, so
// that numbers are in the order of the queue.
func (o *outbox) put(e entry, numbered bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if numbered {
		o.numbers++
		e.payload = appendSerial(e.payload, o.numbers)
	}
	size := e.size()
	if o.closed || size > o.limit {
		o.dropped++
		return
	}
	for o.bytes+size > o.limit {
		o.bytes -= o.queue[0].size()
		o.queue[0] = entry{}
		o.queue = o.queue[1:]
		o.dropped++
	}
	o.queue = append(o.queue, e)
	o.bytes += size
	o.more.Signal()
}

// take waits for entries and takes as many as go into a batch. It returns nil when the outbox is
// closed and empty.
func (o *outbox) take() []entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.closed {
		o.more.Wait()
	}
	n, bytes := 0, 0
	for n < len(o.queue) && n < maxBatch && bytes < maxBatchBytes {
		size := o.queue[n].size()
		if size >= loneBytes && n > 0 {
			break
		}
		bytes += size
		n++
		if size >= loneBytes {
			break
		}
	}
	if n == 0 {
		return nil
	}
	batch := o.queue[:n:n]
	o.queue = o.queue[n:]
	if len(o.queue) == 0 {
		o.queue = nil
	}
	o.bytes -= bytes
	return batch
}

// lose counts messages that were taken and not published.
func (o *outbox) lose(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropped += uint64(n)
}

// state tells how much waits, and how many messages were given up so far.
func (o *outbox) state() (waiting, bytes int, dropped uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue), o.bytes, o.dropped
}

// close makes take return nil once everything was taken.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.more.Broadcast()
}
