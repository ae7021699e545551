package http1

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"

	"hipflask/server/internal/socket"
)

// maxReturns is how often a connection goes back before net/http keeps it: a proxy sends requests of
// all kinds over its connections, and to change hands costs as much as some requests.
const maxReturns = 3

// returned is a connection that net/http gets back.
type returned struct {
	net.Conn
	rest  []byte // was read already
	times int    // that it has come back
	tls   *tls.ConnectionState
}

// Read gives what was read before first.
func (c *returned) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// NetConn is the connection beneath, by the name that crypto/tls gives it.
func (c *returned) NetConn() net.Conn { return c.Conn }

// Socket is the connection beneath, which may be read and written instead of this one once nothing
// is left of what was read before.
func (c *returned) Socket() net.Conn {
	if len(c.rest) > 0 {
		return struct{ net.Conn }{c.Conn}
	}
	return c.Conn
}

// CloseWrite is that of the connection beneath.
func (c *returned) CloseWrite() error { return socket.CloseWrite(c.Conn) }

// ReadFrom is that of the connection beneath, which has the kernel send files, if it has one.
func (c *returned) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

type returnedKey struct{}

// ConnContext is that of the http.Server: it makes a connection known that has come back.
func ConnContext(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*returned); ok {
		return context.WithValue(ctx, returnedKey{}, c)
	}
	return ctx
}

func returnedOf(r *http.Request) *returned {
	c, _ := r.Context().Value(returnedKey{}).(*returned)
	return c
}

// hasReturned reports whether the connection of a request is not to be taken over again.
func hasReturned(r *http.Request) bool {
	c := returnedOf(r)
	return c != nil && c.times >= maxReturns
}

// Restore gives a request the TLS state of its connection, which net/http does not find on one that
// has come back.
func Restore(r *http.Request) {
	if c := returnedOf(r); c != nil {
		r.TLS = c.tls
	}
}

// returning is the listener of connections that go back.
type returning struct {
	conns  chan net.Conn
	closed chan struct{}
	close  *sync.Once
}

func newReturning() returning {
	return returning{make(chan net.Conn), make(chan struct{}), new(sync.Once)}
}

// giveBack has net/http serve a connection from now on, or closes it if that serves none any more.
func (l returning) giveBack(c *returned) {
	select {
	case l.conns <- c:
	case <-l.closed:
		_ = c.Close()
	}
}

func (l returning) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l returning) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

// Addr names no address: the connections came in by another listener.
func (l returning) Addr() net.Addr { return &net.UnixAddr{Name: "returned", Net: "unix"} }
