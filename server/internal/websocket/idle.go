package websocket

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/locks"
	"hipflask/server/internal/pool"
)

// A connection that talks now and then, as somebody who chats does, is active: to wake another
// goroutine for each of its messages costs 100 µs and more on a machine whose processors are idle,
// and delays it as long. One of which only heartbeats come, every 25 s, is not.
const (
	// activeWakes is how often a connection may be woken within activeWithin before it counts as
	// active and keeps a goroutine, which reads with one system call less for each message.
	activeWakes  = 2
	activeWithin = 10 * time.Second
	// lookEvery is how often it is looked which connections were silent, and after idleLooks of
	// such looks an active one is idle again.
	lookEvery = time.Second
	idleLooks = 8
)

// idlers owns the connections on which nothing comes. They have no goroutine: one poller watches
// all of them, and starts a goroutine for each that there is something to read on. A connection
// that is active keeps its goroutine.
type idlers struct {
	pool    pool.Pool // of goroutines that read
	lending lending

	mu     locks.Idlers
	poll   *poller   // nil: not watching
	at     []*idling // those that were watched, by their descriptors
	active []*idling // those that keep a goroutine and may become idle
}

// Work is something to do about what was read.
type Work interface{ Run() }

// lending has goroutines that read do work between two reads: most work is short, and to wake
// another goroutine for it costs more than most of what that then does, see BenchmarkLend. Where it
// is not short, another goroutine reads on.
type lending struct {
	mu    locks.Lending
	at    []*idling // those that work
	timer *time.Timer
	armed bool
}

// lent is a connection's part of lending.
type lent struct {
	number uint64 // of the loan, so that a goroutine whose loan has ended does not end the next one
	index  int    // in lending.at, plus one
	long   bool   // it was there at the last look
}

// idling is a connection's part of idlers.
type idling struct {
	idlers      *idlers
	conn        net.Conn
	reading     pool.Runner // reads, until there is nothing
	fd          int
	mayIdle     bool        // it becomes idle as soon as there is nothing to read; the reading goroutine's
	wakes       int         // within activeWithin from wokenAt on
	wokenAt     int64       // milliseconds, by the clock
	activeIndex int         // in idlers.active, plus one; guarded by its mutex
	heard       atomic.Bool // something was read since the last look
	silent      int         // looks since something was; guarded by the mutex of idlers
	lent        lent        // guarded by the mutex of lending

	mu       locks.Idling
	watched  bool // without a goroutine
	enrolled bool // the poller knows the descriptor
	asked    bool // the read deadline was set to make the reading goroutine look
	limited  bool // the owner has set a read deadline
	closed   bool
}

// watch is Upgrader.Watch.
func (i *idlers) watch(stop <-chan struct{}) error {
	defer i.pool.Close()
	p, err := newPoller()
	if err != nil || p == nil {
		return err
	}
	i.mu.Lock()
	i.poll = p
	i.mu.Unlock()
	var polling sync.WaitGroup
	polling.Go(func() { p.run(i.wake) })
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			i.askSilent()
		case <-stop:
			i.mu.Lock()
			i.poll = nil
			i.mu.Unlock()
			err := p.close()
			polling.Wait()
			return err
		}
	}
}

// wake is called when there is something to read from a descriptor.
func (i *idlers) wake(fd int) {
	i.mu.Lock()
	var c *idling
	if fd < len(i.at) {
		c = i.at[fd]
	}
	i.mu.Unlock()
	if c != nil {
		c.wake()
	}
}

// askSilent makes the active connections that were silent long enough become idle, if they can.
func (i *idlers) askSilent() {
	var silent []*idling
	i.mu.Lock()
	for _, c := range i.active {
		if c.silent++; c.heard.Swap(false) {
			c.silent = 0
		}
		if c.silent >= idleLooks {
			silent = append(silent, c)
		}
	}
	i.mu.Unlock()
	for _, c := range silent {
		c.mu.Lock()
		if !c.limited && !c.closed {
			c.asked = true
			_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // fails for a closed one, which has no need of it
		}
		c.mu.Unlock()
	}
}

// keepActive adds c to those that keep their goroutine.
func (i *idlers) keepActive(c *idling) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if c.activeIndex == 0 {
		i.active = append(i.active, c)
		c.activeIndex = len(i.active)
	}
}

// dropActiveLocked removes c from them.
func (i *idlers) dropActiveLocked(c *idling) {
	if c.activeIndex == 0 {
		return
	}
	last := len(i.active) - 1
	i.active[c.activeIndex-1] = i.active[last]
	i.active[c.activeIndex-1].activeIndex = c.activeIndex
	i.active[last] = nil
	i.active = i.active[:last]
	c.activeIndex = 0
}

// enterLocked has the descriptor of c watched. It is c.mu that is held.
func (i *idlers) enterLocked(c *idling) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.poll == nil {
		return false
	}
	if c.fd >= len(i.at) {
		i.at = append(i.at, make([]*idling, c.fd+1-len(i.at))...)
	}
	i.at[c.fd] = c
	if i.poll.watch(c.fd, c.enrolled) != nil {
		return false
	}
	c.enrolled = true
	i.dropActiveLocked(c)
	return true
}

func (i *idlers) forget(c *idling) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dropActiveLocked(c)
	if c.fd < len(i.at) && i.at[c.fd] == c {
		i.at[c.fd] = nil
	}
}

// rest makes the connection idle, so that its goroutine can end, and reports whether it did: it
// does not where it is closed or has a deadline.
func (c *idling) rest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = !c.closed && !c.limited
	c.watched = c.watched && c.idlers.enterLocked(c)
	return c.watched
}

// wasAsked reports whether the deadline that has passed was set by askSilent.
func (c *idling) wasAsked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = false
	if asked && !c.limited {
		_ = c.conn.SetReadDeadline(time.Time{})
	}
	return asked
}

// wake gives an idle connection its goroutine back, because there is something to read.
func (c *idling) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.watched {
		return
	}
	if now := time.Now().UnixMilli(); now-c.wokenAt > activeWithin.Milliseconds() {
		c.wokenAt, c.wakes = now, 0
	}
	if c.wakes++; c.wakes > activeWakes {
		c.mayIdle, c.wakes = false, 0
		c.idlers.keepActive(c)
	}
	c.startReaderLocked()
}

// startReaderLocked starts the goroutine of an idle connection.
func (c *idling) startReaderLocked() {
	if c.watched {
		c.watched = false
		c.idlers.pool.Run(c.reading)
	}
}
