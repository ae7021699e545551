//go:build unix

package websocket

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawConn gives access to the socket of nc, or nil when nc is not a plain socket. Only the two types are asked for by
// name: a type that embeds one of them has the method too, and would be circumvented. One that changes nothing of what
// passes through the socket says so with a method Socket.
func rawConn(nc net.Conn) syscall.RawConn {
	for {
		s, ok := nc.(socketed)
		if !ok {
			break
		}
		nc = s.Socket()
	}
	var raw syscall.RawConn
	var err error
	switch nc := nc.(type) {
	case *net.TCPConn:
		raw, err = nc.SyscallConn()
	case *net.UnixConn:
		raw, err = nc.SyscallConn()
	}
	if err != nil {
		return nil
	}
	return raw
}

// readReady reads once into a buffer of the pool; it is called when there may be something to read. When there is not,
// it returns false to wait, without a buffer, or errIdle if the connection may become idle.
//
// A short read is no reason to wait: an end of stream that came together with the bytes is not signalled again.
func (c *Conn) readReady(fd uintptr) bool {
	if c.buf == nil {
		c.buf = c.pool.get()
	}
	n, err := readSocket(fd, c.buf[:])
	for err == unix.EINTR {
		n, err = readSocket(fd, c.buf[:])
	}
	if err == unix.EAGAIN {
		c.pool.put(c.buf)
		c.buf = nil
		c.errIn = errIdle
		return c.cold && c.reader.between()
	}
	c.nRead, c.errIn = n, nil
	switch {
	case err != nil:
		c.errIn = os.NewSyscallError("read", err)
	case n == 0:
		c.errIn = io.EOF
	}
	return true
}

// ready sends once; it never asks to wait.
func (s *sender) ready(fd uintptr) bool {
	n, err := writeSocket(fd, s.p)
	for err == unix.EINTR {
		n, err = writeSocket(fd, s.p)
	}
	if err != nil {
		n = 0
		if err != unix.EAGAIN {
			s.err = os.NewSyscallError("write", err)
		}
	}
	s.n = n
	return true
}
