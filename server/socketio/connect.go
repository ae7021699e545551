package socketio

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/library"
	"hipflask/server/internal/packet"
)

// rejected is what a client is told that was refused without a message of its own.
const rejected = "Connection rejected by server"

// connect has the library connect a client, and returns when it is connected or refused.
func (c *conn) connect(p *packet.Packet) {
	defer c.extendConnectTimeout(time.Now())
	c.mu.Lock()
	full := len(c.spaces) >= c.server.opts.MaxNamespaces
	c.mu.Unlock()
	if full {
		c.session.Warn(engineio.CauseNamespaces, "namespace refused: the client is connected to too many",
			"limit", c.server.opts.MaxNamespaces)
		c.reply(fanout.EncodeConnectError(p.Namespace, map[string]any{"message": "Connected to too many namespaces"}))
		return
	}
	defer c.server.enter(p.Namespace)()
	var pid, offset string
	if c.returning, offset = c.server.claims.comeBack(p, c.session, &c.queue); c.returning != nil {
		pid = c.returning.pid
	}
	c.mu.Lock()
	c.auth = auth(p)
	c.mu.Unlock()
	if !c.library.Connect(p.Namespace, pid, offset) {
		c.reply(fanout.EncodeConnectError(p.Namespace, "Invalid namespace"))
	}
	c.tried()
	c.server.claims.release(c.returning) // it was not given its session back
	c.returning = nil
}

// tried lets go of what was held for a client while it was being connected.
func (c *conn) tried() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joining != nil { // it was not connected after all
		c.joining.dropAuthLocked()
	}
	c.joining, c.auth = nil, packet.Value{}
}

// reconnect handles a CONNECT to a namespace that the client is connected to: it has begun anew, as
// a page does that disconnects and connects in one turn, whose DISCONNECT is never sent. After a
// refusal, or a DISCONNECT from here, it would never receive anything again. The disconnect handler
// of the old connection runs first, because Disconnected puts it at the front of the queue.
func (c *conn) reconnect(p *packet.Packet) {
	c.queue.PushFront(task{run: func() { c.connect(p) }})
	c.library.Leave(p.Namespace)
}

// Connecting runs the connect handler, before the client is told that it is connected.
func (c *conn) Connecting(client *library.Client) *library.Refusal {
	s, rooms := c.server, client.Rooms()
	n := s.handling(rooms.Name())
	if n == nil {
		return &library.Refusal{Message: rejected}
	}
	ctx := &Context{space: n, conn: &c.connection, client: client, rooms: rooms}
	if !ctx.keepAuth(c.authPayload()) {
		c.tooMuch()
		return &library.Refusal{Message: rejected}
	}
	ctx.member = rooms.Introduce(client.ID(), c.session, ctx)
	was := rememberedOf(ctx.member.Kept())
	var keep *remembered // without recovery nothing is
	c.mu.Lock()
	if s.opts.Recovery > 0 {
		keep = ctx.rememberLocked(was)
	}
	c.joining = ctx
	if c.leaves(ctx.Namespace()) {
		ctx.finishLocked()
	}
	c.mu.Unlock()
	if keep != nil {
		ctx.member.Keep(keep)
	}
	ctx.member.Announce()
	ctx.member.Join(ctx.ID())
	_, err := n.run(ctx, "connect", []Value{{packet.Carry(c.authPayload())}})
	if err == nil {
		return nil
	}
	c.mu.Lock()
	c.joining = nil
	ctx.finishLocked()
	ctx.dropAuthLocked()
	c.mu.Unlock()
	ctx.member.Forget()
	return n.refusal(ctx, err)
}

// leaves reports whether a client that is only now being connected has gone already: it need not
// wait for the answer before it disconnects.
func (c *conn) leaves(nsp string) bool {
	return c.queue.EndsOrHas(func(t task) bool {
		return t.packet != nil && t.packet.Type == packet.Disconnect && t.packet.Namespace == nsp
	})
}

// auth is what the client sent along with CONNECT, an empty object if nothing. An Engine.IO 3
// client has the query of the namespace's name for it: each name a string, or a list of those where
// it comes more than once, so that one handler reads the auth of all clients.
func auth(p *packet.Packet) packet.Value {
	if p.Data != nil {
		return packet.Value{JSON: p.Data}
	}
	if p.Query == "" {
		return packet.Value{JSON: []byte("{}")}
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

// authPayload is the auth of the CONNECT that is being dealt with. Engine.IO 3 clients are
// connected to "/" without one.
func (c *conn) authPayload() packet.Value {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.auth.JSON == nil {
		return packet.Value{JSON: []byte("{}")}
	}
	return c.auth
}

// refusal turns a connect handler's error into what the client is told. Only a Refusal is meant for
// it; anything else stays in the log.
func (n *Namespace) refusal(ctx *Context, err error) *library.Refusal {
	var r *Refusal
	if !errors.As(err, &r) {
		n.failed(ctx, "connect", err)
		return &library.Refusal{Message: rejected}
	}
	if r.Data == nil {
		return &library.Refusal{Message: r.Message}
	}
	data, err := packet.NewValue(r.Data)
	if err == nil && len(data.Attachments) > 0 {
		err = errors.New("a refusal cannot carry binary")
	}
	if err != nil {
		n.failed(ctx, "connect", fmt.Errorf("data of the refusal: %w", err))
		return &library.Refusal{Message: r.Message}
	}
	return &library.Refusal{Message: r.Message, Data: data}
}

// Answered notes the key to the session that the client is about to be told it has.
func (c *conn) Answered(pid string) {
	if pid == "" || c.session.IsPlain() {
		return
	}
	c.mu.Lock()
	joining := c.joining
	joining.claim = c.server.claims.answered(pid, joining.Namespace(), c.session, c.returning)
	if joining.claim == c.returning {
		c.returning = nil
	}
	c.mu.Unlock()
	joining.member.Answered(pid)
}

// Connected makes a client of the one that Connecting was asked for last, and was told that it is
// connected.
func (c *conn) Connected(*library.Client) {
	c.mu.Lock()
	ctx := c.joining
	c.joining = nil
	c.spaces = append(c.spaces, ctx)
	unwanted := ctx.unwanted
	c.stopConnectTimeoutLocked()
	c.mu.Unlock()
	c.server.use(ctx)
	ctx.member.Admit()
	if tell := c.server.opts.Hooks.Connected; tell != nil {
		tell(inspectedClient{ctx})
	}
	if unwanted { // after what its connect handler has sent it
		ctx.client.Disconnect()
	}
}

// Disconnected has the disconnect handler run next in the connection's queue, whoever caused it.
func (c *conn) Disconnected(client *library.Client, reason string) {
	c.mu.Lock()
	i := slices.IndexFunc(c.spaces, func(ctx *Context) bool { return ctx.client == client })
	if i < 0 {
		c.mu.Unlock()
		return
	}
	ctx := c.spaces[i]
	c.spaces = slices.Delete(c.spaces, i, i+1)
	ctx.finishLocked()
	c.mu.Unlock()
	if c.session.IsPlain() {
		// It has no other namespace, and cannot read that it left this one.
		c.session.Close(engineio.ServerClose)
	}
	c.queue.PushFront(task{run: func() { ctx.runDisconnect(reason) }})
}

func (c *Context) runDisconnect(reason string) {
	if _, err := c.space.run(c, "disconnect", []Value{{packet.Carry(packet.TextValue(reason))}}); err != nil {
		c.space.failed(c, "disconnect", err)
	}
	c.member.Forget()
	c.conn.mu.Lock()
	c.dropAuthLocked()
	c.conn.mu.Unlock()
	if tell := c.space.server.opts.Hooks.Disconnected; tell != nil {
		tell(inspectedClient{c}, reason)
	}
	c.space.server.claims.release(c.claim)
	c.space.server.leave(c.in)
}
