package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"time"

	"hipflask/server/internal/socket"
)

// TakeOver gives the connection away, with what was read behind the request: it is the caller's from
// here on, as one that was hijacked, and has no deadline. early is valid until the handler returns.
func (a *answer) TakeOver() (nc net.Conn, early []byte) {
	c := a.conn
	a.failed = http.ErrHijacked
	c.mu.Lock()
	c.given = true
	_ = c.nc.SetReadDeadline(time.Time{})
	c.mu.Unlock()
	c.conns.opts.Track(c.nc, http.StateHijacked)
	return c.nc, c.in
}

// Hijack is that of an http.Hijacker.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, early := a.TakeOver()
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(early)), nc), max(len(early), socket.ReadSize))
	_, err := r.Peek(len(early)) // so that they are buffered
	return nc, bufio.NewReadWriter(r, bufio.NewWriter(nc)), err
}
