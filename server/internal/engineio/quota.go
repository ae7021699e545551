package engineio

import (
	"time"

	"golang.org/x/time/rate"

	"hipflask/server/internal/locks"
)

// quota is what one client may send, beyond which its reading pauses.
type quota struct {
	messages, bytes *rate.Limiter // nil without a limit

	mu     locks.Quota
	until  time.Time // when what was read is paid for
	logged bool
}

// newQuota returns nil if there is no limit. What a client may send in a second it may send at
// once.
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

// message charges the client for a message or a control frame.
func (q *quota) message() {
	if q != nil {
		q.charge(q.messages, 1)
	}
}

// read charges the client for that many bytes.
func (q *quota) read(n int) {
	if q != nil {
		q.charge(q.bytes, n)
	}
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
	// longestAnswer is how long the answer to a POST is held back: proxies give up a request after
	// a minute. What is owed beyond that the next POST waits for.
	longestAnswer = 30 * time.Second
)
