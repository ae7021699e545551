package socketio

import (
	"slices"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/library"
	"hipflask/server/internal/packet"
)

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
