package engineio

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/locks"
)

const (
	// flushChunk is how many sessions a writer takes from the list at a time, so that others, a
	// broadcaster that has to help included, find some left.
	flushChunk = 64
	// spreadFrom is how many sessions have to wait for one more writer to begin: some milliseconds
	// of work. With fewer, processors that were not idle after all, since other programs have them,
	// would make each delivery dearer; testdata/bench/README.md has figures.
	spreadFrom = 1024
)

// flusher writes out what broadcasts queued. A broadcast only puts a pointer into each session's
// queue; the writing follows in one pass over the sessions, and whatever other broadcasts queued by
// the time a session's turn comes leaves in the same write. Nothing waits for more to come: an idle
// flusher starts at once.
//
// One writer does that, and more of them while the list is long. It does not matter which of them
// takes a session: only one writes to it at a time, and from its queue.
type flusher struct {
	lag    *lag          // of the server
	copies atomic.Uint64 // that rounds have queued
	wake   chan struct{} // begins a writer that was counted
	rounds sync.Pool     // of *Round
	since  time.Time     // the clock's begin
	ended  atomic.Int64  // when the last round did, by that clock

	mu      locks.Flusher
	list    []*Session
	head    int // list[:head] was taken
	writers int // that there may be
	working int // of them, those that have work, or were woken for it
	direct  direct
	spread  int // spreadFrom
}

func (f *flusher) init(l *lag) {
	f.lag = l
	f.since = time.Now()
	f.spread = spreadFrom
	f.limit(writers(runtime.GOMAXPROCS(0)))
}

// limit sets how many writers there may be. It is called before they run.
func (f *flusher) limit(writers int) {
	f.writers = writers
	f.wake = make(chan struct{}, writers)
}

// writers is how many there may be with so many processors: with more than two, one is left to what
// clients send meanwhile.
func writers(processors int) int {
	if processors > 2 {
		return processors - 1
	}
	return processors
}

// Round is one pass of queueing a broadcast. It is not safe for concurrent use.
type Round struct {
	flusher *flusher
	dirty   []*Session
	bytes   int64 // that it queued
	sent    int   // how many sessions it queued for
	polling int   // of dirty
}

func (f *flusher) begin() *Round {
	r, ok := f.rounds.Get().(*Round)
	if !ok {
		r = &Round{flusher: f}
	}
	return r
}

// Queue puts m into the session's queue. It leaves with the round's end, after everything that was
// queued for or sent to that session before.
func (r *Round) Queue(s *Session, m *Message) {
	s.mu.Lock()
	if !s.acceptLocked(m) {
		return
	}
	r.bytes += int64(m.cost())
	r.sent++
	if !s.writing && !s.dirty {
		s.dirty = true
		r.dirty = append(r.dirty, s)
		if s.conn == nil {
			r.polling++
		}
	}
	s.mu.Unlock()
}

// End lets the writing begin. It returns at once, or, while too much waits beside what this round
// queued, after having taken part in the writing: two that write at a time cost more than one, so
// one large round alone is no reason. It must not be called with a lock held that writing could
// need.
func (r *Round) End() {
	f, bytes := r.flusher, r.bytes
	if len(r.dirty) > 0 && !f.directly(r) {
		f.add(r.dirty...)
	}
	f.ended.Store(int64(time.Since(f.since)))
	f.copies.Add(uint64(r.sent))
	clear(r.dirty)
	r.dirty, r.bytes, r.sent, r.polling = r.dirty[:0], 0, 0, 0
	f.rounds.Put(r)
	for f.lag.bytes.Load() > maxLag+bytes {
		if !f.chunk(false) {
			f.lag.await() // the rest is being written by others
		}
	}
}

// add has sessions flushed that are marked as dirty.
func (f *flusher) add(dirty ...*Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.head = compact(f.list, f.head)
	f.list = append(f.list, dirty...)
	f.beginLocked()
}

// beginLocked wakes a writer if there is work for one more.
func (f *flusher) beginLocked() {
	if f.working == 0 || f.working < f.writers && len(f.list)-f.head >= f.spread {
		f.working++
		f.wake <- struct{}{} // there is room for all writers
	}
}

// run starts the writers, and returns when stop is closed and they have ended.
func (f *flusher) run(stop <-chan struct{}) {
	var all sync.WaitGroup
	for range f.writers {
		all.Go(func() { f.write(stop) })
	}
	all.Wait()
}

// write is a writer's: it flushes whenever one is woken, until stop is closed.
func (f *flusher) write(stop <-chan struct{}) {
	for {
		select {
		case <-f.wake:
		case <-stop:
			return
		}
		for f.chunk(true) {
		}
	}
}

// chunk flushes some of the sessions on the list and reports whether there were any. A writer for
// which there are none is idle from then on.
func (f *flusher) chunk(writer bool) bool {
	var some [flushChunk]*Session
	f.mu.Lock()
	n := copy(some[:], f.list[f.head:])
	clear(f.list[f.head : f.head+n])
	if f.head += n; f.head == len(f.list) {
		f.list, f.head = f.list[:0], 0
	}
	switch {
	case !writer:
	case n == 0:
		f.working--
	default:
		f.beginLocked()
	}
	f.mu.Unlock()
	flush(some[:n])
	return n > 0
}

// directly writes a small round, unless it is better left to the flusher, and reports whether it
// did. More than a few who poll are left to it: until the flusher wakes, more gathers for the same
// answer.
func (f *flusher) directly(r *Round) bool {
	several := len(r.dirty) > fewSessions
	switch {
	case len(r.dirty) > severalSessions:
		return false
	case several && (r.polling > fewSessions || r.bytes > severalBytes):
		return false
	case !f.beginDirect(several):
		return false
	}
	flush(r.dirty)
	if several {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.direct.end()
	}
	return true
}

// beginDirect reports whether a small round should be written by who ends it.
func (f *flusher) beginDirect(several bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Since(f.since)
	gap := now - time.Duration(f.ended.Load())
	idle := len(f.list) == 0
	if several {
		return f.direct.begin(now, gap, !idle || f.working > 0)
	}
	return idle && gap >= rapid
}

// flush writes out what was queued for sessions.
func flush(dirty []*Session) {
	for _, s := range dirty {
		s.mu.Lock()
		s.dirty = false
		if s.writing || s.state == stateClosed {
			s.mu.Unlock()
			continue
		}
		s.flushLocked()
	}
}
