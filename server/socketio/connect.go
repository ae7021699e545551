package socketio

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/library"
	"hipflask/server/internal/packet"
)

// rejected is what a client is told that was refused without a message of its own.
const rejected = "Connection rejected by server"

// Connecting runs the connect handler, before the client is told that it is connected.
func (c *conn) Connecting(client *library.Client) *library.Refusal {
	s, rooms := c.server, client.Rooms()
	n := s.handling(rooms.Name())
	if n == nil {
		return &library.Refusal{Message: rejected}
	}
	ctx := &Context{space: n, conn: c, client: client, rooms: rooms}
	if !ctx.keepAuth(c.authPayload()) {
		c.tooMuch()
		return &library.Refusal{Message: rejected}
	}
	ctx.member = rooms.Introduce(client.ID(), c.session, ctx)
	was, _ := ctx.member.Kept().(*values)
	var keep *values // without recovery nothing is
	c.mu.Lock()
	if s.opts.Recovery > 0 {
		keep = ctx.remember(was)
	}
	c.joining = ctx
	if c.leaves(ctx.Namespace()) {
		ctx.finish()
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
	ctx.finish()
	ctx.dropAuthLocked()
	c.mu.Unlock()
	ctx.member.Forget()
	return n.refusal(ctx, err)
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

// Connected makes a client of the one that Connecting was asked for last, and was told
// that it is connected.
func (c *conn) Connected(*library.Client) {
	c.mu.Lock()
	ctx := c.joining
	c.joining = nil
	c.spaces = append(c.spaces, ctx)
	unwanted := ctx.unwanted
	c.settle()
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

// Disconnected has the disconnect handler run next in the connection's queue, whoever
// caused it.
func (c *conn) Disconnected(client *library.Client, reason string) {
	c.mu.Lock()
	i := slices.IndexFunc(c.spaces, func(ctx *Context) bool { return ctx.client == client })
	if i < 0 {
		c.mu.Unlock()
		return
	}
	ctx := c.spaces[i]
	c.spaces = slices.Delete(c.spaces, i, i+1)
	ctx.finish()
	c.mu.Unlock()
	if c.session.IsPlain() {
		// It has no other namespace, and cannot read that it left this one.
		c.session.Close(engineio.ServerClose)
	}
	c.before(func() { ctx.runDisconnect(reason) })
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

// event runs the handler of an event and answers it.
func (c *Context) event(p *packet.Packet) {
	args := make([]Value, len(p.Args))
	for i, v := range p.Args {
		args[i] = Value{packet.Carry(v)}
	}
	if tell := c.space.server.opts.Hooks.Received; tell != nil {
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
	c.conn.reply(fanout.EncodeAck(c.Namespace(), id, data))
	return nil
}
