package websocket

import (
	"errors"
	"os"

	"hipflask/server/internal/socket"
)

// Start reads frames and calls h until the connection ends, on goroutines of the connection's own,
// of which it has none while nothing comes; see Upgrader.Watch. maxMessage is the greatest number
// of bytes in a message, over all its fragments. ended is then called with the reason, never nil,
// on a goroutine that may wait. h and ended must not wait for other calls of theirs. The reason is
//
//   - a *CloseError with Received: the peer's close frame came. Echo its code and close.
//   - another *CloseError: the peer broke a rule of the protocol or the limit. Close with its code: 1002 for a protocol
//     error, 1007 for text that is not UTF-8, 1009 for a message over maxMessage, which is not read.
//   - h's error, as it is.
//   - any other: the connection failed. io.EOF is an end without a close frame; net.ErrClosed is our own Close.
//
// Nothing that follows a close frame or a fault is read. Start is called once.
func (c *Conn) Start(h Handler, maxMessage int, ended func(error)) {
	c.handler, c.ended, c.reader.max = h, ended, maxMessage
	c.idling.reading = (*reading)(c)
	c.mayIdle = c.raw != nil && c.raw.Control(func(fd uintptr) { c.fd = int(fd) }) == nil
	// TLS may have read more with the handshake than it has given on.
	if c.mayIdle && len(c.early) == 0 && c.outlet == nil && c.rest() {
		return
	}
	c.idlers.pool.Run(c.idling.reading)
}

// reading is a connection as the pool sees it.
type reading Conn

func (r *reading) Run() { (*Conn)(r).run() }

// run reads until the connection ends or is idle.
func (c *Conn) run() {
	for {
		err := c.serve()
		switch {
		case err == errLent:
			return // another goroutine reads, and has what is the reading goroutine's
		case err == socket.ErrIdle:
			if c.rest() {
				return // another goroutine may be reading already
			}
			c.mayIdle = false
			c.idlers.keepActive(&c.idling)
			continue
		case errors.Is(err, os.ErrDeadlineExceeded) && c.wasAsked():
			c.mayIdle = true
			continue
		case c.renewed(err):
			continue
		}
		c.mayIdle = false
		c.release()
		c.idlers.forget(&c.idling)
		c.ended(err)
		return
	}
}

// errLent is serve's error when another goroutine reads the connection now.
var errLent = errors.New("lent")

// serve reads until the connection ends or may become idle, with socket.ErrIdle, or another goroutine
// reads, with errLent.
func (c *Conn) serve() error {
	if early := c.early; len(early) > 0 {
		c.early = nil
		if err := c.take(early); err != nil {
			return err
		}
	}
	for {
		p, err := c.read()
		if err != nil {
			return err
		}
		if !c.mayIdle && !c.heard.Load() {
			c.heard.Store(true)
		}
		if err := c.take(p); err != nil {
			return err
		}
	}
}

// take handles what was read, and does the work that there is about it.
func (c *Conn) take(p []byte) error {
	if err := c.reader.feed(p, c.handler); err != nil {
		return err
	}
	if c.pace == nil {
		return nil
	}
	if work := c.pace(len(p)); work != nil && !c.lend(work) {
		return errLent
	}
	return nil
}

// renewed reports whether the owner's read deadline begins anew, because the process stood still. A
// connection that is read otherwise than by its socket does that itself.
func (c *Conn) renewed(err error) bool {
	if c.raw == nil {
		return false
	}
	nc := c.conn
	if c.outlet != nil {
		nc = c.outlet.Conn
	}
	return socket.Renewed(nc, err)
}
