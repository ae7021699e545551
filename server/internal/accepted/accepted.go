// Package accepted owns the connections that a listener has accepted, from there to
// their end, whatever they become: it counts them, and closes those that nobody needs
// when there are too many.
package accepted

import (
	"container/list"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"hipflask/server/internal/address"
)

// Why says why a connection was closed.
type Why uint8

// The reasons.
const (
	Idle       Why = iota // it served no request, and another needed its place
	TooMany               // it was one too many, and none was idle
	PerAddress            // it was one too many of its address
	NoFiles               // it served no request, and files had run out
)

// Options bounds the connections. 0 is no limit.
type Options struct {
	Limit      int                                     // at one time
	PerAddress int                                     // of them from one address, or /64 network of IPv6
	Exempt     func(netip.Addr) bool                   // from PerAddress, beside the loopback interface and what has no address; nil: nobody
	Closed     func(why Why, peer net.Addr, limit int) // is told; nil: nobody is. It must not wait
}

// Conns are the connections of one HTTP server.
type Conns struct {
	opts Options

	mu     sync.Mutex
	open   int
	places map[netip.Addr]int // with PerAddress
	free   *list.List         // of *Conn that serve no request, idle for longest first
}

// grace is how long a connection that serves no request is left alone: its request may
// be on the way. Whoever comes meanwhile waits for that.
const grace = 100 * time.Millisecond

// New makes an empty set.
func New(opts Options) *Conns {
	return &Conns{opts: opts, places: make(map[netip.Addr]int), free: list.New()}
}

// Listen counts what l accepts.
func (c *Conns) Listen(l net.Listener) net.Listener { return &listener{l, c} }

// Open is how many connections there are.
func (c *Conns) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

type listener struct {
	net.Listener
	conns *Conns
}

// Accept closes what is one too many. When no file is left for a connection it takes one
// from a connection that is idle.
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
		conn.place = c.place(nc.RemoteAddr())
	}
	c.mu.Lock()
	if conn.place.IsValid() && c.places[conn.place] >= c.opts.PerAddress {
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
	if conn.place.IsValid() {
		c.places[conn.place]++
	}
	c.setFree(conn)
	c.mu.Unlock()
	if idle != nil {
		_ = idle.Close()
		c.tell(Idle, idle, c.opts.Limit)
	}
	return conn
}

// makeRoom closes the connection that is idle for longest, and reports whether there
// was one.
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

// longestIdle takes a connection off the list, for the caller to close; nil if none is
// idle. The mutex is held, but not while it waits for the grace of the first to end.
func (c *Conns) longestIdle() *Conn {
	for first := c.free.Front(); first != nil; first = c.free.Front() {
		conn, _ := first.Value.(*Conn)
		if left := time.Until(conn.since.Add(grace)); left > 0 {
			c.mu.Unlock()
			time.Sleep(left)
			c.mu.Lock()
			continue
		}
		c.setBusy(conn)
		return conn
	}
	return nil
}

// setFree puts a connection on the list of those that serve no request. The mutex is held.
func (c *Conns) setFree(conn *Conn) {
	if conn.at == nil {
		conn.at, conn.since = c.free.PushBack(conn), time.Now()
	}
}

// setBusy takes a connection off it. The mutex is held.
func (c *Conns) setBusy(conn *Conn) {
	if conn.at != nil {
		c.free.Remove(conn.at)
		conn.at = nil
	}
}

func (c *Conns) tell(why Why, nc net.Conn, limit int) {
	if c.opts.Closed != nil {
		c.opts.Closed(why, nc.RemoteAddr(), limit)
	}
}

// place is what an address is counted as; the zero Addr if it is not.
func (c *Conns) place(peer net.Addr) netip.Addr {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.IsLoopback() || c.opts.Exempt != nil && c.opts.Exempt(addr) {
		return netip.Addr{}
	}
	return address.Place(addr)
}

// Track is the HTTP server's ConnState: a connection is free from its opening, and from
// each answer, until the header of a request has come. So one that sends a header
// without end is free as well.
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
	var silent []*Conn
	c.mu.Lock()
	for at := c.free.Front(); at != nil; at = at.Next() {
		if conn, _ := at.Value.(*Conn); conn.silent {
			silent = append(silent, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range silent {
		_ = conn.Close()
	}
}

// leave counts a connection out.
func (c *Conns) leave(conn *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.closed {
		return
	}
	conn.closed = true
	c.open--
	c.setBusy(conn)
	if !conn.place.IsValid() {
		return
	}
	if c.places[conn.place]--; c.places[conn.place] == 0 {
		delete(c.places, conn.place)
	}
}
