package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"hipflask/server/internal/freeze"
)

const (
	// dialTimeout is how long connecting to another server may take, with TLS.
	dialTimeout = time.Second
	// maxIdleTime is shorter than what servers keep idle connections for, so that no request meets
	// one that is just being closed.
	maxIdleTime    = 30 * time.Second
	maxIdleEach    = 256
	maxIdle        = 1024
	maxReplyHeader = 64 << 10
)

type endpointKey struct{}

// endpointOf is where a request that is passed on goes.
func endpointOf(ctx context.Context) *endpoint {
	p, _ := ctx.Value(endpointKey{}).(*endpoint)
	return p
}

// transport has connections to all servers, HTTP/1.1 alone and without a proxy of the environment:
// a WebSocket needs a connection, and the answer has to be the other's.
func (f *Forwarder) transport() *http.Transport {
	return &http.Transport{
		DialContext:            f.dial,
		DialTLSContext:         f.dialTLS,
		DisableCompression:     true,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxReplyHeader,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdleEach,
		ReadBufferSize:         4 << 10, // which a WebSocket holds for as long as it lasts
		WriteBufferSize:        4 << 10,
		IdleConnTimeout:        min(maxIdleTime, f.opts.Timeout/2), // before the connection breaks, see lively
	}
}

// connecting connects within dialTimeout.
func connecting(ctx context.Context, connect func(context.Context) (net.Conn, error)) (conn net.Conn, err error) {
	err = freeze.Within(ctx, dialTimeout, func(ctx context.Context) error {
		conn, err = connect(ctx)
		return err
	})
	return conn, err
}

func (f *Forwarder) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return connecting(ctx, f.connect)
}

func (f *Forwarder) connect(ctx context.Context) (net.Conn, error) {
	raw, err := endpointOf(ctx).target.Dial(ctx, f.dialer)
	if err != nil {
		return nil, err
	}
	return &lively{Conn: &freeze.Conn{Conn: raw}, timeout: f.opts.Timeout, begun: time.Now()}, nil
}

// dialTLS checks the certificate, but of a server of this machine, which is known by no name:
// nobody else can listen at its address.
func (f *Forwarder) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	return connecting(ctx, func(ctx context.Context) (net.Conn, error) {
		raw, err := f.connect(ctx)
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(addr)
		secure := tls.Client(raw, &tls.Config{ServerName: host, InsecureSkipVerify: endpointOf(ctx).machine != ""})
		if err == nil {
			err = secure.HandshakeContext(ctx)
		}
		if err != nil {
			_ = raw.Close()
			return nil, &net.OpError{Op: "dial", Net: network, Addr: raw.RemoteAddr(), Err: err}
		}
		return secure, nil
	})
}

// lively is a connection that breaks when nothing has come over it for so long since something was
// written: its server is frozen. One that lives answers each poll, and pings on each WebSocket. An
// idle one is closed before.
type lively struct {
	net.Conn
	timeout  time.Duration
	begun    time.Time
	extended atomic.Int64 // how long behind begun the deadlines were set; 0: not yet
}

// extend has the connection break when the timeout has passed, or up to an eighth more: to set the
// deadlines anew for each read and write costs as much as signing the request.
func (c *lively) extend() error {
	now, last, more := time.Since(c.begun), c.extended.Load(), c.timeout/8
	if last > 0 && now-time.Duration(last) < more {
		return nil
	}
	c.extended.Store(max(int64(now), 1))
	return c.SetDeadline(time.Now().Add(c.timeout + more))
}

func (c *lively) Read(p []byte) (int, error) {
	if err := c.extend(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// CloseWrite ends this side of the connection.
func (c *lively) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *lively) Write(p []byte) (int, error) {
	if err := c.extend(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
