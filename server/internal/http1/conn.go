package http1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"hipflask/server/internal/socket"
)

const (
	// leastRequest is how many bytes net/http calls a request that has failed, and answers.
	leastRequest = 4
	// keptSize is the buffer of a connection that cannot wait without one.
	keptSize = 4 << 10
)

// newConn is for a connection that comes from net/http.
func (c *Conns) newConn(nc net.Conn, r *http.Request, early []byte) *conn {
	conn := &conn{conns: c, nc: nc, in: bytes.Clone(early), remoteAddr: r.RemoteAddr, tls: r.TLS, limited: true}
	if back := returnedOf(r); back != nil {
		conn.returns = back.times
	}
	conn.ctx, conn.end = context.WithCancel(context.WithoutCancel(r.Context()))
	conn.first = r.WithContext(conn.ctx)
	conn.readFrom(socket.Raw(socket.Beneath(nc)))
	return conn
}

// newFresh is for a connection that was just accepted.
func (c *Conns) newFresh(nc net.Conn, raw syscall.RawConn) *conn {
	conn := &conn{conns: c, nc: nc, fresh: true, returns: -1, remoteAddr: nc.RemoteAddr().String(), limited: true}
	ctx := context.WithValue(c.opts.Context, http.LocalAddrContextKey, nc.LocalAddr())
	conn.ctx, conn.end = context.WithCancel(ctx)
	conn.readFrom(raw)
	return conn
}

// readFrom has the connection read from a socket, or by its own methods where that is nil.
func (c *conn) readFrom(raw syscall.RawConn) {
	if c.raw = raw; raw == nil {
		c.kept = make([]byte, keptSize)
		return
	}
	c.reader.Init(&c.conns.buffers)
	c.writer.Init()
}

// Run serves the connection until it ends, goes back or is given away.
func (c *conn) Run() {
	defer c.conns.running.Done()
	defer c.end()
	defer c.conns.remove(c)
	goOn := true
	if first := c.first; first != nil {
		c.first = nil
		goOn = c.serve(first)
	}
	for goOn {
		goOn = c.next()
	}
	c.reader.Release()
}

// next serves one more request, and reports whether others may follow.
func (c *conn) next() bool {
	if len(c.in) > 0 { // came with the request before
		c.awaitAnswer()
		if c.isEnding() {
			c.linger()
			return false
		}
	}
	head, err := c.head()
	switch {
	case err == errUnusual || err == io.EOF && len(c.in) >= leastRequest:
		return c.giveBack()
	case err != nil:
		c.gone()
		return false
	}
	r := c.request(head)
	if r == nil || !c.conns.opts.Takes(r) {
		return c.giveBack()
	}
	c.in = c.in[len(head)+len(headEnd):]
	return c.serve(r)
}

// serve has a request answered, or begun to be, and reports whether another one may follow.
func (c *conn) serve(r *http.Request) bool {
	c.fresh = false
	c.conns.opts.Track(c.nc, http.StateActive)
	r.Body = c.body.of(c, r.ContentLength)
	if c.ends = 0; r.Method == http.MethodPost {
		c.ends = 4
	}
	a := &c.answer
	a.reset(c)
	if !a.handle(r) {
		c.gone()
		return false
	}
	switch {
	case c.given:
		return false
	case a.isLater:
		return true // the answer may be there by now
	}
	if c.body.left > 0 { // what the handler has not read would be taken for the next request
		a.closes = true
	}
	if a.finish(); a.closes {
		c.linger()
		return false
	}
	c.done(false)
	return true
}

// giveBack has net/http serve what was read and is not served yet.
func (c *conn) giveBack() bool {
	_ = c.nc.SetReadDeadline(time.Time{})
	back := &returned{Conn: c.nc, rest: bytes.Clone(c.in), times: c.returns + 1, tls: c.tls}
	if before, ok := c.nc.(*returned); ok {
		back.Conn, back.rest = before.Conn, append(back.rest, before.rest...)
	}
	c.conns.back.giveBack(back)
	return false
}

// gone ends the connection when nothing more can be read from it: the answer that is still to come
// is nobody's.
func (c *conn) gone() {
	c.close()
	c.mu.Lock()
	a := c.waiting
	c.mu.Unlock()
	if a != nil {
		a.gone()
	}
	c.awaitAnswer()
}

var errUnusual = errors.New("http1: not to be read here")

// head reads up to the end of a header, which is the first in c.in then. What is not whole in time
// ends with an error, what is too long, or holds what no header does, with errUnusual.
func (c *conn) head() ([]byte, error) {
	for looked := 0; ; {
		c.skipLineEnds()
		if i := bytes.Index(c.in[looked:], []byte(headEnd)); i >= 0 && looked+i <= maxHead-len(headEnd) {
			return c.in[:looked+i], nil
		}
		if len(c.in) >= maxHead || len(c.in) >= leastRequest && !isHead(c.in) {
			return nil, errUnusual
		}
		looked = max(0, len(c.in)-len(headEnd)+1)
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

// skipLineEnds takes off what old clients send behind the body of a POST, as net/http does.
func (c *conn) skipLineEnds() {
	for c.ends > 0 && len(c.in) > 0 {
		if c.in[0] != '\r' && c.in[0] != '\n' {
			c.ends = 0
			return
		}
		c.in = c.in[1:]
		c.ends--
	}
}

// more reads more of a header. While nothing of one is there the connection is idle, or waits for
// the answer to the request before.
func (c *conn) more() error {
	if c.fresh && len(c.in) == 0 { // mostly the request is there by now, and needs no deadline
		if p, err := c.reader.Read(c.raw, true); err != socket.ErrIdle {
			c.in = p
			return err
		}
	}
	if err := c.limit(); err != nil {
		return err
	}
	c.grown = append(c.grown[:0], c.in...)
	c.in = c.grown
	for {
		p, err := c.read()
		switch {
		case err == nil:
			c.awaitAnswer()
			if c.isEnding() {
				continue
			}
			if c.in = p; len(c.grown) > 0 {
				c.grown = append(c.grown, p...)
				c.in = c.grown
			}
			return nil
		case !errors.Is(err, os.ErrDeadlineExceeded) || len(c.grown) > 0 || c.isOver():
			return err
		}
	}
}

// limit sets the read deadline, once: that of a header that has begun, or that is awaited as the
// first one, or of an idle connection.
func (c *conn) limit() error {
	begun := c.fresh || len(c.in) > 0
	if begun == c.begun && !c.limited {
		return nil
	}
	c.begun, c.limited = begun, false
	if begun {
		return c.nc.SetReadDeadline(time.Now().Add(c.conns.opts.HeaderTimeout))
	}
	return c.setIdle(c.conns.opts.IdleTimeout)
}

// setIdle sets the read deadline of an idle connection, unless wakeReader was called, or is to be,
// before that can know of it.
func (c *conn) setIdle(left time.Duration) error {
	err := c.nc.SetReadDeadline(time.Now().Add(left))
	c.mu.Lock()
	over := c.ending || c.waiting == nil && c.conns.closing.Load()
	c.mu.Unlock()
	if over {
		c.wakeReader()
	}
	return err
}

// isOver is asked when the read deadline of an idle connection has passed, or wakeReader was
// called. It reports whether the connection is to be closed, and else sets the next deadline: that
// of a poll is its session's, and the connection may have been used since.
func (c *conn) isOver() bool {
	c.mu.Lock()
	waiting, ending := c.waiting != nil, c.ending
	left := c.conns.opts.IdleTimeout - time.Since(c.answered)
	c.mu.Unlock()
	switch {
	case ending:
		c.linger()
		return true
	case waiting:
		left = c.conns.opts.IdleTimeout
	case c.conns.closing.Load() || left <= 0:
		return true
	}
	return c.setIdle(left) != nil
}

// add has a connection read, unless no more are.
func (c *Conns) add(conn *conn) bool {
	c.mu.Lock()
	open := !c.closing.Load()
	if open {
		c.open[conn] = struct{}{}
		c.running.Add(1)
	}
	c.mu.Unlock()
	if open {
		c.readers.Run(conn)
	}
	return open
}

func (c *Conns) remove(conn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}
