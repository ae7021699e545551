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

	position  offset.ID // the latest entry that was dealt with; the reader's
	begun     bool      // there is a position
	positions positions // the same, for others

	ended chan struct{} // closed when the writer has

	read, wrote atomic.Uint64
	holes       atomic.Uint64
	left        atomic.Int64 // entries that could not be written before the end
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
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = fanout.Position{Began: at, Dealt: at, Reached: at}
}

// reach notes that the entry of an id is dealt with next, and deal that it was.
func (p *positions) reach(id offset.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Reached = id
}

func (p *positions) deal(id offset.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Dealt = id
}

func newStream(key string, length int64) *stream {
	if length <= 0 {
		length = streams.DefaultLength
	}
	return &stream{
		log:   streams.Log{Key: key, Length: length},
		queue: streams.NewQueue(MaxQueued, int(length/4)),
		ended: make(chan struct{}),
	}
}
