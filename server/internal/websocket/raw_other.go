//go:build !unix

package websocket

import (
	"net"
	"syscall"
)

// rawConn gives nil: this system has no reads and writes of a socket that do not block.
func rawConn(net.Conn) syscall.RawConn { return nil }

// readReady and ready are never called where rawConn gives nil.
func (c *Conn) readReady(uintptr) bool { return true }
func (s *sender) ready(uintptr) bool   { return true }
