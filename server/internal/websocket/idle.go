package websocket

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/pool"
)

const (
	// warmWakes is how often a connection may be woken within one coolAfter before it counts as active and keeps a
	// goroutine, which reads with one system call less for each message.
	warmWakes = 3
	// coolAfter is how long an active connection is silent before it is idle again, at least; at most twice that.
	coolAfter = time.Second
)

var errIdle = errors.New("websocket: nothing to read")

// idlers owns the connections on which nothing comes. They have no goroutine: one poller watches all of them, and
// starts a goroutine for each that there is something to read on. A connection that is active keeps its goroutine.
type idlers struct {
	pool pool.Pool // of goroutines that read

	mu   sync.Mutex
	poll *poller // nil: not watching
	at   []*Conn // those that were watched, by their descriptors
	warm []*Conn // those that keep a goroutine and may become idle
}

// idling is a connection's part of it.
type idling struct {
	idlers  *idlers
	handler Handler
	ended   func(error)
	fd      int
	cold    bool        // to become idle as soon as there is nothing to read; the reading goroutine's
	wakes   int         // within the same coolAfter as wokenAt
	wokenAt int64       // milliseconds, by the clock
	place   int         // in idlers.warm, plus one; guarded by its mutex
	heard   atomic.Bool // something was read since the last look

	mu       sync.Mutex
	watched  bool // without a goroutine
	enrolled bool // the poller knows the descriptor
	asked    bool // the read deadline was set to make the reading goroutine look
	limited  bool // the owner has set a read deadline
	closed   bool
}

// Watch makes connections that were begun with Start give up their goroutine while nothing comes, where the system can
// do that: Linux. It returns when stop is closed; no connection may be idle then.
func (u *Upgrader) Watch(stop <-chan struct{}) error {
	i := &u.idlers
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
	look := time.NewTicker(coolAfter)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			i.cool()
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

// wake is told that there is something to read.
func (i *idlers) wake(fd int) {
	i.mu.Lock()
	var c *Conn
	if fd < len(i.at) {
		c = i.at[fd]
	}
	i.mu.Unlock()
	if c != nil {
		c.wake()
	}
}

// cool makes the connections that were silent look whether they can become idle.
func (i *idlers) cool() {
	i.mu.Lock()
	warm := slices.Clone(i.warm)
	i.mu.Unlock()
	for _, c := range warm {
		if c.heard.Swap(false) {
			continue
		}
		c.mu.Lock()
		if !c.limited && !c.closed {
			c.asked = true
			_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // fails for a closed one, which has no need of it
		}
		c.mu.Unlock()
	}
}

// keepWarm puts c among those that keep their goroutine.
func (i *idlers) keepWarm(c *Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if c.place == 0 {
		i.warm = append(i.warm, c)
		c.place = len(i.warm)
	}
}

// unwarm takes c from among them. The mutex is held.
func (i *idlers) unwarm(c *Conn) {
	if c.place == 0 {
		return
	}
	last := len(i.warm) - 1
	i.warm[c.place-1] = i.warm[last]
	i.warm[c.place-1].place = c.place
	i.warm[last] = nil
	i.warm = i.warm[:last]
	c.place = 0
}

// enter has the descriptor of c watched. c.mu is held.
func (i *idlers) enter(c *Conn) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.poll == nil {
		return false
	}
	if c.fd >= len(i.at) {
		i.at = append(i.at, make([]*Conn, c.fd+1-len(i.at))...)
	}
	i.at[c.fd] = c
	if i.poll.watch(c.fd, c.enrolled) != nil {
		return false
	}
	c.enrolled = true
	i.unwarm(c)
	return true
}

func (i *idlers) forget(c *Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.unwarm(c)
	if c.fd < len(i.at) && i.at[c.fd] == c {
		i.at[c.fd] = nil
	}
}

// Start is Serve on goroutines of the connection's own, of which it has none while nothing comes; see Upgrader.Watch.
// ended is called with what Serve would return, on a goroutine that may then wait. h and ended must not wait for other
// calls of theirs.
func (c *Conn) Start(h Handler, maxMessage int, ended func(error)) {
	c.handler, c.ended, c.reader.max = h, ended, maxMessage
	c.cold = c.raw != nil && c.raw.Control(func(fd uintptr) { c.fd = int(fd) }) == nil
	if c.cold && len(c.early) == 0 && c.rest() {
		return
	}
	c.idlers.pool.Run((*reading)(c))
}

// reading is a connection as the pool sees it.
type reading Conn

func (r *reading) Run() { (*Conn)(r).run() }

// run reads until the connection ends or is idle.
func (c *Conn) run() {
	for {
		err := c.serve()
		switch {
		case err == errIdle:
			if c.rest() {
				return // another goroutine may be reading already
			}
			c.cold = false
			c.idlers.keepWarm(c)
			continue
		case errors.Is(err, os.ErrDeadlineExceeded) && c.wasAsked():
			c.cold = true
			continue
		case c.renewed(err):
			continue
		}
		c.cold = false
		c.release()
		c.idlers.forget(c)
		c.ended(err)
		return
	}
}

// rest gives up the goroutine, unless something is about to happen without the peer.
func (c *Conn) rest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = !c.closed && !c.limited
	c.watched = c.watched && c.idlers.enter(c)
	return c.watched
}

// wasAsked says whether the deadline that has passed was set by cool.
func (c *Conn) wasAsked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = false
	if asked && !c.limited {
		_ = c.conn.SetReadDeadline(time.Time{})
	}
	return asked
}

// renewed reports whether the owner's read deadline begins anew, because the process stood still. A connection that is
// read otherwise than by its socket does that itself.
func (c *Conn) renewed(err error) bool {
	if c.raw == nil {
		return false
	}
	for nc := c.conn; ; {
		if lasting, ok := nc.(interface{ RenewRead(error) bool }); ok {
			return lasting.RenewRead(err)
		}
		s, ok := nc.(socketed)
		if !ok {
			return false
		}
		nc = s.Socket()
	}
}

// socketed is a connection that changes nothing of what passes through the one beneath.
type socketed interface{ Socket() net.Conn }

// wake gives an idle connection its goroutine back, because there is something to read.
func (c *Conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.watched {
		return
	}
	if now := time.Now().UnixMilli(); now-c.wokenAt > coolAfter.Milliseconds() {
		c.wokenAt, c.wakes = now, 0
	}
	if c.wakes++; c.wakes > warmWakes {
		c.cold, c.wakes = false, 0
		c.idlers.keepWarm(c)
	}
	c.rouse()
}

// rouse starts the goroutine of an idle connection. c.mu is held.
func (c *Conn) rouse() {
	if c.watched {
		c.watched = false
		c.idlers.pool.Run((*reading)(c))
	}
}
