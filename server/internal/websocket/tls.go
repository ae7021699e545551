package websocket

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"

	"hipflask/server/internal/locks"
	"hipflask/server/internal/socket"
)

const (
	// pieceSize is how many bytes are made into records before they are sent.
	pieceSize = 32 << 10
	// maxHeld bounds what TLS itself may add, such as answers to a peer that asks for new keys and
	// does not read.
	maxHeld = 64 << 10
)

var errHeld = errors.New("websocket: the peer asks without reading the answers")

// ListenTLS is tls.NewListener for connections that may become WebSockets: TryWrite can write to
// them.
func ListenTLS(l net.Listener, config *tls.Config) net.Listener {
	return &tlsListener{Listener: l, config: config}
}

type tlsListener struct {
	net.Listener
	config  *tls.Config
	buffers sync.Pool // of *[]byte, for all outlets
}

func (l *tlsListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if raw := socket.Raw(socket.Beneath(nc)); raw != nil {
		nc = newOutlet(nc, raw, &l.buffers)
	}
	return tls.Server(nc, l.config), nil
}

// outlet stands between TLS and a plain socket. TLS cannot take a record back that the socket has
// no room for, so the outlet holds it; and TLS can only wait for a record on a goroutine, so the
// outlet has what was read without TLS. Until the connection is a WebSocket's it does nothing.
type outlet struct {
	net.Conn
	raw     syscall.RawConn
	sender  socket.Writer
	buffers *sync.Pool

	// The reading goroutine's:
	records []byte         // read from the socket, not yet taken by TLS
	opened  *socket.Buffer // what TLS has made of them; nil while nothing was read

	mu       locks.Outlet
	direct   bool    // a WebSocket's: Write and Read do not wait
	filling  bool    // more comes at once: Write does not even send
	draining bool    // drain is writing what comes before held, or has failed to
	held     *[]byte // what the socket has not taken; nil when there is none
	failed   error   // of drain: nothing is sent any more, for it would follow half a record
}

func newOutlet(nc net.Conn, raw syscall.RawConn, buffers *sync.Pool) *outlet {
	o := &outlet{Conn: nc, raw: raw, buffers: buffers}
	o.sender.Init()
	return o
}

// NetConn is the connection beneath, by the name that crypto/tls gives it.
func (o *outlet) NetConn() net.Conn { return o.Conn }

// outletOf is the outlet of a connection that ListenTLS has accepted, from now on a WebSocket's;
// else nil.
func outletOf(nc net.Conn) *outlet {
	t, ok := nc.(*tls.Conn)
	if !ok {
		return nil
	}
	o, ok := t.NetConn().(*outlet)
	if !ok {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.direct = true
	return o
}

// Write takes records from TLS.
func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	if !o.direct {
		o.mu.Unlock()
		return o.Conn.Write(p)
	}
	defer o.mu.Unlock()
	if o.held == nil {
		o.held = o.buffer()
	}
	if !o.filling && len(*o.held) > maxHeld {
		return 0, errHeld
	}
	*o.held = append(*o.held, p...)
	if o.filling {
		return len(p), nil
	}
	return len(p), o.pushLocked()
}

func (o *outlet) buffer() *[]byte {
	if b, ok := o.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 1<<10)
	return &b
}

func (o *outlet) release(b *[]byte) {
	*b = (*b)[:0]
	o.buffers.Put(b)
}

// pushLocked sends what the socket takes.
func (o *outlet) pushLocked() error {
	if o.draining || o.held == nil {
		return o.failed
	}
	n, err := o.sender.Try(o.raw, *o.held)
	if rest := (*o.held)[n:]; len(rest) > 0 {
		*o.held = append((*o.held)[:0], rest...)
		return err
	}
	o.release(o.held)
	o.held = nil
	return err
}

// holds reports whether something waits for the socket.
func (o *outlet) holds() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.draining || o.held != nil
}

// feed gives TLS a piece of p, and sends what the socket takes of the records.
func (o *outlet) feed(conn net.Conn, p []byte) (int, error) {
	o.mu.Lock()
	o.filling = true
	o.mu.Unlock()
	n, err := conn.Write(p[:min(len(p), pieceSize)])
	o.mu.Lock()
	defer o.mu.Unlock()
	o.filling = false
	if err != nil {
		return n, err
	}
	return n, o.pushLocked()
}

// tryWrite is Conn.TryWrite. What was made into records counts as taken, also while the outlet
// holds them.
func (o *outlet) tryWrite(conn net.Conn, p []byte) (n int, err error) {
	for n < len(p) && err == nil && !o.holds() {
		var m int
		m, err = o.feed(conn, p[n:])
		n += m
	}
	return n, err
}

// write is Conn.Write.
func (o *outlet) write(conn net.Conn, p []byte) (n int, err error) {
	for err = o.drain(); n < len(p) && err == nil; {
		var m int
		if m, err = o.feed(conn, p[n:]); err == nil {
			err = o.drain()
		}
		n += m
	}
	return n, err
}

// drain waits until the socket has taken everything.
func (o *outlet) drain() error {
	for {
		b, err := o.take()
		if b == nil {
			return err
		}
		_, err = o.Conn.Write(*b)
		o.release(b)
		if err != nil {
			o.fail(err)
		}
	}
}

// take gives drain what waits, nil if that is nothing or cannot be sent.
func (o *outlet) take() (*[]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed != nil {
		return nil, o.failed
	}
	b := o.held
	o.held, o.draining = nil, b != nil
	return b, nil
}

func (o *outlet) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = err
}
