package streams

import (
	"context"
	"slices"
	"sync"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/offset"
)

// A batch is what is written at once. An entry of loneBytes goes without others: it is the one that
// Redis may refuse for its size, and then nothing else is in doubt.
const (
	maxBatch      = 512
	maxBatchBytes = 1 << 20
	loneBytes     = 256 << 10
	overhead      = 256 // that an item takes beside its data
)

// Queue is what this server writes into the stream, in order, until it has been read back from
// there, and what has to happen behind it. Its methods may be called from any goroutine; Take,
// Written, Lost and DropVolatile are for the one that writes, Read and Forget for the one that
// reads.
type Queue struct {
	limit int
	ahead int

	mu      sync.Mutex
	more    *sync.Cond // there is something to write, or the queue is closed
	taken   []*Item    // and not finished, the oldest first
	queue   []*Item    // behind them
	bytes   int        // of the queue
	entries int        // in the queue
	unread  int        // entries among taken
	flying  int        // those of them that may not be written
	heavy   int        // bytes of those
	closed  bool
	dropped uint64
	read    offset.ID // the latest entry that was read

	due     []func() // what may happen now
	running bool     // somebody makes it happen
	rest    *sync.Cond
}

// Item is an entry on its way, or else what happens once those before it are read. Its Entry stays
// as it is: it may be read before the writer knows that it was written.
type Item struct {
	Entry    nodewire.Entry
	volatile bool
	then     func()
	size     int
	state    state
	id       offset.ID
}

// state is how far an entry has come.
type state int

const (
	waits state = iota
	written
	over // read, or given up
)

// NewQueue makes a queue that holds about so many bytes. Beyond it the oldest go. No more than
// ahead entries are written and not read: else they might be trimmed before that.
func NewQueue(limit, ahead int) *Queue {
	q := &Queue{limit: limit, ahead: ahead}
	q.more, q.rest = sync.NewCond(&q.mu), sync.NewCond(&q.mu)
	return q
}

// Put queues an entry. A volatile one is for DropVolatile.
func (q *Queue) Put(e nodewire.Entry, volatile bool) {
	size := len(e.Data) + len(e.Namespace) + overhead
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || size > q.limit {
		q.dropped++
		return
	}
	q.entries++
	q.addLocked(&Item{Entry: e, volatile: volatile, size: size})
	q.more.Signal()
	q.runLocked()
}

// After calls fn once all that was put before has been read, or given up: at once, if that is so.
// fn takes so many bytes; where they are too many, those that wait longest are dropped, but never
// one of size 0. fn must not block.
func (q *Queue) After(size int, fn func()) {
	q.mu.Lock()
	if len(q.taken) == 0 && len(q.queue) == 0 && len(q.due) == 0 && !q.running {
		q.mu.Unlock()
		fn()
		return
	}
	if size > 0 {
		size += overhead
	}
	q.addLocked(&Item{then: fn, size: size})
	q.runLocked()
	q.mu.Unlock()
}

// addLocked queues an item, and gives up the oldest that are too many.
func (q *Queue) addLocked(i *Item) {
	q.queue = append(q.queue, i)
	q.bytes += i.size
	for q.bytes > q.limit {
		if old := q.popLocked(); old.size == 0 {
			q.taken = append(q.taken, old)
		} else {
			q.dropped++
		}
	}
	q.finishLocked()
}

// popLocked takes the first item out of the queue.
func (q *Queue) popLocked() *Item {
	i := q.queue[0]
	q.queue[0] = nil
	if q.queue = q.queue[1:]; len(q.queue) == 0 {
		q.queue = nil
	}
	q.bytes -= i.size
	if i.then == nil {
		q.entries--
	}
	return i
}

// Take waits for entries, and takes as many as go into a batch. It returns nil when the queue is
// closed and all were taken, or when ctx has ended.
func (q *Queue) Take(ctx context.Context) []*Item {
	defer context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.more.Broadcast()
	})()
	q.mu.Lock()
	defer q.mu.Unlock()
	for (q.entries == 0 && !q.closed || q.entries > 0 && q.unread >= q.ahead) && ctx.Err() == nil {
		q.more.Wait()
	}
	if ctx.Err() != nil {
		return nil
	}
	var batch []*Item
	bytes := 0
	for q.entries > 0 && len(batch) < maxBatch && bytes < maxBatchBytes && q.unread < q.ahead {
		lone := q.queue[0].then == nil && q.queue[0].size >= loneBytes
		if lone && len(batch) > 0 {
			break
		}
		i := q.popLocked()
		q.taken = append(q.taken, i)
		if i.then == nil {
			batch = append(batch, i)
			bytes += i.size
			q.unread++
			q.flying++
			q.heavy += i.size
		}
		if lone {
			break
		}
	}
	return batch
}

// Written notes under which ids the first items of a batch stand in the stream.
func (q *Queue) Written(batch []*Item, ids []offset.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n, id := range ids {
		batch[n].id = id
		q.landLocked(batch[n], written)
	}
	q.finishLocked()
	q.runLocked()
}

// Lost notes that entries which were taken are given up.
func (q *Queue) Lost(items ...*Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped += uint64(len(items))
	q.giveUpLocked(items)
}

func (q *Queue) giveUpLocked(items []*Item) {
	for _, i := range items {
		q.landLocked(i, over)
	}
	q.finishLocked()
	q.runLocked()
}

// landLocked notes what has become of an entry that was taken, unless that is known.
func (q *Queue) landLocked(i *Item, as state) {
	if i.state == waits {
		i.state = as
		q.flying--
		q.heavy -= i.size
	}
}

// DropVolatile drops what is volatile and not written, and returns the batch without it.
func (q *Queue) DropVolatile(batch []*Item) []*Item {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = slices.DeleteFunc(q.queue, func(i *Item) bool {
		if i.volatile {
			q.bytes -= i.size
			q.entries--
		}
		return i.volatile
	})
	var kept, dropped []*Item
	for _, i := range batch {
		if i.volatile {
			dropped = append(dropped, i)
		} else {
			kept = append(kept, i)
		}
	}
	q.giveUpLocked(dropped)
	return kept
}

// Read notes that an entry was read and dealt with, as were all before it. What happens behind it
// has happened then.
func (q *Queue) Read(e Stored) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.taken) > 0 && q.taken[0].state == waits && q.taken[0].Entry == e.Entry {
		q.landLocked(q.taken[0], over) // it is ours, and was read before its writing was answered
	}
	q.read = e.ID
	q.finishLocked()
	for q.running {
		q.rest.Wait()
	}
	q.runLocked()
}

// Forget is for who reads another stream from now on, behind an id: what was written into the one
// before is no longer waited for.
func (q *Queue) Forget(id offset.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, i := range q.taken {
		if i.state == written {
			i.state = over
		}
	}
	q.read = id
	q.finishLocked()
	q.runLocked()
}

// finishLocked removes from the front what is over, and makes due the functions that waited for it.
func (q *Queue) finishLocked() {
	for len(q.taken) > 0 {
		i := q.taken[0]
		if i.then == nil && (i.state == waits || i.state == written && i.id.Compare(q.read) > 0) {
			return
		}
		if i.then != nil {
			q.due = append(q.due, i.then)
		} else {
			q.unread--
			q.more.Signal()
		}
		q.taken[0] = nil
		q.taken = q.taken[1:]
	}
	q.taken = nil
	for len(q.queue) > 0 && q.queue[0].then != nil {
		q.due = append(q.due, q.popLocked().then)
	}
}

// runLocked makes happen what is due, unless somebody does already. The mutex is not held meanwhile.
func (q *Queue) runLocked() {
	if q.running {
		return
	}
	q.running = true
	for len(q.due) > 0 {
		fn := q.due[0]
		q.due = q.due[1:]
		q.mu.Unlock()
		fn()
		q.mu.Lock()
	}
	q.due, q.running = nil, false
	q.rest.Broadcast()
}

// State tells how many entries may not have been written, how many bytes they and what waits behind
// them take, and how much was given up so far.
func (q *Queue) State() (waiting, bytes int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.entries + q.flying, q.bytes + q.heavy, q.dropped
}

// Close makes Take return nil once all were taken. What is put later is dropped.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}
