package socketio

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// rejected is what a client is told that was refused without a message of its own.
const rejected = "Connection rejected by server"

// connecting is the library's middleware for a namespace: it runs the connect
// handler, before the client is told that it is connected.
func (s *Server) connecting(sock *socket.Socket, next func(*socket.ExtendedError)) {
	n := s.handling(sock.Nsp().Name())
	c, ok := sock.Conn().(*conn)
	if !ok || n == nil {
		next(socket.NewExtendedError(rejected, nil))
		return
	}
	ctx := &Context{space: n, conn: c, sock: sock}
	if !ctx.keepAuth(c.authPayload()) {
		c.tooMuch()
		next(socket.NewExtendedError(rejected, nil))
		return
	}
	c.mu.Lock()
	ctx.remember()
	c.joining = ctx
	ctx.over = c.leaves(ctx.Namespace())
	c.mu.Unlock()
	ctx.adapter().Introduce(sock, ctx)
	_, err := n.run(ctx, "connect", []Value{{packet.Carry(c.authPayload())}})
	c.mu.Lock()
	if err != nil {
		c.joining = nil
		ctx.finish()
		ctx.dropAuthLocked()
	}
	c.mu.Unlock()
	if err != nil {
		next(n.refusal(ctx, err))
		return
	}
	next(nil)
}

// auth is what the client sent along with CONNECT, an empty object if nothing. An
// Engine.IO 3 client has the query of the namespace's name for it: each name a string,
// or a list of those where it comes more than once, so that one handler reads the auth
// of all clients.
func auth(p *packet.Packet) packet.Value {
	if p.Data != nil {
		return packet.Value{JSON: p.Data}
	}
	query, _ := url.ParseQuery(p.Query) // what cannot be read is left out
	fields := make(map[string]any, len(query))
	for name, values := range query {
		if fields[name] = values; len(values) == 1 {
			fields[name] = values[0]
		}
	}
	v, err := packet.NewValue(fields)
	if err != nil { // not for strings
		return packet.Value{JSON: []byte("{}")}
	}
	return v
}

// authPayload is the auth of the CONNECT that is being dealt with. Engine.IO 3 clients
// are connected to "/" without one.
func (c *conn) authPayload() packet.Value {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.auth.JSON == nil {
		return packet.Value{JSON: []byte("{}")}
	}
	return c.auth
}

// refusal turns a connect handler's error into what the client is told. Only a
// Refusal is meant for it; anything else stays in the log.
func (n *Namespace) refusal(ctx *Context, err error) *socket.ExtendedError {
	var r *Refusal
	if !errors.As(err, &r) {
		n.failed(ctx, "connect", err)
		return socket.NewExtendedError(rejected, nil)
	}
	if r.Data == nil {
		return socket.NewExtendedError(r.Message, nil)
	}
	data, err := packet.NewValue(r.Data)
	if err == nil && len(data.Attachments) > 0 {
		err = errors.New("a refusal cannot carry binary")
	}
	if err != nil {
		n.failed(ctx, "connect", fmt.Errorf("data of the refusal: %w", err))
		return socket.NewExtendedError(r.Message, nil)
	}
	return socket.NewExtendedError(r.Message, data)
}

// connected is called by the library once the client was told that it is.
func connected(args ...any) {
	sock, ok := args[0].(*socket.Socket)
	if !ok {
		return
	}
	c, ok := sock.Conn().(*conn)
	if !ok {
		return
	}
	c.mu.Lock()
	ctx := c.joining
	c.joining = nil
	c.spaces = append(c.spaces, ctx)
	unwanted := ctx.unwanted
	c.settle()
	c.mu.Unlock()
	c.server.use(ctx)
	_ = sock.On("disconnect", ctx.disconnected)
	if !sock.Connected() { // somebody disconnected it before we listened
		ctx.disconnected("server namespace disconnect")
	}
	ctx.adapter().Admit(sock.Id())
	if tell := c.server.opts.Inspect.Connected; tell != nil {
		tell(inspectedClient{ctx})
	}
	if unwanted { // after what its connect handler has sent it
		sock.Disconnect(false)
	}
	c.pass(ctx.Namespace())
}

// kick notes that this side disconnects the client.
func (c *Context) kick() {
	c.conn.mu.Lock()
	c.kicked = true
	c.conn.mu.Unlock()
}

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
	c.finish()
	c.conn.mu.Unlock()
	if left {
		return
	}
	if c.conn.session.IsPlain() {
		// It has no other namespace, and cannot read that it left this one.
		c.conn.session.Close(engineio.ServerClose)
	}
	c.conn.before(func() { c.runDisconnect(reasonName(reason)) })
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

// event runs the handler of an event and answers it.
func (c *Context) event(p *packet.Packet) {
	args := make([]Value, len(p.Args))
	for i, v := range p.Args {
		args[i] = Value{packet.Carry(v)}
	}
	if tell := c.space.server.opts.Inspect.Received; tell != nil {
		tell(inspectedClient{c}, p.Event, p.Args)
	}
	reply, err := c.space.run(c, p.Event, args)
	if err == nil && p.HasID {
		err = c.ack(p.ID, reply)
	}
	if err != nil && !errors.Is(err, ErrNoAck) {
		c.space.failed(c, p.Event, err)
	}
}

func (c *Context) ack(id uint64, reply []any) error {
	data, err := appendArgs(make([]any, 0, len(reply)), spread(reply))
	if err != nil {
		return err
	}
	c.conn.reply(&parser.Packet{Type: parser.ACK, Nsp: c.Namespace(), Id: &id, Data: data})
	return nil
}
