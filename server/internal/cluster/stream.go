package cluster

import (
	"sync"
	"sync/atomic"

	"hipflask/server/internal/cluster/streams"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/offset"
)

// stream is this server's part in the stream that all servers write to and read, as with Node's
// streams adapter. What a server emits is written into it, and delivered to its own clients, as to
// all others, when it is read: so all servers have one order.
type stream struct {
	log   streams.Log
	queue *streams.Queue

	mark      streams.Mark // the latest entry that was dealt with; the reader's
	begun     bool         // there is one
	gone      bool         // nothing has been read of the stream that takes the place of one that is gone
	positions positions    // the same, for others

	read, wrote atomic.Uint64
	holes       atomic.Uint64
}

// positions are how far the stream is read, as others may ask.
type positions struct {
	mu  sync.Mutex
	now fanout.Position
}

func (p *positions) get() fanout.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// begin notes that all behind an id will be read.
func (p *positions) begin(at offset.ID) {
	p.set(func(now *fanout.Position) { now.Began, now.Dealt, now.Reached = at, at, at })
}

// lose notes that what followed what was read is lost. A stream that takes the place of another may
// begin anywhere, so even who has seen all that was read cannot go on.
func (p *positions) lose(read offset.ID) {
	p.set(func(now *fanout.Position) { now.Lost = read.Next() })
}

// set changes some of it.
func (p *positions) set(change func(now *fanout.Position)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.now)
}

func newStream(key string, length int64) *stream {
	if length <= 0 {
		length = streams.DefaultLength
	}
	return &stream{
		log:   streams.Log{Key: key, Length: length},
		queue: streams.NewQueue(MaxQueued, int(length/4)),
	}
}
