package websocket

import (
	"net"
	"syscall"
	"time"

	"hipflask/server/internal/deflate"
	"hipflask/server/internal/socket"
)

const (
	// keptReadSize is the buffer of a connection that cannot wait without one.
	keptReadSize = 1 << 10

	// discardLimit bounds what Discard reads: more than lies in the buffers of two kernels, so that
	// an honest peer in the middle of a message gets our close frame.
	discardLimit = 8 << 20
)

// Upgrader owns what the connections of one server share: the buffers that they read into while
// they are active, and the watch over those that are not. The zero value is ready; it must not be
// copied after its first use, and is safe for concurrent use.
type Upgrader struct {
	// Compression agrees on permessage-deflate with clients that offer it, RFC 7692: they may send
	// compressed messages, and Conn.TakesCompressed reports that they may be sent some. It is set
	// before the first use.
	Compression bool

	pool   socket.Buffers
	codec  deflate.Codec
	idlers idlers
}

// Compress returns a whole unmasked, final frame that holds payload compressed, for clients that
// take such.
func (u *Upgrader) Compress(op Opcode, payload []byte) []byte {
	packed := u.codec.Compress(payload)
	packed = packed[:len(packed)-len(deflate.Tail)]
	frame := AppendHeader(make([]byte, 0, maxHeader+len(packed)), op, len(packed))
	frame[0] |= packedBit
	return append(frame, packed...)
}

// Watch makes connections that were begun with Start give up their goroutine while nothing comes,
// where the system can do that: Linux. It returns when stop is closed; no connection may be idle
// then.
func (u *Upgrader) Watch(stop <-chan struct{}) error { return u.idlers.watch(stop) }

// Conn is a WebSocket connection after its opening handshake. It reads on goroutines of its own,
// and needs none while nothing comes, see Start. Writes may come from any goroutine, one at a time:
// the caller serialises them, and a TryWrite during a Write would wait for it. Close and the
// deadlines may be called at any time.
type Conn struct {
	raw        syscall.RawConn // the socket, over TLS the one beneath; nil: it cannot be got at
	compressed bool            // compression was agreed on

	// The reading goroutine's:
	taker   socket.Reader // unless raw is nil
	kept    []byte        // the buffer for reading if raw is nil
	early   []byte        // came with the handshake, not yet read
	reader  reader
	handler Handler
	pace    func(n int) Work // nil, or called with how much was read
	ended   func(error)

	// The writer's:
	sender socket.Writer // unless raw is nil
	outlet *outlet       // nil but for TLS that ListenTLS has accepted

	idling
}

func newConn(nc net.Conn, early []byte, u *Upgrader) *Conn {
	c := &Conn{early: early, idling: idling{idlers: &u.idlers, conn: nc}}
	if c.outlet = outletOf(nc); c.outlet != nil {
		c.raw = c.outlet.raw
	} else {
		c.raw = socket.Raw(socket.Beneath(nc))
	}
	if c.raw == nil {
		c.kept = make([]byte, keptReadSize)
		return c
	}
	c.taker.Init(&u.pool)
	c.sender.Init()
	return c
}

// SetPace has f called with the number of bytes after each piece of the stream has been acted on.
// Nothing more is read until f returns, so that f can hold the peer back. The work that f returns,
// unless that is nil, is done next: it may take long, then another goroutine reads on meanwhile. To
// be called before Start, or by the handler.
func (c *Conn) SetPace(f func(n int) Work) {
	c.pace = f
}

// TakesCompressed reports whether messages to the client may be compressed, see
// Upgrader.Compression.
func (c *Conn) TakesCompressed() bool { return c.compressed }

// Partial is how many bytes of memory a message takes that is not whole yet. It is for the handler
// and SetPace's function.
func (c *Conn) Partial() int { return cap(c.reader.msg) }

// read waits for the next bytes, at least one. They are valid until the next call.
func (c *Conn) read() ([]byte, error) {
	if c.raw == nil {
		n, err := c.conn.Read(c.kept)
		if n > 0 {
			return c.kept[:n], nil // an error with them comes again with the next read
		}
		return nil, err
	}
	idle := c.mayIdle && c.reader.between()
	if c.outlet != nil {
		return c.outlet.read(c.conn, &c.taker, idle)
	}
	return c.taker.Read(c.raw, idle)
}

// release gives up what reading needs.
func (c *Conn) release() {
	c.taker.Release()
	if c.outlet != nil {
		c.outlet.stopReading(&c.taker)
	}
	c.reader = reader{}
}

// Supported reports whether TryWrite can write: on a plain socket of a Unix system, and over TLS
// that ListenTLS has accepted there. When the listener wraps its connections otherwise, it cannot;
// such a connection keeps a small read buffer while it waits.
func (c *Conn) Supported() bool { return c.raw != nil }

// TryWrite writes what the kernel takes at once and does not block. n < len(p) or Held, with a nil
// error, means that the rest must wait: use Write, from a goroutine that may block. Where Supported
// is false, nothing is ever taken. A write deadline that has passed is an error here too.
func (c *Conn) TryWrite(p []byte) (n int, err error) {
	switch {
	case c.outlet != nil:
		return c.outlet.tryWrite(c.conn, p)
	case c.raw == nil || len(p) == 0:
		return 0, nil
	}
	return c.sender.Try(c.raw, p)
}

// Held reports whether something that TryWrite has taken waits for the kernel: over TLS, part of a
// record. A Write, of nothing if there is nothing more, sends it.
func (c *Conn) Held() bool {
	return c.outlet != nil && c.outlet.holds()
}

// Write writes all of p, and blocks until the kernel has taken it, the write deadline has passed or
// the connection has failed.
func (c *Conn) Write(p []byte) (int, error) {
	if c.outlet != nil {
		return c.outlet.write(c.conn, p)
	}
	return c.conn.Write(p)
}

// SetWriteDeadline sets the time after which writes fail, also one that is blocked now. The zero
// time means never.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.conn.SetWriteDeadline(t)
}

// SetReadDeadline sets the time after which reading ends with os.ErrDeadlineExceeded. The zero time
// means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limited = !t.IsZero()
	c.startReaderLocked()
	return c.conn.SetReadDeadline(t)
}

// CloseWrite tells the peer that nothing follows our close frame: a FIN, over TLS a close_notify.
func (c *Conn) CloseWrite() error {
	return socket.CloseWrite(c.conn)
}

// Discard reads and throws away until the peer ends the connection, d has passed or 8 MiB have
// come. A socket closed with bytes unread sends a reset, which can destroy the close frame on its
// way; so once reading has ended and our close frame is written, Discard comes before Close.
func (c *Conn) Discard(d time.Duration) {
	defer c.release()
	if err := c.conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		return
	}
	for total := 0; total < discardLimit; {
		p, err := c.read()
		if err != nil {
			return
		}
		total += len(p)
	}
}

// Close ends the connection at once. Reading and blocked writes end with an error.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.startReaderLocked()
	c.mu.Unlock()
	return c.conn.Close()
}
