package socketio

import (
	"net/http"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/fanout"
)

// Context is one client's connection to one namespace: what a handler acts on. It
// stays the same from connect to disconnect.
type Context struct {
	space *Namespace
	conn  *conn
	sock  *socket.Socket
	left  bool // guarded by conn.mu
}

// ID is the client's session id in this namespace. Flask: request.sid.
func (c *Context) ID() string { return string(c.sock.Id()) }

// Namespace is the namespace's name. Flask: request.namespace.
func (c *Context) Namespace() string { return c.space.name }

// Request is the HTTP request that opened the connection, without its body.
func (c *Context) Request() *http.Request { return c.conn.session.Request() }

// Emit sends an event to this client alone. Flask: emit(event, ...). Arguments and
// errors are those of [Namespace.Emit].
func (c *Context) Emit(event string, args ...any) error {
	data, err := eventData(event, args)
	if err != nil {
		return err
	}
	c.adapter().Direct(c.sock.Id(), &parser.Packet{Type: parser.EVENT, Data: data})
	return nil
}

// Broadcast sends an event to every client of the namespace but this one.
// Flask: emit(event, ..., broadcast=True, include_self=False).
func (c *Context) Broadcast(event string, args ...any) error {
	data, err := eventData(event, args)
	if err != nil {
		return err
	}
	c.adapter().Broadcast(&parser.Packet{Type: parser.EVENT, Data: data},
		&socket.BroadcastOptions{Except: types.NewSet(socket.Room(c.sock.Id()))})
	return nil
}

// Join puts the client into a room. Flask: join_room(room).
func (c *Context) Join(room string) { c.sock.Join(socket.Room(room)) }

// Leave takes the client out of a room. Flask: leave_room(room).
func (c *Context) Leave(room string) { c.sock.Leave(socket.Room(room)) }

// Disconnect tells the client that it is disconnected from the namespace, and
// leaves its connection open, as Flask does: a JavaScript client then does not
// reconnect by itself. Flask: disconnect().
func (c *Context) Disconnect() { c.sock.Disconnect(false) }

func (c *Context) adapter() *fanout.Adapter {
	// Every namespace got its adapter from our own builder.
	return c.sock.Nsp().Adapter().(*fanout.Adapter)
}

// Refusal is an error with which a connect handler refuses a client.
type Refusal struct {
	Message string // what the client's connect_error says
	Data    any    // sent along, if not nil
}

// Refuse makes a [Refusal]. Flask: raise ConnectionRefusedError(message).
func Refuse(message string) error { return &Refusal{Message: message} }

func (r *Refusal) Error() string { return r.Message }
