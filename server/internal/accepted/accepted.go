// Package accepted owns the connections that a listener has accepted, from there to their end,
// whatever they become: it counts them, and closes those that nobody needs when there are too many.
package accepted

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
	"time"

	"hipflask/server/internal/address"
)

// Why says why a connection was closed.
type Why uint8

// The reasons.
const (
	Idle       Why = iota // it served no request, and another one came
	TooMany               // it was one too many, and none was idle
	PerAddress            // it was one too many of its address
	NoFiles               // it served no request, and files had run out
)

// Options bounds the connections. 0 is no limit.
type Options struct {
	Limit      int                                     // at one time
	PerAddress int                                     // of them from one address, or /64 network of IPv6
	Exempt     func(netip.Addr) bool                   // from PerAddress, beside the loopback interface and what has no address; nil: nobody
	Closed     func(why Why, peer net.Addr, limit int) // is called for each that was closed, and must not wait; nil: nothing is
}

// Conns are the connections of one HTTP server.
type Conns struct {
	opts Options

	mu     sync.Mutex
	open   int
	counts map[netip.Addr]int // with PerAddress
	free   *list.List         // of *Conn that serve no request, idle for longest first
}

// grace is how long a connection that serves no request is left alone: its request may be on the
// way. Whoever comes meanwhile waits for that.
const grace = 100 * time.Millisecond

// New makes an empty set.
func New(opts Options) *Conns {
	return &Conns{opts: opts, counts: make(map[netip.Addr]int), free: list.New()}
}

// Open is how many connections there are.
func (c *Conns) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// longestIdle takes a connection off the list, for the caller to close; nil if none is idle. The
// mutex is held, but not while it waits for the grace of the first to end.
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

// countedAs is what an address is counted as; the zero Addr if it is not.
func (c *Conns) countedAs(peer net.Addr) netip.Addr {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.IsLoopback() || c.opts.Exempt != nil && c.opts.Exempt(addr) {
		return netip.Addr{}
	}
	return address.Client(addr)
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
	if !conn.counted.IsValid() {
		return
	}
	if c.counts[conn.counted]--; c.counts[conn.counted] == 0 {
		delete(c.counts, conn.counted)
	}
}

// Conn is an accepted connection that is counted until it is closed. It changes nothing of what
// passes.
type Conn struct {
	net.Conn
	conns   *Conns
	counted netip.Addr // what its address is counted as; the zero Addr: not

	// Guarded by the mutex of conns.
	at     *list.Element // in its list of those that are free; nil: not there
	since  time.Time     // when it came there
	silent bool          // no request has come yet
	closed bool
}
