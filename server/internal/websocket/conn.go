package websocket

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// readSize is what one read takes. Most messages are smaller, and a buffer is only held while something was read.
	readSize = 8 << 10

	// keptReadSize is the buffer of a connection that cannot wait without one, such as TLS.
	keptReadSize = 1 << 10

	// discardLimit bounds what Discard reads: more than lies in the buffers of two kernels, so that an honest peer in the
	// middle of a message gets our close frame.
	discardLimit = 8 << 20
)

type readBuffer [readSize]byte

// bufferPool holds the buffers that no connection reads into just now.
type bufferPool struct {
	p sync.Pool
}

func (p *bufferPool) get() *readBuffer {
	if b, ok := p.p.Get().(*readBuffer); ok {
		return b
	}
	return new(readBuffer)
}

func (p *bufferPool) put(b *readBuffer) {
	p.p.Put(b)
}

// Conn is a WebSocket connection after its opening handshake. Either one goroutine reads (Serve, then perhaps Discard), or
// it is left to the connection itself, which then needs none while nothing comes (Start). Writes
// may come from any goroutine, one at a time: the caller serialises them, and a TryWrite during a Write would wait for
// it. Close, the deadlines and RemoteAddr may be called at any time.
type Conn struct {
	conn net.Conn

	// Without blocking, for connections that are plain sockets. The function is made once, since one made for each call
	// would be an allocation for each call; its results are the fields that follow.
	raw    syscall.RawConn // nil: not possible
	readFn func(fd uintptr) bool
	pool   *bufferPool
	buf    *readBuffer // nil while the connection waits
	nRead  int
	errIn  error

	sender sender
	outlet *outlet // nil but for TLS that ListenTLS has accepted

	kept  []byte // the buffer for reading when raw is nil
	early []byte // came with the handshake, not yet read

	compressed bool // was agreed on
	reader     reader
	pace       func(n int) // nil, or told what was read
	idling
}

func newConn(nc net.Conn, early []byte, u *Upgrader) *Conn {
	c := &Conn{conn: nc, early: early, pool: &u.pool, idling: idling{idlers: &u.idlers}}
	c.raw, c.outlet = rawConn(nc), outletOf(nc)
	if c.raw == nil {
		c.kept = make([]byte, keptReadSize)
		return c
	}
	c.readFn = c.readReady
	c.sender.init()
	return c
}

// sender writes to a socket without blocking.
type sender struct {
	fn  func(fd uintptr) bool // ready, made once
	p   []byte
	n   int
	err error
}

func (s *sender) init() { s.fn = s.ready }

// try writes what the kernel takes of p at once.
func (s *sender) try(raw syscall.RawConn, p []byte) (int, error) {
	s.p, s.n, s.err = p, 0, nil
	err := raw.Write(s.fn)
	s.p = nil
	if err != nil {
		return 0, err
	}
	return s.n, s.err
}

// Serve reads frames and calls h until the connection ends, and says why it ended; it never returns nil. maxMessage is
// the greatest number of bytes in a message, over all its fragments. The error is
//
//   - a *CloseError with Received: the peer's close frame came. Echo its code and close.
//   - another *CloseError: the peer broke a rule of the protocol or the limit. Close with its code: 1002 for a protocol
//     error, 1007 for text that is not UTF-8, 1009 for a message over maxMessage, which is not read.
//   - h's error, as it is.
//   - any other: the connection failed. io.EOF is an end without a close frame; net.ErrClosed is our own Close.
//
// Nothing that follows a close frame or a fault is read. Serve is called once.
func (c *Conn) Serve(h Handler, maxMessage int) error {
	defer c.release()
	c.handler, c.reader.max = h, maxMessage
	return c.serve()
}

// serve is Serve until the connection ends or may become idle, which errIdle tells.
func (c *Conn) serve() error {
	early := c.early
	c.early = nil
	if err := c.reader.feed(early, c.handler); err != nil {
		return err
	}
	for {
		p, err := c.read()
		if err != nil {
			return err
		}
		if !c.cold && !c.heard.Load() {
			c.heard.Store(true)
		}
		if err := c.reader.feed(p, c.handler); err != nil {
			return err
		}
		if c.pace != nil {
			c.pace(len(p))
		}
	}
}

// SetPace has f called with the number of bytes after each piece of the stream has been acted on. Nothing more is read
// until f returns, so that f can hold the peer back. To be called before Serve or Start, or by the handler.
func (c *Conn) SetPace(f func(n int)) {
	c.pace = f
}

// TakesCompressed reports whether messages to the client may be compressed, see Upgrader.Compression.
func (c *Conn) TakesCompressed() bool { return c.compressed }

// Partial is how many bytes of memory a message takes that is not whole yet. It is for the handler and SetPace's function.
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
	if err := c.raw.Read(c.readFn); err != nil {
		return nil, err
	}
	if c.errIn != nil {
		return nil, c.errIn
	}
	return c.buf[:c.nRead], nil
}

// release gives up what reading needs.
func (c *Conn) release() {
	if c.buf != nil {
		c.pool.put(c.buf)
		c.buf = nil
	}
	c.reader = reader{}
}

// Supported tells whether TryWrite can write: on a plain socket of a Unix system, and over TLS that ListenTLS has
// accepted there. When the listener wraps its connections otherwise, it cannot. A connection that is no plain socket keeps
// a small read buffer while it waits.
func (c *Conn) Supported() bool {
	return c.raw != nil || c.outlet != nil
}

// TryWrite writes what the kernel takes at once and does not block. n < len(p) or Held, with a nil error, means that the
// rest must wait: use Write, from a goroutine that may block. Where Supported is false, nothing is ever taken. A write
// deadline that has passed is an error here too.
func (c *Conn) TryWrite(p []byte) (n int, err error) {
	switch {
	case c.outlet != nil:
		return c.outlet.tryWrite(c.conn, p)
	case c.raw == nil || len(p) == 0:
		return 0, nil
	}
	return c.sender.try(c.raw, p)
}

// Held tells whether something that TryWrite has taken waits for the kernel: over TLS, part of a record. A Write, of
// nothing if there is nothing more, sends it.
func (c *Conn) Held() bool {
	return c.outlet != nil && c.outlet.holds()
}

// Write writes all of p, and blocks until the kernel has taken it, the write deadline has passed or the connection has
// failed.
func (c *Conn) Write(p []byte) (int, error) {
	if c.outlet != nil {
		return c.outlet.write(c.conn, p)
	}
	return c.conn.Write(p)
}

// SetWriteDeadline sets the time after which writes fail, also one that is blocked now. The zero time means never.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.conn.SetWriteDeadline(t)
}

// SetReadDeadline sets the time after which Serve ends with os.ErrDeadlineExceeded. The zero time means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limited = !t.IsZero()
	c.rouse()
	return c.conn.SetReadDeadline(t)
}

// CloseWrite tells the peer that nothing follows our close frame: a FIN, over TLS a close_notify.
func (c *Conn) CloseWrite() error {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Discard reads and throws away until the peer ends the connection, d has passed or 8 MiB have come. A socket closed
// with bytes unread sends a reset, which can destroy the close frame on its way; so after Serve has returned and our
// close frame is written, Discard comes before Close.
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

// Close ends the connection at once. Serve and blocked writes return an error.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.rouse()
	c.mu.Unlock()
	return c.conn.Close()
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr {
	return c.conn.RemoteAddr()
}
