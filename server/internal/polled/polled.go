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
)

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
