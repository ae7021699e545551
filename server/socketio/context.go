package socketio

import (
	"context"
	"net/http"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// Request is the HTTP request that opened the connection, without its body. Of the header 8 KiB are
// kept: Cookie, Authorization, Origin, Referer, User-Agent and X-Forwarded-* first, other fields as
// far as they fit.
// Flask: request.
func (c *Context) Request() *http.Request { return c.conn.session.Request() }

// Auth is what the client sent along to be connected, as it came, until its disconnect handler has
// run: an empty object if that was nothing, and for a client of version 1 or 2 the query of the
// namespace's name. Flask: the connect handler's auth.
func (c *Context) Auth() Value {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.auth == nil {
		return Value{packet.Carry(noAuth())}
	}
	return Value{packet.Carry(packet.Value{JSON: c.auth})}
}

// Transport is what the client uses now: "polling" or "websocket". Flask:
// socketio.server.transport(request.sid).
func (c *Context) Transport() string { return c.conn.session.Transport() }

// Protocol is the revision of Engine.IO that the client speaks: 3 for a JavaScript client of
// version 1 or 2, 4 for later ones, 0 for a plain WebSocket client. Flask: request.args['EIO'].
func (c *Context) Protocol() int { return c.conn.session.Protocol() }

// Address is the client's IP address, without a port. Behind a proxy it is the proxy's, unless that
// is trusted (--trusted-proxies). For a client of a Unix socket it is what the socket has for one.
// Flask: request.remote_addr.
func (c *Context) Address() string { return c.member.Address() }

// Close ends the client's whole connection, with all its namespaces, where Disconnect ends this
// one. Flask: disconnect() and eio.disconnect(sid); Node: disconnect(true).
func (c *Context) Close() { c.member.Finally(c.close) }

func (c *Context) close() {
	if !c.unwantedWhileJoining() { // else the session ends before it is connected
		c.conn.leaveAll()
	}
	c.conn.session.Close(engineio.ServerClose)
}

// Set keeps a value for the client's connection, whatever its namespaces, until that ends. The
// page's session, with which that of the connection began, is not changed. With recovery and a
// cluster that has a stream it goes along to another server that the client comes back to, as its
// JSON says. Flask: session[key] = value.
func (c *Context) Set(key string, value any) {
	if !c.conn.server.carries() {
		c.values().set(key, value)
		return
	}
	c.values().show(key, value)
	c.conn.changed()
}

// Get returns what was kept under the key, nil if nothing was. With a secret key (--secret-key)
// that is, to begin with, what Flask keeps in the session cookie of the page that opened the
// connection: Get("_user_id") is flask-login's user. Numbers are then int64 or float64, lists []any
// and dicts map[string]any; package flasksession lists all types. Flask: session.get(key).
func (c *Context) Get(key string) any { return c.values().get(key) }

func (c *Context) values() *values {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return c.conn.valuesLocked()
}

// SetData keeps a value for the client in this namespace alone, for as long as it is connected to
// that, and shows it to [Target.Sockets] on every server, as it is now: who changes what value
// points to sets it again. Flask keeps one session for all, see [Context.Set]; in Node it is
// socket.data[key] = value.
func (c *Context) SetData(key string, value any) {
	c.ownValues().show(key, value)
	c.member.Changed()
}

// Data returns what SetData has kept under the key, nil if nothing was. Flask has none; in Node it
// is socket.data[key].
func (c *Context) Data(key string) any { return c.ownValues().get(key) }

func (c *Context) ownValues() *values {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.own == nil {
		c.own = newValues()
	}
	return c.own
}

// Recovered reports whether the client came back to its session after it was cut off: it is in its
// rooms again, has its values, and is sent what it missed, after this. Connect handlers run as for
// a new client. Flask has none; see [Options].Recovery.
func (c *Context) Recovered() bool { return c.member.Recovered() }

// Context ends when the client leaves the namespace, and when it is refused: what waits for the
// client has no more to wait for. Flask has none.
func (c *Context) Context() context.Context {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.life == nil {
		c.life, c.end = context.WithCancelCause(context.Background())
		if c.over {
			c.end(ErrDisconnected)
		}
	}
	return c.life
}

// To returns the clients in any of the rooms, this one among them if it is in one; without rooms,
// every client. The empty name alone, such as that of a room that the client has not sent, means
// this client, as to=None and the empty string do in Flask.
// Flask: emit(..., to=room), emit(..., broadcast=True).
func (c *Context) To(rooms ...string) *Target {
	if len(rooms) == 1 && rooms[0] == "" {
		rooms = []string{c.ID()}
	}
	return (&Target{server: c.space.server, in: c.rooms}).To(rooms...)
}

// Others returns every client of the namespace but this one.
// Flask: emit(..., broadcast=True, include_self=False).
func (c *Context) Others() *Target { return c.To().Except(c.ID()) }

// Join puts the client into rooms. Flask: join_room(room).
func (c *Context) Join(rooms ...string) {
	if c.To().named(rooms, "Join") {
		c.member.Join(rooms...)
		c.member.Saved()
	}
}

// Leave takes the client out of rooms. Flask: leave_room(room).
func (c *Context) Leave(rooms ...string) {
	c.member.Leave(rooms...)
	c.member.Saved()
}

// Rooms lists the rooms the client is in, its own among them. In the disconnect handler these are
// the rooms it was in until then, so that the others can be told: an emit to them reaches everybody
// else, whatever made the client leave. Afterwards there are none.
// Flask: rooms(); Node's "disconnecting" shows the same.
func (c *Context) Rooms() []string { return c.member.Rooms() }

// Disconnect tells the client that it is disconnected from the namespace, and leaves its connection
// open, as Flask does: a JavaScript client then does not reconnect by itself. In a connect handler
// the client is told first that it is connected, and gets what was emitted to it; to refuse it,
// return an error, see [Refuse]. Flask: disconnect().
func (c *Context) Disconnect() {
	if !c.unwantedWhileJoining() {
		c.member.Finally(c.client.Disconnect)
	}
}
