package relay

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"

	"hipflask/server/internal/stall"
)

// writer is the way to the client.
type writer struct {
	*stall.Writer
	limit time.Duration
}

// WriteHeader keeps net/http from guessing a content type that the other server did not name.
func (w *writer) WriteHeader(status int) {
	if h := w.Header(); status >= 200 && h.Get("Content-Type") == "" {
		h["Content-Type"] = nil
	}
	w.Writer.WriteHeader(status)
}

// keepAlive finds clients that vanished from a WebSocket which nobody writes to: this server's own
// listener leaves that to Socket.IO's heartbeat.
const keepAlive = 30 * time.Second

// Hijack takes the connection over for a WebSocket.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := w.Writer.Hijack()
	if err != nil {
		return nil, nil, err
	}
	lively := conn
	if tls, ok := conn.(interface{ NetConn() net.Conn }); ok {
		lively = tls.NetConn()
	}
	for {
		above, ok := lively.(interface{ Socket() net.Conn })
		if !ok {
			break
		}
		lively = above.Socket()
	}
	if tcp, ok := lively.(interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}); ok {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive})
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered()) // what is there can be had
	return &takenOver{Conn: conn, early: bytes.Clone(early), limit: w.limit}, buffered, nil
}

// takenOver is a client's connection with a WebSocket on it; its client has to read.
type takenOver struct {
	net.Conn
	early []byte // sent behind the handshake, before its answer, and read already
	limit time.Duration
}

func (c *takenOver) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *takenOver) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// WriteTo is io.WriterTo's, for io.Copy.
func (c *takenOver) WriteTo(w io.Writer) (int64, error) { return copySmall(w, c) }

// answer is what the other server sends. That it breaks off is news.
type answer struct {
	io.ReadCloser
	relay *Relay
	ctx   context.Context // the request's
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil && err != io.EOF && a.ctx.Err() == nil && a.relay.opts.Broke != nil {
		a.relay.opts.Broke(err)
	}
	return n, err
}

const bufferSize = 32 << 10

// buffers are those with which answers are copied.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferSize]byte)(p)) }
