package socketio

import (
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/packet"
)

// Observer is told what happens to the clients of all namespaces. Its functions run
// where it happens, before what follows, and must not wait; nil ones are left out.
type Observer struct {
	Connected    func(c *Context)                             // the client was told so
	Disconnected func(c *Context, reason string)              // its handler has run
	Joined, Left func(namespace, room, id string)             // the client's own room among them, also if it is refused
	Received     func(c *Context, event string, args []Value) // its handler is about to run
	Sent         func(namespace string, to *Target, event string, args []Value)

	// Handled is told how long the handlers of an event took, middleware included,
	// and Failed of events that failed, before the error handler is. namespace and
	// event are names that handlers were registered under, so there is a bounded
	// number of them: what "*" stands for is "*", and an event without a handler "".
	Handled func(namespace, event string, took time.Duration)
	Failed  func(namespace, event string, panicked bool)
}

// Namespaces returns all clients of each namespace by its name, of those too that
// clients brought into being through Of("*").
func (s *Server) Namespaces() map[string]*Target {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make(map[string]*Target, len(s.spaces)+len(s.dynamic))
	for name, n := range s.spaces {
		if name != "*" {
			all[name] = n.To()
		}
	}
	for name := range s.dynamic {
		all[name] = &Target{server: s, io: s.io.Of(name, nil)}
	}
	return all
}

// Contexts lists the clients that are connected.
func (t *Target) Contexts() []*Context {
	var list []*Context
	for _, nsp := range t.namespaces() {
		nsp.Adapter().FetchSockets(t.options())(func(found []socket.SocketDetails, _ error) {
			for _, details := range found {
				sock, ok := details.(*socket.Socket)
				if !ok {
					continue
				}
				if c, ok := sock.Conn().(*conn); ok {
					if ctx := c.space(nsp.Name()); ctx != nil {
						list = append(list, ctx)
					}
				}
			}
		})
	}
	return list
}

// Close ends the clients' connections, and so disconnects them from every namespace.
func (t *Target) Close() {
	for _, nsp := range t.namespaces() {
		nsp.Adapter().DisconnectSockets(t.options(), true)
	}
}

// Transport is what the client's connection uses now: "polling" or "websocket".
// Flask: socketio.server.transport(sid).
func (c *Context) Transport() string { return c.conn.session.Transport() }

// Since is when the client came to the namespace.
func (c *Context) Since() time.Time { return time.UnixMilli(c.sock.Handshake().Issued) }

// Connection names the connection, which a client's namespaces share. It is made
// from the session's id, which is a secret, and does not tell it.
func (c *Context) Connection() string { return c.conn.session.Name() }

// observe tells the observer of an event that was sent to the client.
func (c *Context) observe(data []any) {
	if o := c.space.server.opts.Observer; o != nil && o.Sent != nil {
		c.To(c.ID()).observe(data)
	}
}

// observe tells the observer of an event, as eventData made it, that was sent.
func (t *Target) observe(data []any) {
	o := t.server.opts.Observer
	if o == nil || o.Sent == nil {
		return
	}
	event, _ := data[0].(string)
	args := make([]Value, len(data)-1)
	for i, arg := range data[1:] {
		// eventData has left nothing in it that could not be written.
		v, _ := packet.NewValue(arg)
		args[i] = Value{v}
	}
	o.Sent(t.io.Name(), t, event, args)
}

// observeRooms has the observer told who joins and leaves rooms of a namespace.
func (s *Server) observeRooms(io socket.Namespace) {
	o := s.opts.Observer
	if o == nil {
		return
	}
	name := io.Name()
	listen := func(event string, tell func(namespace, room, id string)) {
		if tell == nil {
			return
		}
		// The library never fails to add a listener.
		_ = io.Adapter().On(events.EventName(event), func(args ...any) {
			room, _ := args[0].(socket.Room)
			id, _ := args[1].(socket.SocketId)
			tell(name, string(room), string(id))
		})
	}
	listen("join-room", o.Joined)
	listen("leave-room", o.Left)
}
