// Package polled owns the connections of clients that poll, from a request on that names a session
// of this server: it reads what follows over the same connection, and writes the answers.
//
// net/http reads each request anew, with a header, a context and buffers of its own, and a second
// goroutine beside each handler that waits. Of a poll that costs most of what it costs at all: poll
// follows poll over the same connection, the header stays the same to the byte, and the answer is
// there later than the request. So here a header that has come before is not parsed again, and who
// has the answer writes it, also after the handler has returned ([Later]).
//
// A request that is in any way unusual goes back to net/http, with its connection: package net/http
// alone decides about what is no plain request with a whole header that its own parser takes.
package polled

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/socket"
)

// Options are how connections are served.
type Options struct {
	// Handler serves the requests. Its ResponseWriter is a [Later].
	Handler http.Handler
	// Takes reports whether Handler may be given a request: what it waits for must not depend on
	// the client's being there, but for what it tells Later.
	Takes func(r *http.Request) bool

	HeaderTimeout time.Duration // how long a header may take from its first bytes on
	IdleTimeout   time.Duration // how long a connection is kept without a request

	// Track is told of connections that serve a request and that serve none, as that of an
	// http.Server.
	Track func(net.Conn, http.ConnState)
}

// Conns are the connections that were taken over from one http.Server.
type Conns struct {
	opts    Options
	buffers socket.Buffers
	parser  parser
	outs    outPool
	back    returning
	running sync.WaitGroup // connections
	closing atomic.Bool

	mu   sync.Mutex
	open map[*conn]struct{}
}

// New makes an empty set.
func New(opts Options) *Conns {
	return &Conns{opts: opts, open: make(map[*conn]struct{}), back: newReturning()}
}

// Listener accepts the connections that go back to the http.Server.
func (c *Conns) Listener() net.Listener { return c.back }

// Take takes the connection of a request over and serves that, and what follows, on a goroutine of
// its own; or it reports false, and nothing was done. A nil Conns takes none.
func (c *Conns) Take(w http.ResponseWriter, r *http.Request) bool {
	if _, isOurs := w.(*answer); c == nil || isOurs || c.closing.Load() {
		return false
	}
	if !isPlain(r) || hasReturned(r) || !c.opts.Takes(r) {
		return false
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // what is buffered can be had
	conn := c.newConn(nc, r, early)
	if !c.add(conn) {
		_ = nc.Close()
		return true
	}
	c.running.Go(conn.run)
	return true
}

func (c *Conns) add(conn *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing.Load() {
		return false
	}
	c.open[conn] = struct{}{}
	return true
}

func (c *Conns) remove(conn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

// Shutdown ends the connections, each once its request is answered, and returns when they have
// ended; those that are left when ctx ends are cut. A nil Conns has none.
func (c *Conns) Shutdown(ctx context.Context) error {
	if c == nil {
		return nil
	}
	ended := make(chan struct{})
	for _, conn := range c.close() {
		conn.wakeReader()
	}
	go func() {
		defer close(ended)
		c.running.Wait()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	left := c.close()
	for _, conn := range left {
		_ = conn.nc.Close()
	}
	if len(left) == 0 {
		return nil
	}
	return errors.Join(errors.New("connections of polling clients were cut"), ctx.Err())
}

// close has no connection taken over any more, and returns those there are.
func (c *Conns) close() []*conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing.Store(true)
	all := make([]*conn, 0, len(c.open))
	for conn := range c.open {
		all = append(all, conn)
	}
	return all
}
