//go:build unix

package accepted

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hasBacklog reports whether a listener has connections that are still to be accepted.
func hasBacklog(raw syscall.RawConn) bool {
	ready := 0
	err := raw.Control(func(fd uintptr) {
		ready, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	})
	return err == nil && ready > 0
}
