//go:build !unix

package socket

import (
	"net"
	"syscall"
)

// Raw gives nil: this system has no reads and writes of a socket that do not block.
func Raw(net.Conn) syscall.RawConn { return nil }

// recvOnce and sendOnce are never called where Raw gives nil.
func recvOnce(uintptr, []byte) (int, bool, error) { return 0, false, nil }
func sendOnce(uintptr, []byte) (int, bool, error) { return 0, false, nil }
