package engineio

import (
	"sync"
	"sync/atomic"
)

const (
	// flushChunk is how many sessions the flusher takes from its list at a time,
	// so that a broadcaster that has to help finds some left.
	flushChunk = 64
	// maxLag is how many bytes may wait for the flusher, all sessions together,
	// before whoever broadcasts more writes as well: it keeps a fast producer from
	// filling the queues of clients that read fast enough.
	maxLag = 4 << 20
)

// flusher writes out what broadcasts queued. A broadcast only puts a pointer into
// each session's queue; the writing follows in one pass over the sessions, and
// whatever other broadcasts queued by the time a session's turn comes leaves in
// the same write. Nothing waits for more to come: an idle flusher starts at once.
type flusher struct {
	lag    atomic.Int64
	copies atomic.Uint64 // that rounds have queued
	wake   chan struct{} // capacity 1

	mu       sync.Mutex
	relieved *sync.Cond // the lag is within its bound again
	list     []*Session
	head     int // list[:head] was taken
}

func (f *flusher) init() {
	f.wake = make(chan struct{}, 1)
	f.relieved = sync.NewCond(&f.mu)
}

// Copies is how many messages broadcasts have queued so far, one for each session.
func (srv *Server) Copies() uint64 { return srv.flusher.copies.Load() }

// Round is one pass of queueing a broadcast. It is not safe for concurrent use.
type Round struct {
	srv   *Server
	dirty []*Session
	bytes int64 // that it queued
	sent  int   // how many sessions it queued for
}

// Begin starts a round. The round must be ended.
func (srv *Server) Begin() *Round {
	r, ok := srv.rounds.Get().(*Round)
	if !ok {
		r = &Round{srv: srv}
	}
	return r
}

// Queue puts m into the session's queue. It leaves with the round's end, after
// everything that was queued for or sent to that session before.
func (r *Round) Queue(s *Session, m *Message) {
	s.mu.Lock()
	if !s.accept(m) {
		return
	}
	r.bytes += int64(m.cost())
	r.sent++
	if !s.writing && !s.dirty {
		s.dirty = true
		r.dirty = append(r.dirty, s)
	}
	s.mu.Unlock()
}

// End lets the writing begin. It returns at once, or, while too much waits beside what
// this round queued, after having taken part in the writing: two that write at a time
// cost more than one, so one large round alone is no reason. It must not be called with
// a lock held that writing could need.
func (r *Round) End() {
	f, bytes := &r.srv.flusher, r.bytes
	if len(r.dirty) > 0 {
		f.mu.Lock()
		f.list, f.head = compact(f.list, f.head)
		f.list = append(f.list, r.dirty...)
		f.mu.Unlock()
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
	f.copies.Add(uint64(r.sent))
	clear(r.dirty)
	r.dirty, r.bytes, r.sent = r.dirty[:0], 0, 0
	r.srv.rounds.Put(r)
	for f.lag.Load() > maxLag+bytes {
		if !f.chunk() {
			f.await() // the rest is being written by others
		}
	}
}

// await waits until the lag is within its bound. No client can make that long: one
// that stops reading is stalled, and its queue no part of the lag.
func (f *flusher) await() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.lag.Load() > maxLag && f.head == len(f.list) {
		f.relieved.Wait()
	}
}

// settle takes n bytes off the lag.
func (f *flusher) settle(n int64) {
	if now := f.lag.Add(-n); now <= maxLag && now+n > maxLag {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.relieved.Broadcast()
	}
}

// compact moves what is left of a list whose head was taken to its front, once
// that is the smaller part: a list that never empties would grow for ever.
func compact[T any](list []T, head int) ([]T, int) {
	if head <= len(list)/2 {
		return list, head
	}
	n := copy(list, list[head:])
	clear(list[n:])
	return list[:n], 0
}

// run flushes until stop is closed.
func (f *flusher) run(stop <-chan struct{}) {
	for {
		select {
		case <-f.wake:
		case <-stop:
			return
		}
		for f.chunk() {
		}
	}
}

// chunk flushes some of the sessions on the list and reports whether there were any.
func (f *flusher) chunk() bool {
	var some [flushChunk]*Session
	f.mu.Lock()
	n := copy(some[:], f.list[f.head:])
	clear(f.list[f.head : f.head+n])
	if f.head += n; f.head == len(f.list) {
		f.list, f.head = f.list[:0], 0
	}
	f.mu.Unlock()
	for _, s := range some[:n] {
		s.mu.Lock()
		s.dirty = false
		if s.writing || s.state == stateClosed {
			s.mu.Unlock()
			continue
		}
		s.flush()
	}
	return n > 0
}
