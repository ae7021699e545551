package socketio

import (
	"bytes"
	"reflect"
	"slices"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// Auth is what the client sent along to be connected, as it came, until its disconnect
// handler has run: an empty object if that was nothing, and for a client of version 1 or 2
// the query of the namespace's name. Flask: the connect handler's auth.
func (c *Context) Auth() Value {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.auth == nil {
		return Value{packet.Carry(packet.Value{JSON: []byte("{}")})}
	}
	return Value{packet.Carry(packet.Value{JSON: c.auth})}
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

// dropAuthLocked lets go of it. conn.mu is held.
func (c *Context) dropAuthLocked() {
	c.conn.server.memory.Give(len(c.auth))
	c.auth = nil
}

// Transport is what the client uses now: "polling" or "websocket". Flask:
// socketio.server.transport(request.sid).
func (c *Context) Transport() string { return c.conn.session.Transport() }

// Protocol is the revision of Engine.IO that the client speaks: 3 for a JavaScript client
// of version 1 or 2, 4 for later ones, 0 for a plain WebSocket client. Flask:
// request.args['EIO'].
func (c *Context) Protocol() int { return c.conn.session.Protocol() }

// Address is the client's IP address, without a port. Behind a proxy it is the proxy's,
// unless that is trusted (--trusted-proxies). For a client of a Unix socket it is what
// the socket has for one. Flask: request.remote_addr.
func (c *Context) Address() string { return c.member.Address() }

// Close ends the client's whole connection, with all its namespaces, where Disconnect
// ends this one. Flask: disconnect() and eio.disconnect(sid); Node: disconnect(true).
func (c *Context) Close() {
	var spaces []*Context
	if !c.unwantedWhileJoining() { // else the session ends before it is connected
		c.conn.mu.Lock()
		spaces = slices.Clone(c.conn.spaces)
		c.conn.mu.Unlock()
	}
	for _, other := range spaces {
		other.client.Disconnect()
	}
	c.conn.session.Close(engineio.ServerClose)
}

// SetData keeps a value for the client in this namespace alone, for as long as it is
// connected to that, and shows it to [Target.Sockets] on every server, as it is now: who
// changes what value points to sets it again. Flask keeps one session for all, see
// [Context.Set]; in Node it is socket.data[key] = value.
func (c *Context) SetData(key string, value any) {
	s := c.ownValues()
	shown, err := packet.NewValue(value)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = value
	if err != nil {
		delete(s.shown, key)
		return
	}
	if s.shown == nil {
		s.shown = make(map[string]packet.Value)
	}
	s.shown[key] = shown
}

// Data returns what SetData has kept under the key, nil if nothing was. Flask has none;
// in Node it is socket.data[key].
func (c *Context) Data(key string) any {
	s := c.ownValues()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[key]
}

// ownValues is what SetData keeps.
func (c *Context) ownValues() *session {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.own == nil {
		c.own = &session{values: make(map[string]any)}
	}
	return c.own
}

// As returns a value as a T, if it is one, or a whole number that a T can hold: what a
// page's session has is int64. So
//
//	visits, _ := socketio.As[int](c.Get("visits"))
//
// is 0 where nothing was kept. Flask: session.get('visits', 0).
func As[T any](value any) (as T, ok bool) {
	if as, ok = value.(T); ok {
		return as, true
	}
	from, to := reflect.ValueOf(value), reflect.ValueOf(&as).Elem()
	switch {
	case !from.IsValid():
	case from.CanInt() && to.CanInt() && !to.OverflowInt(from.Int()):
		to.SetInt(from.Int())
		return as, true
	case from.CanUint() && to.CanUint() && !to.OverflowUint(from.Uint()):
		to.SetUint(from.Uint())
		return as, true
	case from.CanInt() && to.CanUint() && from.Int() >= 0 && !to.OverflowUint(uint64(from.Int())):
		to.SetUint(uint64(from.Int()))
		return as, true
	}
	return as, false
}
