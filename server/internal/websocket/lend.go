package websocket

import "time"

// lendLimit is how long a connection is not read while its goroutine does work, at least; at most
// twice that.
const lendLimit = 10 * time.Millisecond

// lend does work on the reading goroutine, and reports whether that still reads.
func (c *idling) lend(work Work) bool {
	l := &c.idlers.lending
	l.mu.Lock()
	c.lent.number++
	number := c.lent.number
	c.lent.long = false
	l.at = append(l.at, c)
	c.lent.index = len(l.at)
	l.armLocked()
	l.mu.Unlock()
	work.Run()
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.lent.number != number || c.lent.index == 0 {
		return false
	}
	l.removeLocked(c)
	return true
}

// ReadOn has another goroutine read on at once, if the one that reads does work now: because that
// waits for something that the peer sends.
func (c *idling) ReadOn() {
	l := &c.idlers.lending
	l.mu.Lock()
	is := c.lent.index > 0
	if is {
		l.removeLocked(c)
	}
	l.mu.Unlock()
	if is {
		c.idlers.pool.Run(c.reading)
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

func (l *lending) removeLocked(c *idling) {
	last := len(l.at) - 1
	l.at[c.lent.index-1] = l.at[last]
	l.at[c.lent.index-1].lent.index = c.lent.index
	l.at[last] = nil
	l.at = l.at[:last]
	c.lent.index = 0
}

// look has others read for those that have worked since the last look.
func (l *lending) look() {
	l.mu.Lock()
	var long []*idling
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
		c.idlers.pool.Run(c.reading)
	}
}
