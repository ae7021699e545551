package socketio

import (
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/freeze"
)

// A session that connects to no namespace within Options.ConnectTimeout is ended. A task of the
// queue checks that, because everything that connects a client is a task there too, its wait for a
// session that it comes back to included. The timer only queues the check, so no session can be
// ended during an attempt to connect it, or at the moment at which the attempt succeeds.

// startConnectTimeout starts the time for the first CONNECT.
func (c *conn) startConnectTimeout() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connectLimit = freeze.Begin(c.server.opts.ConnectTimeout)
	c.connectTimer = time.AfterFunc(c.server.opts.ConnectTimeout, c.connectTimedOut)
}

// connectTimedOut queues the check when the timer fires.
func (c *conn) connectTimedOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connectTimer != nil { // else it is connected, or has ended, after which nothing may be queued
		c.queue.Push(task{run: c.closeUnlessConnected}, 0)
	}
}

// closeUnlessConnected ends the session if it is not connected to a namespace and has no time left.
func (c *conn) closeUnlessConnected() {
	c.mu.Lock()
	connected := c.connectTimer == nil
	left := c.connectLimit.Left()
	if !connected && left > 0 {
		c.connectTimer.Reset(left)
	}
	c.mu.Unlock()
	if !connected && left == 0 {
		c.session.Warn(engineio.CauseNoConnect, "client closed: it connected to no namespace in time")
		c.session.Close(engineio.ServerClose)
	}
}

// extendConnectTimeout adds to the time for the first CONNECT what an attempt to connect the client
// has taken since it began: the handlers took that time, not the client.
func (c *conn) extendConnectTimeout(began time.Time) { c.connectLimit.Extend(time.Since(began)) }

// stopConnectTimeoutLocked stops the timer of a client that is connected, or whose session has
// ended.
func (c *conn) stopConnectTimeoutLocked() {
	if c.connectTimer != nil {
		c.connectTimer.Stop()
		c.connectTimer = nil
	}
}
