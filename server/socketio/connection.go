package socketio

import (
	"bytes"
	"slices"

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

// leaveAll disconnects the client from all its namespaces.
func (c *connection) leaveAll() {
	c.mu.Lock()
	all := slices.Clone(c.spaces)
	c.mu.Unlock()
	for _, ctx := range all {
		ctx.client.Disconnect()
	}
}

// finish ends what waits for the client of a namespace, or of all for "": a handler that waits for
// it holds up the queue, in which the end is only one more task.
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
func (c *Context) ID() string { return c.member.ID() }

// Namespace is the namespace's name. Flask: request.namespace.
func (c *Context) Namespace() string { return c.rooms.Name() }

// finishLocked ends what waits for the client.
func (c *Context) finishLocked() {
	c.over = true
	if c.end != nil {
		c.end(ErrDisconnected)
	}
	c.member.End()
}

// unwantedWhileJoining has a client that is only now being connected disconnected once it is, and
// reports whether it is: the library ignores a disconnect before that.
func (c *Context) unwantedWhileJoining() bool {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.conn.joining != c {
		return false
	}
	c.unwanted = true
	return true
}

// valuesLocked are the values of the connection. What they begin with is not made before somebody
// asks, except with recovery: it would keep the connection for as long.
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

// rememberLocked gives the connection the values that were kept for the client, nil for a new one,
// and returns those that are to be kept from now on.
func (c *Context) rememberLocked(was *remembered) *remembered {
	first := c.conn.values == nil
	switch {
	case was == nil:
		was = &remembered{own: newValues()}
	case first && was.foreign:
		c.conn.valuesLocked().takeOver(was.connection)
	case first:
		c.conn.values = was.connection
	default: // another of its namespaces was sooner
		c.conn.values.merge(was.connection)
	}
	c.own = was.own
	return &remembered{connection: c.conn.valuesLocked(), own: c.own}
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

// tooMuch ends a session that has sent what there is no room for: an event that is left out would
// be missed in silence.
func (c *connection) tooMuch() {
	c.session.WarnMemory()
	c.session.Close(engineio.ServerClose)
}

// reply sends a packet to this client outside the library.
func (c *connection) reply(msg *engineio.Message, err error) {
	if err != nil {
		c.server.log.Error("packet not sent", "connection", c.session.Name(), "error", err)
		return
	}
	c.session.Send(msg)
}
