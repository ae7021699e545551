package socketio

import (
	"errors"
	"slices"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// How an event is handled, from top to bottom: it comes in, waits in the queue of its connection,
// has its turn, runs through the middleware to its handler, and is answered.

// Text takes one Socket.IO packet, or a plain client's message.
func (c *conn) Text(data []byte) error {
	if c.session.IsPlain() {
		c.plain(packet.TextValue(string(data)))
		return nil
	}
	return c.decoded(c.decode(data, false))
}

// Binary takes one attachment, a packet of msgpack, or a plain client's message.
func (c *conn) Binary(data []byte) error {
	if c.session.IsPlain() {
		c.plain(packet.BytesValue(slices.Clone(data)))
		return nil
	}
	return c.decoded(c.decode(data, true))
}

func (c *conn) plain(v packet.Value) {
	c.accept(&packet.Packet{Type: packet.Event, Namespace: "/", Event: "message", Args: []packet.Value{v}})
}

// decoded passes a packet on. A malformed one is logged and forgotten, as Flask does; one that
// breaks a limit ends the session, and so does a malformed CONNECT: its client would wait for an
// answer until a timeout.
func (c *conn) decoded(p *packet.Packet, err error) error {
	if err == nil {
		if p != nil { // else attachments are still to come
			c.accept(p)
		}
		return nil
	}
	var refused *packet.Error
	switch {
	case errors.Is(err, errTooMuch):
		c.tooMuch()
		return nil
	case errors.Is(err, errForm):
		c.session.Warn(engineio.CauseMalformed, "client closed: it changed between text and msgpack", "error", err)
		c.session.Close(engineio.ServerClose)
		return nil
	case errors.As(err, &refused) && refused.Limit != "":
		return &engineio.BoundError{Bound: refused.Limit, Err: err}
	case refused != nil && refused.Connect:
		c.session.Warn(engineio.CauseMalformed, "client closed: malformed CONNECT", "error", err)
		c.session.Close(engineio.ServerClose)
		return nil
	}
	c.session.Warn(engineio.CauseMalformed, "packet ignored: malformed", "error", err)
	return nil
}

// accept queues a packet and then holds the reader back while too much is queued. Acks do not wait
// in the queue: the handler they are for may be what blocks it.
func (c *conn) accept(p *packet.Packet) {
	if p.Type == packet.Ack {
		c.acked(p)
		return
	}
	size := p.Cost()
	if !c.server.memory.Take(size) {
		c.tooMuch()
		return
	}
	if p.Type == packet.Connect && c.space(p.Namespace) != nil {
		c.finish(p.Namespace) // the old one; once this is queued there may be a new one
	}
	c.server.waiting.Add(1)
	c.queue.Add(task{packet: p}, size)
	if p.Type == packet.Disconnect {
		c.finish(p.Namespace)
	}
	for c.queue.AwaitRoom() {
		c.session.Delayed()
	}
}

// Start has a goroutine of the pool work the queue off.
func (c *conn) Start() {
	c.server.conns.Add(1)
	c.server.pool.Run(c)
}

// StartWork implements [engineio.Worker]: accept only adds to the queue.
func (c *conn) StartWork() { c.queue.Start() }

// Work has the goroutine that reads work the queue off.
func (c *conn) Work() engineio.Work {
	if !c.queue.Begin() {
		return nil
	}
	c.server.conns.Add(1)
	return c
}

// Run works the queue off.
func (c *conn) Run() {
	defer c.server.conns.Done()
	c.queue.Run()
}

// Do does a task of the queue when its turn has come.
func (c *conn) Do(t task, size int) {
	if t.run != nil {
		t.run()
		return
	}
	c.server.waiting.Add(-1)
	c.handle(t.packet, size)
	c.queue.GiveWay()
}

// HeldBack is told that the client sends faster than its events are handled.
func (c *conn) HeldBack() {
	c.session.Warn(engineio.CauseRate, "client held back: it sends faster than its events are handled, and others have some as well",
		"bound", engineio.BoundTurn)
}

// handle deals with a packet, which takes up so much memory until then.
func (c *conn) handle(p *packet.Packet, size int) {
	ctx := c.space(p.Namespace)
	if ctx != nil && p.Type == packet.Event && c.server.opts.Concurrent {
		c.concurrently(func() {
			defer c.server.memory.Give(size)
			ctx.event(p)
		})
		return
	}
	defer c.server.memory.Give(size)
	switch {
	case p.Type == packet.Connect && ctx == nil:
		c.connect(p)
	case p.Type == packet.Connect:
		c.reconnect(p)
	case ctx == nil:
		c.server.log.Debug("packet for a namespace that is not connected", "connection", c.session.Name(),
			"namespace", p.Namespace, "type", p.Type.String())
	case p.Type == packet.Event:
		ctx.event(p)
	case p.Type == packet.Disconnect:
		c.library.Leave(p.Namespace)
	}
}

// maxConcurrent is how many events of one client are handled at the same time, where that was asked
// for.
const maxConcurrent = 64

// concurrently runs an event's handlers beside the queue, which waits while too many run.
func (c *conn) concurrently(run func()) {
	if c.slots == nil {
		c.slots = make(chan struct{}, maxConcurrent)
	}
	c.slots <- struct{}{}
	c.server.conns.Go(func() {
		defer func() { <-c.slots }()
		run()
	})
}

// event runs the handler of an event, see [Namespace.run], and answers it.
func (c *Context) event(p *packet.Packet) {
	if tell := c.space.server.opts.Hooks.Received; tell != nil {
		tell(inspectedClient{c}, p.Event, p.Args)
	}
	reply, err := c.space.run(c, p.Event, valueList(p.Args))
	if err == nil && p.HasID {
		err = c.ack(p.ID, reply)
	}
	if err != nil && !errors.Is(err, ErrNoAck) {
		c.space.failed(c, p.Event, err)
	}
}

func (c *Context) ack(id uint64, reply []any) error {
	data, err := freezeArgs(reply)
	if err != nil {
		return err
	}
	c.conn.reply(fanout.EncodeAck(c.Namespace(), id, data))
	return nil
}

// acked calls what waits for an ack.
func (c *conn) acked(p *packet.Packet) {
	if ctx := c.space(p.Namespace); ctx != nil {
		ctx.member.Answer(p.ID, p.Args)
	}
}
