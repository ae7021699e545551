package redislink

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// keepAliveInterval is how long a connection is silent before TCP probes it.
const keepAliveInterval = 30 * time.Second

// conns are the open connections of a link. The client library interrupts no read and no write when
// a context is cancelled, it knows deadlines alone; so they are ended from below.
type conns struct {
	dialer  net.Dialer
	timeout time.Duration
	tls     *tls.Config // nil without TLS

	life context.Context
	end  context.CancelFunc

	mu    sync.Mutex
	open  map[*conn]struct{}
	local net.Addr // of the latest
}

func newConns(u *URL) *conns {
	c := &conns{timeout: u.dialTimeout, tls: u.tls, open: make(map[*conn]struct{})}
	c.dialer.KeepAlive = keepAliveInterval
	if !u.keepAlive {
		c.dialer.KeepAlive = -1
	}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// dial connects, within the timeout, unless the connections are cut meanwhile.
func (c *conns) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	defer context.AfterFunc(c.life, cancel)()
	raw, err := c.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	kept, err := c.keep(raw)
	if err != nil || c.tls == nil {
		return kept, err
	}
	secure := tls.Client(kept, c.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = kept.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Addr: raw.RemoteAddr(), Err: err}
	}
	return secure, nil
}

// keep notes a connection as open, or closes it when it is too late.
func (c *conns) keep(raw net.Conn) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.life.Err(); err != nil {
		_ = raw.Close()
		return nil, err
	}
	kept := &conn{Conn: raw, conns: c}
	c.open[kept] = struct{}{}
	c.local = raw.LocalAddr()
	return kept, nil
}

func (c *conns) localAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.local
}

// cut closes all connections. Later ones are refused.
func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end()
	for open := range c.open {
		_ = open.Conn.Close()
	}
	clear(c.open)
}

// conn is a connection that is forgotten when it is closed.
type conn struct {
	net.Conn
	conns *conns
}

func (c *conn) Close() error {
	c.conns.mu.Lock()
	delete(c.conns.open, c)
	c.conns.mu.Unlock()
	return c.Conn.Close()
}

// SyscallConn is how the library finds out that Redis has closed an idle connection.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
