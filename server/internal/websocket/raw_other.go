//go:build !unix

package websocket

import (
	"net"
	"syscall"
)

// rawConn gives nil: this system has no reads and writes of a socket that do not block.
func rawConn(net.Conn) syscall.RawConn { return nil }

// recvOnce and sendOnce are never called where rawConn gives nil.
func recvOnce(uintptr, []byte) (int, bool, error) { return 0, false, nil }
func sendOnce(uintptr, []byte) (int, bool, error) { return 0, false, nil }
