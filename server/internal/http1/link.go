package http1

import (
	"net/http"
	"time"

	"hipflask/server/internal/socket"
)

// linger is how long a connection that is about to be closed is read: a reset, as of a socket that
// is closed with bytes unread, can destroy the answer on its way.
const linger = 500 * time.Millisecond

// begin has the answer come later.
func (c *conn) begin(a *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = a
}

// done is called when an answer is out. The reader closes the connection, if that is to be.
func (c *conn) done(closes bool) {
	c.conns.opts.Track(c.nc, http.StateIdle)
	closes = closes || c.conns.closing.Load()
	c.mu.Lock()
	c.waiting, c.answered = nil, time.Now()
	c.ending = c.ending || closes
	told := c.told
	c.told = nil
	c.mu.Unlock()
	if told != nil {
		close(told)
	}
	if closes {
		c.wakeReader()
	}
}

// awaitAnswer waits until there is no answer to come.
func (c *conn) awaitAnswer() {
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return
	}
	told := make(chan struct{})
	c.told = told
	c.mu.Unlock()
	<-told
}

func (c *conn) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}

// wakeReader has the reading goroutine look whether the connection is to end.
func (c *conn) wakeReader() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.given {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// cut ends the connection from outside.
func (c *conn) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.given {
		c.close()
	}
}

// read waits for the next bytes, at least one. They are valid until the next call.
func (c *conn) read() ([]byte, error) {
	if c.raw == nil {
		n, err := c.nc.Read(c.kept)
		if n > 0 {
			return c.kept[:n], nil // an error with them comes again with the next read
		}
		return nil, err
	}
	for {
		p, err := c.reader.Read(c.raw, false)
		if err == nil || !socket.Renewed(c.nc, err) {
			return p, err
		}
	}
}

// linger ends the connection once the peer has read what it was sent.
func (c *conn) linger() {
	_ = socket.CloseWrite(c.nc)
	_ = c.nc.SetReadDeadline(time.Now().Add(linger))
	for _, err := c.read(); err == nil; _, err = c.read() {
	}
	c.close()
}

// close ends the connection at once.
func (c *conn) close() { _ = c.nc.Close() }
