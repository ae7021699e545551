// Package http1 owns the connections over which Socket.IO's clients open sessions and poll, from
// their beginning on, or from a request on that net/http has read: it reads the requests that follow,
// and writes the answers.
//
// net/http reads each request with buffers and a context of its own, and has a second goroutine
// beside each handler. Of a poll that costs most of what it costs at all: poll follows poll over the
// same connection, the header stays the same to the byte, and the answer is there later than the
// request. So here a header that has come before is not parsed again, and who has the answer writes
// it, also after the handler has returned ([Later]). A WebSocket has no use for those buffers, which
// are lost with its first request ([Conns.Reads]).
//
// A request that is in any way unusual goes to net/http, with its connection: package net/http alone
// decides about what is no plain request with a whole header that its own parser takes.
package http1

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// New makes an empty set.
func New(opts Options) *Conns {
	if opts.Context == nil {
		opts.Context = context.Background()
	}
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
	if !isPlain(r) || r.Header["Upgrade"] != nil || hasReturned(r) || !c.opts.Takes(r) {
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
	}
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
		c.readers.Close()
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	left := c.close()
	for _, conn := range left {
		conn.cut()
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
