package engineio

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"hipflask/server/internal/websocket"
)

// quota is what one client may send, beyond which its reading pauses.
type quota struct {
	messages, bytes *rate.Limiter // nil without a limit

	mu     sync.Mutex
	until  time.Time // when what was read is paid for
	logged bool
}

// newQuota returns nil if there is no limit. What a client may send in a second it
// may send at once.
func newQuota(b Bounds) *quota {
	if b.Messages == 0 && b.Bytes == 0 {
		return nil
	}
	q := new(quota)
	if b.Messages > 0 {
		q.messages = rate.NewLimiter(rate.Limit(b.Messages), b.Messages)
	}
	if b.Bytes > 0 {
		q.bytes = rate.NewLimiter(rate.Limit(b.Bytes), b.Bytes)
	}
	return q
}

// charge takes n from a limiter, which may go into debt.
func (q *quota) charge(l *rate.Limiter, n int) {
	if l == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for n > 0 {
		part := min(n, l.Burst())
		if until := now.Add(l.ReserveN(now, part).DelayFrom(now)); until.After(q.until) {
			q.until = until
		}
		n -= part
	}
}

// owed is how long the client is to be held back, and whether that is the first time.
func (q *quota) owed() (wait time.Duration, first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if wait = time.Until(q.until); wait < shortestPause {
		return 0, false // it adds up
	}
	first, q.logged = !q.logged, true
	return wait, first
}

const (
	// shortestPause is what a pause must be worth.
	shortestPause = time.Millisecond
	// longestAnswer is how long the answer to a POST is held back: proxies give up a
	// request after a minute. What is owed beyond that the next POST waits for.
	longestAnswer = 30 * time.Second
)

// countMessage charges the client for a message or a control frame.
func (s *Session) countMessage() {
	if s.quota != nil {
		s.quota.charge(s.quota.messages, 1)
	}
}

// countBytes charges the client for what was read.
func (s *Session) countBytes(n int) {
	if s.quota != nil {
		s.quota.charge(s.quota.bytes, n)
	}
}

// pace counts what a WebSocket keeps of a message that is not whole, and has it held
// back when its client sends too many bytes.
func (s *Session) pace(conn *websocket.Conn) {
	conn.SetPace(func(n int) {
		s.holdPartial(conn.Partial())
		s.countBytes(n)
		s.pause(0, nil)
	})
}

// holdPartial takes what is kept of a message that is not whole from the memory for
// clients, and gives back what is kept no more. One that there is no room for ends the
// session. It is the reader's.
func (s *Session) holdPartial(kept int) {
	switch more := kept - s.partial; {
	case more == 0:
		return
	case more < 0:
		s.srv.cfg.Memory.Give(-more)
	case !s.srv.cfg.Memory.TakeHalf(more):
		s.WarnMemory()
		s.abort(TransportError)
		return
	}
	s.partial = kept
}

// pause holds the reading of a client back that has sent more than it may, for at
// most this long, 0 for no limit. It ends with the session and when gone is closed.
//
// Nothing that the client sent is dropped: it stays in the kernel's buffers, and
// once they are full the client cannot send. Its heartbeats are stuck there as
// well, which is not its fault: it counts as receiving.
func (s *Session) pause(most time.Duration, gone <-chan struct{}) {
	if s.quota == nil {
		return
	}
	wait, first := s.quota.owed()
	if wait == 0 {
		return
	}
	if first {
		s.Warn(CauseRate, "client held back: it sends too much", "settings", "--max-messages-per-second, --max-bytes-per-second")
	}
	if most > 0 {
		wait = min(wait, most)
	}
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	if s.paused == nil {
		s.paused = make(chan struct{})
	}
	ended := s.paused
	s.mu.Unlock()
	s.receiving.Add(1)
	defer s.receiving.Add(-1)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ended:
	case <-gone:
	}
	s.Delayed()
}

// resume ends a pause because the session does. The mutex is held.
func (s *Session) resume() {
	if s.paused != nil {
		close(s.paused)
		s.paused = nil
	}
}
