package websocket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

var errIdle = errors.New("websocket: nothing to read")

// readSize is what one read takes. Most messages are smaller, and a buffer is only held while
// something was read.
const readSize = 8 << 10

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

// taker reads from a socket without blocking. Its function is made once, since one made for each
// call would be an allocation for each call; its results are the fields that follow.
type taker struct {
	fn   func(fd uintptr) bool // ready
	pool *bufferPool
	idle bool        // with nothing to read, return errIdle and do not wait
	buf  *readBuffer // nil while nothing was read
	n    int
	err  error
}

func (t *taker) init(pool *bufferPool) {
	t.pool = pool
	t.fn = t.ready
}

// take waits for the next bytes, at least one, or returns errIdle. They are valid until the next
// call.
func (t *taker) take(raw syscall.RawConn, idle bool) ([]byte, error) {
	t.idle = idle
	if err := raw.Read(t.fn); err != nil {
		return nil, err
	}
	if t.err != nil {
		return nil, t.err
	}
	return t.buf[:t.n], nil
}

// ready reads once into a buffer of the pool; it is called when there may be something to read.
// When there is not, it returns false to wait, without a buffer, or errIdle.
//
// A short read is no reason to wait: an end of stream that came together with the bytes is not
// signalled again.
func (t *taker) ready(fd uintptr) bool {
	if t.buf == nil {
		t.buf = t.pool.get()
	}
	n, again, err := recvOnce(fd, t.buf[:])
	if again {
		t.release()
		t.err = errIdle
		return t.idle
	}
	t.n, t.err = n, nil
	switch {
	case err != nil:
		t.err = os.NewSyscallError("read", err)
	case n == 0:
		t.err = io.EOF
	}
	return true
}

// release gives the buffer back.
func (t *taker) release() {
	if t.buf != nil {
		t.pool.put(t.buf)
		t.buf = nil
	}
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

// ready sends once; it never asks to wait.
func (s *sender) ready(fd uintptr) bool {
	n, again, err := sendOnce(fd, s.p)
	s.n = n
	if err != nil && !again {
		s.err = os.NewSyscallError("write", err)
	}
	return true
}

// socketed is a connection that changes nothing of what passes through the one beneath.
type socketed interface{ Socket() net.Conn }

// socketOf is the connection beneath those that change nothing.
func socketOf(nc net.Conn) net.Conn {
	for {
		s, ok := nc.(socketed)
		if !ok {
			return nc
		}
		nc = s.Socket()
	}
}
