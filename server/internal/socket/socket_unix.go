//go:build unix

package socket

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Raw gives access to a plain socket, or nil when nc is none. Only the two types are asked for
// by name: a type that embeds one of them has the method too, and would be circumvented. One that
// changes nothing of what passes through the socket reports that with a method Socket, see
// Beneath.
func Raw(nc net.Conn) syscall.RawConn {
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

// recvOnce reads what there is, and does not block. again reports that there was nothing.
func recvOnce(fd uintptr, p []byte) (n int, again bool, err error) {
	return once(readSocket, fd, p)
}

// sendOnce writes what the socket takes, and does not block. again reports that it took nothing.
func sendOnce(fd uintptr, p []byte) (n int, again bool, err error) {
	return once(writeSocket, fd, p)
}

func once(call func(uintptr, []byte) (int, error), fd uintptr, p []byte) (n int, again bool, err error) {
	n, err = call(fd, p)
	for err == unix.EINTR {
		n, err = call(fd, p)
	}
	if err != nil {
		n = 0
	}
	return n, err == unix.EAGAIN, err
}
