package socketio

import (
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// disconnected is called by the library once the client has left the namespace.
// The handler runs next in the connection's queue, whoever caused it.
func (c *Context) disconnected(args ...any) {
	reason := ""
	if len(args) > 0 {
		reason, _ = args[0].(string)
	}
	c.conn.mu.Lock()
	left := c.left
	c.left = true
	switch {
	case c.kicked: // its connection may have been quicker to end
		reason = "server namespace disconnect"
	case c.conn.goodbye && reason == string(engineio.TransportClose):
		// A polling client says goodbye also when a request of it was cut off, and
		// comes back; so to the library it is a connection that was lost.
		reason = string(engineio.ClientDisconnect)
	}
	c.conn.spaces = remove(c.conn.spaces, c)
	c.finishLocked()
	c.conn.mu.Unlock()
	if left {
		return
	}
	if c.conn.session.IsPlain() {
		// It has no other namespace, and cannot read that it left this one.
		c.conn.session.Close(engineio.ServerClose)
	}
	c.conn.queue.PushFront(task{run: func() { c.runDisconnect(reasonName(reason)) }})
	c.conn.pass(c.Namespace())
}

func (c *Context) runDisconnect(reason string) {
	if _, err := c.space.run(c, "disconnect", []Value{{packet.Carry(packet.TextValue(reason))}}); err != nil {
		c.space.failed(c, "disconnect", err)
	}
	c.conn.mu.Lock()
	c.rooms = nil
	c.dropAuthLocked()
	c.conn.mu.Unlock()
	if tell := c.space.server.opts.Inspect.Disconnected; tell != nil {
		tell(inspectedClient{c}, reason)
	}
	c.space.server.claims.release(c.claim)
	c.space.server.leave(c.in)
}

// reasonName gives the library's reasons the names that Flask-SocketIO uses.
func reasonName(reason string) string {
	switch reason {
	case "client namespace disconnect":
		return "client disconnect"
	case "server namespace disconnect", "forced close", "forced server close":
		return "server disconnect"
	}
	return reason
}

func remove(list []*Context, c *Context) []*Context {
	for i, other := range list {
		if other == c {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}
