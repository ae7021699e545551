package engineio

import (
	"sync"
	"time"

	"hipflask/server/internal/freeze"
	"hipflask/server/internal/websocket"
)

// beat is a session's place in the heartbeat's lists.
type beat struct {
	list       *beatList
	prev, next *Session
	due        time.Time
	renewed    bool // due was late once
}

// heartbeat keeps the pings and the time limits of all sessions with one timer.
//
// All sessions share the same interval and timeout, so a list whose entries are
// appended as they start waiting is sorted by when they are due: looking at its
// head is enough, and moving a session to the end costs the same for any number.
//
// Engine.IO 4 and plain WebSocket: the server pings after the interval and waits
// for the pong. Engine.IO 3: the client pings, and has interval and timeout for it.
//
// A client whose reading is held up, by its handlers or by a limit on its rate, is
// not one that fell silent: what it owes may lie unread. It has until its reading
// goes on, and so that it does not take us for dead meanwhile, is sent something
// before it would. Nor is one whose time ran out while the whole process stood still.
type heartbeat struct {
	interval, timeout time.Duration
	wake              chan struct{} // capacity 1: a list that was empty no longer is

	mu     sync.Mutex
	pings  beatList // to be pinged when due
	pongs  beatList // pinged; dead when due
	quiet  beatList // Engine.IO 3: looked at when due
	silent beatList // Engine.IO 3, once looked at: dead when due
}

type beatList struct{ first, last *Session }

func newHeartbeat(interval, timeout time.Duration) *heartbeat {
	return &heartbeat{interval: interval, timeout: timeout, wake: make(chan struct{}, 1)}
}

// add starts the heartbeat of a session; heard, a sign of life, starts it anew.
// A session that was removed stays so.
func (h *heartbeat) add(s *Session) {
	h.mu.Lock()
	h.wait(s)
	h.mu.Unlock()
}

func (h *heartbeat) heard(s *Session) {
	h.mu.Lock()
	if s.beat.list != nil {
		h.wait(s)
	}
	h.mu.Unlock()
}

func (h *heartbeat) wait(s *Session) {
	if s.protocol == 3 {
		h.move(s, &h.quiet, h.interval+h.timeout/2)
	} else {
		h.move(s, &h.pings, h.interval)
	}
}

func (h *heartbeat) remove(s *Session) {
	h.mu.Lock()
	h.unlink(s)
	h.mu.Unlock()
}

func (h *heartbeat) move(s *Session, to *beatList, after time.Duration) {
	h.unlink(s)
	s.beat = beat{list: to, prev: to.last, due: time.Now().Add(after)}
	if to.last != nil {
		to.last.beat.next = s
		to.last = s
		return
	}
	to.first, to.last = s, s
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *heartbeat) unlink(s *Session) {
	l := s.beat.list
	if l == nil {
		return
	}
	if s.beat.prev != nil {
		s.beat.prev.beat.next = s.beat.next
	} else {
		l.first = s.beat.next
	}
	if s.beat.next != nil {
		s.beat.next.beat.prev = s.beat.prev
	} else {
		l.last = s.beat.prev
	}
	s.beat = beat{}
}

// run pings and ends sessions as they are due, until stop is closed.
func (h *heartbeat) run(stop <-chan struct{}, ping, noop *Message) {
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
			h.renew()
		}
		due, dead, next := h.collect(time.Now())
		for _, s := range due {
			s.ping(ping, noop)
		}
		for _, s := range dead {
			s.abort(PingTimeout)
		}
		expected = time.Now().Add(next)
		timer.Reset(next)
	}
}

// renew has all that is expected of clients begin anew, once: the process stood still, so
// that what they have sent may lie unread.
func (h *heartbeat) renew() {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range []*beatList{&h.pongs, &h.quiet, &h.silent} {
		limit := h.timeout
		if l != &h.pongs {
			limit = h.timeout / 2 // the other half comes when it was looked at, or has begun
		}
		for s := l.first; s != nil && s.beat.due.Before(now.Add(limit)); s = s.beat.next {
			if !s.beat.renewed { // those that are come first
				s.beat.due, s.beat.renewed = now.Add(limit), true
			}
		}
	}
}

// collect takes what is due off the lists and says how long nothing else will be.
func (h *heartbeat) collect(now time.Time) (due, dead []*Session, next time.Duration) {
	// Sessions that fall due within one step are served together.
	step := min(h.interval, h.timeout) / 50
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := h.pings.first; s != nil && !s.beat.due.After(now); s = h.pings.first {
		due = append(due, s)
		s.delayed.Store(false)
		h.move(s, &h.pongs, h.timeout)
	}
	for _, l := range []*beatList{&h.pongs, &h.quiet, &h.silent} {
		for s := l.first; s != nil && !s.beat.due.After(now); s = l.first {
			held := s.heldUp()
			switch {
			case held && l == &h.pongs:
				due = append(due, s)
				h.move(s, l, h.timeout)
			case held:
				due = append(due, s)
				h.wait(s)
			case l == &h.quiet:
				h.move(s, &h.silent, s.beat.due.Sub(now)+h.timeout-h.timeout/2)
			default:
				dead = append(dead, s)
				h.unlink(s)
			}
		}
	}
	next = h.interval
	for _, l := range []*beatList{&h.pings, &h.pongs, &h.quiet, &h.silent} {
		if l.first != nil {
			next = min(next, l.first.beat.due.Sub(now))
		}
	}
	return due, dead, max(next, step)
}

// heldUp says whether a heartbeat of the session may lie unread: its reading waits,
// or has waited since it was last asked.
func (s *Session) heldUp() bool {
	delayed := s.delayed.Swap(false)
	return delayed || s.receiving.Load() > 0
}

// ping sends the heartbeat of the session's protocol. In Engine.IO 3 that is the
// client's to send, but whatever it receives tells it that we are there.
func (s *Session) ping(ping, noop *Message) {
	switch s.protocol {
	case 0:
		ping = rawMessage(websocket.AppendFrame(nil, websocket.Ping, nil))
	case 3:
		ping = noop
	}
	s.Send(ping)
}
