package admin

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// Checking a password costs a processor for as long as the hash wants. Checks take turns, and
	// together at most one part in checkShare of one processor; a check counts as minCheck at
	// least. A few at once, such as a person's mistakes, need not wait: those that take maxBurst
	// together, with the pauses behind them.
	checkShare = 5
	minCheck   = 50 * time.Millisecond
	maxBurst   = 3 * time.Second

	// From an address with more than maxFailures failed logins within failureWindow, a check begins
	// at the earliest slowPace after any other. It waits, and is not refused: the next password may
	// be the right one.
	maxFailures   = 5
	failureWindow = time.Minute
	slowPace      = 2 * time.Second
	// maxAddresses bounds the addresses that are remembered for it.
	maxAddresses = 1024

	// maxWaiting logins wait for their turn, at most checkWait.
	maxWaiting = 16
	checkWait  = 5 * time.Second
)

// window counts what happens in a span of time.
type window struct {
	since time.Time
	count int
}

// add counts one more, from now on if the span is over, and returns how many it is.
func (w *window) add(now time.Time) int {
	if now.Sub(w.since) >= failureWindow {
		*w = window{since: now}
	}
	w.count++
	return w.count
}

// turns decides which login is checked next: of those that wait, one from the address with the
// fewest failures. So who floods it waits behind whoever does not.
type turns struct {
	now func() time.Time

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when somebody's turn may have come
	waiting  []*waiter     // in the order they came
	busy     bool          // one is being checked
	last     time.Time     // when the last check ended
	paid     time.Time     // until when the checks so far use up their share
	failures map[netip.Addr]window
}

type waiter struct {
	from      netip.Addr
	displaced bool // by one from an address with fewer failures
}

func newTurns(now func() time.Time) *turns {
	return &turns{now: now, changed: make(chan struct{}), failures: make(map[netip.Addr]window)}
}

// take waits for a turn, and reports false at once when there are too many waiting, or after
// checkWait. One that was taken has to be given back. A login counts as failed until it is known to
// be right, so those at the same time count as well.
func (t *turns) take(from netip.Addr) bool {
	late := time.NewTimer(checkWait)
	defer late.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failLocked(from)
	w := &waiter{from: from}
	if !t.joinLocked(w) {
		return false
	}
	for {
		if w.displaced {
			return false
		}
		pause := t.pauseLocked(w)
		if pause <= 0 {
			t.busy = true
			t.leaveLocked(w)
			return true
		}
		if !t.awaitLocked(pause, late.C) {
			t.leaveLocked(w)
			return false
		}
	}
}

// awaitLocked waits, without the mutex, until something changes or the pause is over, and reports
// false when it is late.
func (t *turns) awaitLocked(pause time.Duration, late <-chan time.Time) bool {
	changed := t.changed
	t.mu.Unlock()
	defer t.mu.Lock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-late:
		return false
	}
	return true
}

// give gives a turn back that took so long.
func (t *turns) give(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy, t.last = false, t.now()
	if t.paid.Before(t.last) {
		t.paid = t.last
	}
	t.paid = t.paid.Add(checkShare * max(took, minCheck))
	t.changeLocked()
}

// pauseLocked is how long a waiter has to wait as things are; long, if it is not the next.
func (t *turns) pauseLocked(w *waiter) time.Duration {
	if t.busy || t.nextLocked() != w {
		return checkWait
	}
	now := t.now()
	pause := max(t.paid.Sub(now), 0) - maxBurst
	if t.countLocked(w.from) > maxFailures {
		pause = max(pause, t.last.Add(slowPace).Sub(now))
	}
	return pause
}

// nextLocked is the first of those from the address with the fewest failures.
func (t *turns) nextLocked() *waiter {
	return slices.MinFunc(t.waiting, func(a, b *waiter) int { return cmp.Compare(t.countLocked(a.from), t.countLocked(b.from)) })
}

// joinLocked has somebody wait. Where too many do, the latest from the address with the most
// failures has to go, unless that is the newcomer's.
func (t *turns) joinLocked(w *waiter) bool {
	if len(t.waiting) >= maxWaiting {
		worst := t.waiting[0]
		for _, other := range t.waiting[1:] {
			if t.countLocked(other.from) >= t.countLocked(worst.from) {
				worst = other
			}
		}
		if t.countLocked(worst.from) <= t.countLocked(w.from) {
			return false
		}
		worst.displaced = true
		t.leaveLocked(worst)
	}
	t.waiting = append(t.waiting, w)
	t.changeLocked()
	return true
}

func (t *turns) leaveLocked(w *waiter) {
	t.waiting = slices.DeleteFunc(t.waiting, func(other *waiter) bool { return other == w })
	t.changeLocked()
}

func (t *turns) changeLocked() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *turns) countLocked(from netip.Addr) int {
	f := t.failures[from]
	if t.now().Sub(f.since) >= failureWindow {
		return 0
	}
	return f.count
}

// failLocked counts a login as failed.
func (t *turns) failLocked(from netip.Addr) {
	now := t.now()
	f, known := t.failures[from]
	if !known {
		t.makeRoomLocked(now)
	}
	f.add(now)
	t.failures[from] = f
}

// forgive forgets an address' failures: somebody there knows the password.
func (t *turns) forgive(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failures, from)
	t.changeLocked()
}

// makeRoomLocked forgets addresses when there are too many: those whose time is over, or else any
// one.
func (t *turns) makeRoomLocked(now time.Time) {
	if len(t.failures) < maxAddresses {
		return
	}
	for from, f := range t.failures {
		if now.Sub(f.since) >= failureWindow {
			delete(t.failures, from)
		}
	}
	for from := range t.failures {
		if len(t.failures) < maxAddresses {
			return
		}
		delete(t.failures, from)
	}
}
