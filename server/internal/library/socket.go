package library

import (
	"io"

	eiopacket "github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"hipflask/server/internal/engineio"
)

// What the library asks of an engine.Socket.

func (c *Conn) On(name events.EventName, l ...events.Listener) error {
	if name == "data" && len(l) == 1 {
		c.onData = l[0]
	}
	return nil
}

func (c *Conn) Once(name events.EventName, l ...events.Listener) error {
	if name == "close" && len(l) == 1 {
		c.onClose = l[0]
	}
	return nil
}

// RemoveListener keeps the listeners: they are called by the owner's methods only, and not after
// the end.
func (c *Conn) RemoveListener(events.EventName, events.Listener) bool { return true }

func (c *Conn) Id() string { return c.session.ID() }

// ReadyState is "open" until the library was told of the end.
func (c *Conn) ReadyState() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "closed"
	}
	return "open"
}

func (c *Conn) RemoteAddress() string       { return "" } // nobody reads it
func (c *Conn) Request() *types.HttpContext { return c.base.request }

// Write takes what our encoder made of a packet: all of it in one.
func (c *Conn) Write(r io.Reader, _ *eiopacket.Options, _ engine.SendCallback) engine.Socket {
	e, ok := r.(*encoded)
	if !ok {
		return c
	}
	if e.packet.Type == parser.CONNECT {
		c.answer = e // see admit, which follows
		return c
	}
	if m := e.message(); m != nil {
		c.session.Send(m)
	}
	if e.packet.Type == parser.CONNECT_ERROR {
		if c.session.IsPlain() {
			c.session.Close(engineio.ServerClose) // it cannot read why
		}
		c.pass("") // the library refused: nothing else will be heard of it
	}
	return c
}

// Close is the library's wish to close the connection, which it then treats as closed.
func (c *Conn) Close(bool) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.session.Close(engineio.ServerClose)
	c.pass("")
}
