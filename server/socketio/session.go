package socketio

import (
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// maxQueuedBytes is how much memory one client's events that wait for handlers may take, beside
// MaxQueuedEvents.
const maxQueuedBytes = 1 << 20

// open begins what a session is here.
func (s *Server) open(session *engineio.Session) engineio.Receiver {
	c := &conn{connection: connection{server: s, session: session}}
	c.library = s.library.Open(session, c)
	c.incoming.decoder.Limits = s.opts.Limits
	if session.Protocol() != 4 { // the server speaks first, in text
		c.incoming.form = formText
	}
	s.conns.Add(1)
	c.queue.Init(&s.queues, c, task{run: c.opened})
	c.startConnectTimeout()
	if session.Protocol() != 4 { // else its CONNECT is awaited: one goroutine then does both
		c.queue.Start()
	}
	return c
}

// opened introduces the session to the library. Engine.IO 3 clients, and plain ones, are connected
// to "/" without asking.
func (c *conn) opened() {
	if c.session.Protocol() == 3 {
		defer c.extendConnectTimeout(time.Now())
	}
	c.library.Begin()
	c.tried()
	if c.session.IsPlain() {
		c.connect(&packet.Packet{Type: packet.Connect, Namespace: "/"})
	}
}

// Finish calls then once all that came before is handled.
func (c *conn) Finish(then func()) {
	c.queue.Push(task{run: func() {
		for range cap(c.slots) { // events beside the queue; none without slots
			c.slots <- struct{}{}
		}
		for range cap(c.slots) {
			<-c.slots
		}
		then()
	}}, 0)
}

// Closed queues the end of the session.
func (c *conn) Closed(reason engineio.Reason) {
	c.queue.End()
	c.awaitNoMore()
	c.finish("")
	c.queue.Push(task{run: func() { c.close(reason) }}, 0)
}

// close tells the library of the end. What it still holds then, it is made to let go of: a
// namespace that was connected while the library closed on its own.
func (c *conn) close(reason engineio.Reason) {
	c.mu.Lock()
	c.stopConnectTimeoutLocked()
	c.mu.Unlock()
	c.library.End(reason)
	c.leaveAll()
	c.server.conns.Done()
}
