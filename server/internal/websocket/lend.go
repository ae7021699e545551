package websocket

import (
	"time"

	"hipflask/server/internal/locks"
)

// Work is something to do about what was read.
type Work interface{ Run() }

// lendLimit is how long a connection is not read while its goroutine does work, at least; at most twice that.
const lendLimit = 10 * time.Millisecond

// lending has goroutines that read do work between two reads: most work is short, and to wake another goroutine for it
// costs more than most of what that then does, see BenchmarkLend. Where it is not short, another goroutine reads on.
type lending struct {
	mu    locks.Lending
	at    []*Conn // those that work
	timer *time.Timer
	armed bool
}

// lent is a connection's part of it.
type lent struct {
	number uint64 // of the loan, so that who has lost the reading does not take it for the next one
	place  int    // in lending.at, plus one
	long   bool   // it was there at the last look
}

// lend does work on the reading goroutine, and reports whether that still reads.
func (c *Conn) lend(work Work) bool {
	l := &c.idlers.lending
	l.mu.Lock()
	c.lent.number++
	number := c.lent.number
	c.lent.long = false
	l.at = append(l.at, c)
	c.lent.place = len(l.at)
	l.armLocked()
	l.mu.Unlock()
	work.Run()
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.lent.number != number || c.lent.place == 0 {
		return false
	}
	l.removeLocked(c)
	return true
}

// ReadOn has another goroutine read on at once, if the one that reads does work now: because that waits for something
// that the peer sends.
func (c *Conn) ReadOn() {
	l := &c.idlers.lending
	l.mu.Lock()
	is := c.lent.place > 0
	if is {
		l.removeLocked(c)
	}
	l.mu.Unlock()
	if is {
		c.idlers.pool.Run(c.idling.reading)
	}
}

func (l *lending) armLocked() {
	switch {
	case l.armed:
		return
	case l.timer == nil:
		l.timer = time.AfterFunc(lendLimit, l.look)
	default:
		l.timer.Reset(lendLimit)
	}
	l.armed = true
}

func (l *lending) removeLocked(c *Conn) {
	last := len(l.at) - 1
	l.at[c.lent.place-1] = l.at[last]
	l.at[c.lent.place-1].lent.place = c.lent.place
	l.at[last] = nil
	l.at = l.at[:last]
	c.lent.place = 0
}

// look has others read for those that have worked since the last look.
func (l *lending) look() {
	l.mu.Lock()
	var long []*Conn
	for _, c := range l.at {
		if c.lent.long {
			long = append(long, c)
		}
		c.lent.long = true
	}
	for _, c := range long {
		l.removeLocked(c)
	}
	l.armed = false
	if len(l.at) > 0 {
		l.armLocked()
	}
	l.mu.Unlock()
	for _, c := range long {
		c.idlers.pool.Run(c.idling.reading)
	}
}
