package socketio

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// rejected is what a client is told that was refused without a message of its own.
const rejected = "Connection rejected by server"

// connect has the library connect a client, and returns when it is connected or refused.
func (c *conn) connect(p *packet.Packet) {
	defer c.excuse(time.Now())
	c.mu.Lock()
	full := len(c.spaces) >= c.server.opts.MaxNamespaces
	c.mu.Unlock()
	if full {
		c.session.Warn(engineio.CauseNamespaces, "namespace refused: the client is connected to too many",
			"limit", c.server.opts.MaxNamespaces, "setting", "--max-namespaces")
		c.reply(&parser.Packet{Type: parser.CONNECT_ERROR, Nsp: p.Namespace,
			Data: map[string]any{"message": "Connected to too many namespaces"}})
		return
	}
	nsp := p.Namespace
	if p.Query != "" && c.Protocol() == 3 {
		nsp += "?" + p.Query // the library parses it; newer clients have auth instead
	}
	if u, err := url.Parse(p.Namespace); c.Protocol() == 3 && (err != nil || u.Path != p.Namespace) {
		// The library reads the name of an Engine.IO 3 client as a URL, and would
		// connect it to another namespace than it asked for.
		c.reply(&parser.Packet{Type: parser.CONNECT_ERROR, Nsp: p.Namespace, Data: "Invalid namespace"})
		return
	}
	defer c.server.enter(p.Namespace)()
	var had map[string]any
	c.coming, had = c.server.claims.comeBack(p, c.session, &c.queue)
	c.mu.Lock()
	c.auth = auth(p)
	c.mu.Unlock()
	c.await(p.Namespace, func() {
		c.onData(&parser.Packet{Type: parser.CONNECT, Nsp: nsp, Data: had})
	})
	c.server.claims.release(c.coming) // it was not given its session back
	c.coming = nil
}

// reconnect handles a CONNECT to a namespace that the client is connected to: it has
// begun anew, as a page does that disconnects and connects in one turn, whose
// DISCONNECT is never sent. A refusal, or a DISCONNECT from here, would leave it
// deaf for good. The old one's disconnect handler comes first: what leaves puts it in
// front of the queue.
func (c *conn) reconnect(p *packet.Packet) {
	c.queue.PushFront(task{run: func() { c.connect(p) }})
	c.leave(p.Namespace)
}

func (c *conn) leave(nsp string) {
	c.await(nsp, func() { c.onData(&parser.Packet{Type: parser.DISCONNECT, Nsp: nsp}) })
}

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
	ctx.rememberLocked()
	c.joining = ctx
	ctx.over = c.leaves(ctx.Namespace())
	c.mu.Unlock()
	ctx.adapter().Introduce(sock)
	_, err := n.run(ctx, "connect", []Value{{packet.Carry(c.authPayload())}})
	c.mu.Lock()
	if err != nil {
		c.joining = nil
		ctx.finishLocked()
		ctx.dropAuthLocked()
	}
	c.mu.Unlock()
	if err != nil {
		next(n.refusal(ctx, err))
		return
	}
	next(nil)
}

// leaves says whether a client that is only now being connected has gone already, as
// one may have that did not wait for the answer.
func (c *conn) leaves(nsp string) bool {
	return c.queue.EndsOrHas(func(t task) bool {
		return t.packet != nil && t.packet.Type == packet.Disconnect && t.packet.Namespace == nsp
	})
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
	c.endPatienceLocked()
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
