// Package socket owns the reads and writes of a socket that do not block, and the buffers that are
// read into: a connection has one only while there is something in it.
package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// ErrIdle is returned where there is nothing to read, and nobody waits for it.
var ErrIdle = errors.New("socket: nothing to read")

// ReadSize is how many bytes one read takes. Most messages are smaller.
const ReadSize = 8 << 10

// Buffer is what is read into.
type Buffer [ReadSize]byte

// Buffers holds the buffers that no connection reads into just now. The zero value is ready; it
// must not be copied.
type Buffers struct{ pool sync.Pool }

// Get takes a buffer.
func (b *Buffers) Get() *Buffer {
	if buf, ok := b.pool.Get().(*Buffer); ok {
		return buf
	}
	return new(Buffer)
}

// Put gives one back.
func (b *Buffers) Put(buf *Buffer) { b.pool.Put(buf) }

// Reader reads from a socket. Its function is made once, since one made for each call would be an
// allocation for each call; its results are the fields that follow.
type Reader struct {
	fn   func(fd uintptr) bool // ready
	pool *Buffers
	idle bool    // with nothing to read, return ErrIdle and do not wait
	buf  *Buffer // nil while nothing was read
	n    int
	err  error
}

// Init is to be called once, before anything is read.
func (r *Reader) Init(pool *Buffers) {
	r.pool = pool
	r.fn = r.ready
}

// Read waits for the next bytes, at least one, or returns ErrIdle if idle is set. They are valid
// until the next call.
func (r *Reader) Read(raw syscall.RawConn, idle bool) ([]byte, error) {
	r.idle = idle
	if err := raw.Read(r.fn); err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.buf[:r.n], nil
}

// Pool is where the reader's buffers come from.
func (r *Reader) Pool() *Buffers { return r.pool }

// Holds reports whether the reader has a buffer.
func (r *Reader) Holds() bool { return r.buf != nil }

// ready reads once into a buffer of the pool; it is called when there may be something to read.
// When there is not, it returns false to wait, without a buffer, or ErrIdle.
//
// A short read is no reason to wait: an end of stream that came together with the bytes is not
// signalled again.
func (r *Reader) ready(fd uintptr) bool {
	if r.buf == nil {
		r.buf = r.pool.Get()
	}
	n, again, err := recvOnce(fd, r.buf[:])
	if again {
		r.Release()
		r.err = ErrIdle
		return r.idle
	}
	r.n, r.err = n, nil
	switch {
	case err != nil:
		r.err = os.NewSyscallError("read", err)
	case n == 0:
		r.err = io.EOF
	}
	return true
}

// Release gives the buffer back, if there is one.
func (r *Reader) Release() {
	if r.buf != nil {
		r.pool.Put(r.buf)
		r.buf = nil
	}
}

// Writer writes to a socket.
type Writer struct {
	fn  func(fd uintptr) bool // ready, made once
	p   []byte
	n   int
	err error
}

// Init is to be called once, before anything is written.
func (w *Writer) Init() { w.fn = w.ready }

// Try writes what the kernel takes of p at once.
func (w *Writer) Try(raw syscall.RawConn, p []byte) (int, error) {
	w.p, w.n, w.err = p, 0, nil
	err := raw.Write(w.fn)
	w.p = nil
	if err != nil {
		return 0, err
	}
	return w.n, w.err
}

// ready sends once; it never asks to wait.
func (w *Writer) ready(fd uintptr) bool {
	n, again, err := sendOnce(fd, w.p)
	w.n = n
	if err != nil && !again {
		w.err = os.NewSyscallError("write", err)
	}
	return true
}

// upon is a connection that changes nothing of what passes through the one beneath.
type upon interface{ Socket() net.Conn }

// Beneath is the connection beneath those that change nothing.
func Beneath(nc net.Conn) net.Conn {
	for {
		s, ok := nc.(upon)
		if !ok {
			return nc
		}
		nc = s.Socket()
	}
}

// CloseWrite ends this side of a connection: a FIN, over TLS a close_notify. It fails with
// errors.ErrUnsupported for one that does not know of that.
func CloseWrite(conn any) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Renewed reports whether the deadline that a read of the socket has run into begins anew, because
// the process stood still; see package freeze.
func Renewed(nc net.Conn, err error) bool {
	for {
		if lasting, ok := nc.(interface{ RenewRead(error) bool }); ok {
			return lasting.RenewRead(err)
		}
		s, ok := nc.(upon)
		if !ok {
			return false
		}
		nc = s.Socket()
	}
}
