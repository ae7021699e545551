package socketio

import (
	"bytes"
	"slices"

	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// space is the client's part in the namespace of that name, nil if it has none.
func (c *connection) space(name string) *Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ctx := range c.spaces {
		if ctx.Namespace() == name {
			return ctx
		}
	}
	return nil
}

// findLocked is the client of that id, which may only now be being connected.
func (c *connection) findLocked(id socket.SocketId) *Context {
	if c.joining != nil && c.joining.sock.Id() == id {
		return c.joining
	}
	for _, ctx := range c.spaces {
		if ctx.sock.Id() == id {
			return ctx
		}
	}
	return nil
}

// Gone says whether the client of that id has left, in the adapter's eyes: it has
// also when its end is still in the queue.
func (c *connection) Gone(id socket.SocketId) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx := c.findLocked(id)
	return ctx == nil || ctx.over
}

// Left keeps the rooms of a client that has just left them all, for its disconnect
// handler.
func (c *connection) Left(id socket.SocketId, rooms []socket.Room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx := c.findLocked(id); ctx != nil {
		ctx.rooms = rooms
	}
}

// Unwanted has a client that is only now being connected disconnected once it is, and
// reports whether the client of that id is.
func (c *connection) Unwanted(id socket.SocketId) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joining == nil || c.joining.sock.Id() != id {
		return false
	}
	c.joining.unwanted = true
	return true
}

// End ends the connection of the client of that id: it is told in each of its namespaces.
func (c *connection) End(id socket.SocketId) {
	if !c.Unwanted(id) { // who is only now being connected will not be: the session ends before
		c.leaveAll()
	}
	c.session.Close(engineio.ServerClose)
}

// leaveAll disconnects the client from all its namespaces.
func (c *connection) leaveAll() {
	c.mu.Lock()
	all := slices.Clone(c.spaces)
	c.mu.Unlock()
	for _, ctx := range all {
		ctx.sock.Disconnect(false)
	}
}

// finish ends what waits for the client of a namespace, or of all for "": a handler
// that waits for it holds up the queue, in which the end is only one more task.
func (c *connection) finish(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ctx := range c.spaces {
		if namespace == "" || namespace == ctx.Namespace() {
			ctx.finishLocked()
		}
	}
	if c.joining != nil && (namespace == "" || namespace == c.joining.Namespace()) {
		c.joining.finishLocked()
	}
}

// ID is the client's session id in this namespace. Flask: request.sid.
func (c *Context) ID() string { return string(c.sock.Id()) }

// Namespace is the namespace's name. Flask: request.namespace.
func (c *Context) Namespace() string { return c.sock.Nsp().Name() }

// finishLocked ends what waits for the client.
func (c *Context) finishLocked() {
	c.over = true
	if c.end != nil {
		c.end(ErrDisconnected)
	}
	acks := c.sock.Acks()
	acks.Range(func(id uint64, _ socket.Ack) bool {
		if ack, waits := acks.LoadAndDelete(id); waits {
			ack(nil, ErrDisconnected)
		}
		return true
	})
}

// kick notes that this side disconnects the client.
func (c *Context) kick() {
	c.conn.mu.Lock()
	c.kicked = true
	c.conn.mu.Unlock()
}

// valuesLocked are the values of the connection. What they begin with is not made before
// somebody asks, except with recovery: it would keep the connection for as long.
func (c *connection) valuesLocked() *values {
	if c.values != nil {
		return c.values
	}
	c.values = newValues()
	if begin := c.server.opts.SessionValues; begin != nil {
		session := c.session
		c.values.begin = func() map[string]any { return begin(session.Request(), session.Opened()) }
		if c.server.opts.Recovery > 0 {
			c.values.beginNow()
		}
	}
	return c.values
}

// rememberLocked gives the connection the values that were kept for the client, and sees
// to it that they are kept.
func (c *Context) rememberLocked() {
	if c.space.server.opts.Recovery <= 0 {
		return
	}
	was, _ := c.sock.Data().(*remembered)
	switch {
	case was == nil:
		c.own = newValues()
	case c.conn.values == nil:
		c.conn.values, c.own = was.connection, was.own
	default: // another of its namespaces was sooner
		c.conn.values.merge(was.connection)
		c.own = was.own
	}
	c.sock.SetData(&remembered{c.conn.valuesLocked(), c.own})
}

// keepAuth keeps the auth, or reports that all clients together hold too much.
func (c *Context) keepAuth(auth packet.Value) bool {
	if string(auth.JSON) == "{}" {
		return true
	}
	if !c.conn.server.memory.TakeHalf(len(auth.JSON)) {
		return false
	}
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	c.auth = bytes.Clone(auth.JSON) // of a message that may be larger
	return true
}

// dropAuthLocked lets go of it.
func (c *Context) dropAuthLocked() {
	c.conn.server.memory.Give(len(c.auth))
	c.auth = nil
}
