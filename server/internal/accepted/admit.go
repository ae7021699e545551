package accepted

import (
	"errors"
	"net"
	"net/http"
	"syscall"
)

// Listen counts what l accepts.
func (c *Conns) Listen(l net.Listener) net.Listener { return &listener{l, c} }

type listener struct {
	net.Listener
	conns *Conns
}

// Accept closes what is one too many. When no file is left for a connection it takes one from a
// connection that is idle.
func (l *listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		switch {
		case err == nil:
			if conn := l.conns.admit(nc); conn != nil {
				return conn, nil
			}
			_ = nc.Close()
		case !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) || !l.conns.makeRoom():
			return nil, err
		}
	}
}

// admit counts a connection in, nil if there is no room for it.
func (c *Conns) admit(nc net.Conn) *Conn {
	conn := &Conn{Conn: nc, conns: c, silent: true}
	if c.opts.PerAddress > 0 {
		conn.counted = c.countedAs(nc.RemoteAddr())
	}
	c.mu.Lock()
	if conn.counted.IsValid() && c.counts[conn.counted] >= c.opts.PerAddress {
		c.mu.Unlock()
		c.tell(PerAddress, nc, c.opts.PerAddress)
		return nil
	}
	var idle *Conn
	if c.opts.Limit > 0 && c.open >= c.opts.Limit {
		if idle = c.longestIdle(); idle == nil && c.open >= c.opts.Limit {
			c.mu.Unlock()
			c.tell(TooMany, nc, c.opts.Limit)
			return nil
		}
	}
	c.open++
	if conn.counted.IsValid() {
		c.counts[conn.counted]++
	}
	c.setFree(conn)
	c.mu.Unlock()
	if idle != nil {
		_ = idle.Close()
		c.tell(Idle, idle, c.opts.Limit)
	}
	return conn
}

// makeRoom closes the connection that is idle for longest, and reports whether there was one.
func (c *Conns) makeRoom() bool {
	c.mu.Lock()
	idle := c.longestIdle()
	open := c.open
	c.mu.Unlock()
	if idle == nil {
		return false
	}
	_ = idle.Close()
	c.tell(NoFiles, idle, open)
	return true
}

// Track is the HTTP server's ConnState: a connection is free from its opening, and from each
// answer, until the header of a request has come. So one that sends a header without end is free as
// well.
func (c *Conns) Track(nc net.Conn, state http.ConnState) {
	conn := beneath(nc)
	if conn == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if state != http.StateNew {
		conn.silent = false
	}
	switch {
	case conn.closed:
	case state == http.StateIdle:
		c.setFree(conn)
	case state == http.StateActive || state == http.StateHijacked:
		c.setBusy(conn)
	}
}

// CloseSilent closes the connections on which no request has come yet.
func (c *Conns) CloseSilent() {
	for _, conn := range c.silent() {
		_ = conn.Close()
	}
}

func (c *Conns) silent() (list []*Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for at := c.free.Front(); at != nil; at = at.Next() {
		if conn, _ := at.Value.(*Conn); conn.silent {
			list = append(list, conn)
		}
	}
	return list
}
