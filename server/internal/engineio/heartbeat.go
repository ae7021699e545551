package engineio

import (
	"sync/atomic"
	"time"

	"hipflask/server/internal/freeze"
	"hipflask/server/internal/locks"
)

// beat is a session as the heartbeat sees it.
type beat struct {
	owner       beating
	clientPings bool // Engine.IO 3

	// receiving counts the calls that take what came in and are under way, and pauses: a session
	// whose reading waits for its handlers is not one that fell silent.
	receiving atomic.Int32
	// delayed is set when reading goes on after a wait: there may be more to read.
	delayed atomic.Bool

	at beatEntry // guarded by the heartbeat's mutex
}

// beating is what a heartbeat acts on.
type beating interface {
	ping() // sends what tells the client that we are there
	lost() // ends it: nothing came in time
}

// beatEntry is a session's entry in one of the heartbeat's lists.
type beatEntry struct {
	list       *beatList
	prev, next *beat
	due        time.Time
	renewed    bool // due was late once, and began anew
}

// heldUp reports whether a heartbeat of the session may lie unread: its reading waits, or has
// waited since it was last asked.
func (b *beat) heldUp() bool {
	delayed := b.delayed.Swap(false)
	return delayed || b.receiving.Load() > 0
}

// heartbeat keeps the pings and the time limits of all sessions with one timer.
//
// All sessions share the same interval and timeout, so a list whose entries are appended as they
// start waiting is sorted by when they are due: looking at its head is enough, and moving a session
// to the end costs the same for any number.
//
// Engine.IO 4 and plain WebSocket: the server pings after the interval and waits for the pong.
// Engine.IO 3: the client pings, and has interval and timeout for it.
//
// A client whose reading is held up, by its handlers or by a limit on its rate, is not one that
// fell silent: what it owes may lie unread. It has until its reading goes on, and so that it does
// not take us for dead meanwhile, is sent something before it would. Nor is one whose time ran out
// while the whole process stood still.
type heartbeat struct {
	interval, timeout time.Duration
	wake              chan struct{} // capacity 1: a list that was empty no longer is

	mu     locks.Heartbeat
	pings  beatList // to be pinged when due
	pongs  beatList // pinged; dead when due
	quiet  beatList // Engine.IO 3: looked at when due
	silent beatList // Engine.IO 3, once looked at: dead when due
}

type beatList struct{ first, last *beat }

func newHeartbeat(interval, timeout time.Duration) *heartbeat {
	return &heartbeat{interval: interval, timeout: timeout, wake: make(chan struct{}, 1)}
}

// add starts the heartbeat of a session; heard, a sign of life, starts it anew. A session that was
// removed stays so.
func (h *heartbeat) add(b *beat) {
	h.mu.Lock()
	h.waitLocked(b)
	h.mu.Unlock()
}

func (h *heartbeat) heard(b *beat) {
	h.mu.Lock()
	if b.at.list != nil {
		h.waitLocked(b)
	}
	h.mu.Unlock()
}

func (h *heartbeat) waitLocked(b *beat) {
	if b.clientPings {
		h.moveLocked(b, &h.quiet, h.interval+h.timeout/2)
	} else {
		h.moveLocked(b, &h.pings, h.interval)
	}
}

func (h *heartbeat) remove(b *beat) {
	h.mu.Lock()
	h.unlinkLocked(b)
	h.mu.Unlock()
}

func (h *heartbeat) moveLocked(b *beat, to *beatList, after time.Duration) {
	h.unlinkLocked(b)
	b.at = beatEntry{list: to, prev: to.last, due: time.Now().Add(after)}
	if to.last != nil {
		to.last.at.next = b
		to.last = b
		return
	}
	to.first, to.last = b, b
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *heartbeat) unlinkLocked(b *beat) {
	l := b.at.list
	if l == nil {
		return
	}
	if b.at.prev != nil {
		b.at.prev.at.next = b.at.next
	} else {
		l.first = b.at.next
	}
	if b.at.next != nil {
		b.at.next.at.prev = b.at.prev
	} else {
		l.last = b.at.prev
	}
	b.at = beatEntry{}
}

// run pings and ends sessions as they are due, until stop is closed.
func (h *heartbeat) run(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for expected := time.Now(); ; {
		select {
		case <-timer.C:
		case <-h.wake:
		case <-stop:
			return
		}
		if freeze.Late(expected) {
			h.renew(time.Since(expected))
		}
		due, dead, next := h.collect(time.Now())
		for _, b := range due {
			b.owner.ping()
		}
		for _, b := range dead {
			b.owner.lost()
		}
		expected = time.Now().Add(next)
		timer.Reset(next)
	}
}

// renew has all that is expected of clients begin anew, once: the process stood still for so long,
// and what they have sent may lie unread. What has begun anew already goes on from where it was:
// a processor that is busy for a moment uses up nothing that a freeze right behind it needs.
func (h *heartbeat) renew(late time.Duration) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range []*beatList{&h.pongs, &h.quiet, &h.silent} {
		limit := h.timeout
		if l != &h.pongs {
			limit = h.timeout / 2 // the other half comes when it was looked at, or has begun
		}
		for b := l.first; b != nil && b.at.due.Before(now.Add(limit)); b = b.at.next {
			if b.at.renewed { // these come first, and are due before the others
				b.at.due = b.at.due.Add(late)
			} else {
				b.at.due, b.at.renewed = now.Add(limit), true
			}
		}
	}
}

// collect takes what is due off the lists, and returns how long nothing else will be due.
func (h *heartbeat) collect(now time.Time) (due, dead []*beat, next time.Duration) {
	// Sessions that fall due within one step are served together.
	step := min(h.interval, h.timeout) / 50
	h.mu.Lock()
	defer h.mu.Unlock()
	for b := h.pings.first; b != nil && !b.at.due.After(now); b = h.pings.first {
		due = append(due, b)
		b.delayed.Store(false)
		h.moveLocked(b, &h.pongs, h.timeout)
	}
	for _, l := range []*beatList{&h.pongs, &h.quiet, &h.silent} {
		for b := l.first; b != nil && !b.at.due.After(now); b = l.first {
			held := b.heldUp()
			switch {
			case held && l == &h.pongs:
				due = append(due, b)
				h.moveLocked(b, l, h.timeout)
			case held:
				due = append(due, b)
				h.waitLocked(b)
			case l == &h.quiet:
				h.moveLocked(b, &h.silent, b.at.due.Sub(now)+h.timeout-h.timeout/2)
			default:
				dead = append(dead, b)
				h.unlinkLocked(b)
			}
		}
	}
	next = h.interval
	for _, l := range []*beatList{&h.pings, &h.pongs, &h.quiet, &h.silent} {
		if l.first != nil {
			next = min(next, l.first.at.due.Sub(now))
		}
	}
	return due, dead, max(next, step)
}
