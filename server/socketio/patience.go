package socketio

import (
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/freeze"
)

// A session that connects to no namespace in time is ended. Whether it does is looked at by
// a task of the queue, as is all that connects a client, its waiting for a session that it
// comes back to included. The timer only asks for that look: so nobody can be ended while
// that goes on, or in the moment in which it succeeds.

// beginPatience starts the time for the first CONNECT.
func (c *conn) beginPatience() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = freeze.Begin(c.server.opts.ConnectTimeout)
	c.patience = time.AfterFunc(c.server.opts.ConnectTimeout, c.patienceOver)
}

// patienceOver has the queue look whether it is.
func (c *conn) patienceOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.patience != nil { // else it is connected, or has ended: then nothing may be queued any more
		c.queue.Push(task{run: c.lookWhetherConnected}, 0)
	}
}

// lookWhetherConnected ends the session unless it is.
func (c *conn) lookWhetherConnected() {
	c.mu.Lock()
	connected := c.patience == nil
	left := c.limit.Left()
	if !connected && left > 0 {
		c.patience.Reset(left)
	}
	c.mu.Unlock()
	if !connected && left == 0 {
		c.session.Warn(engineio.CauseNoConnect, "client closed: it connected to no namespace in time")
		c.session.Close(engineio.ServerClose)
	}
}

// excuse gives a client the time back that an attempt to connect it has taken since it
// began: its handlers took that.
func (c *conn) excuse(began time.Time) { c.limit.Extend(time.Since(began)) }

// endPatienceLocked is for a client that is connected, or has gone.
func (c *conn) endPatienceLocked() {
	if c.patience != nil {
		c.patience.Stop()
		c.patience = nil
	}
}
