package websocket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// quickSize is how many bytes a system call may move of which Go's scheduler is not told.
const quickSize = 64 << 10

// readSocket and writeSocket are one read and one write of a socket that does not block. They take a few microseconds, as
// long as telling the scheduler of them can: what it hears of may block, so it may give the processor away meanwhile, and
// wake a thread for that. With many connections busy at once, that is a seventh of the work of a small message; see
// BenchmarkSocket. More than quickSize could hold up the collector, so the scheduler is told of that.
func readSocket(fd uintptr, p []byte) (int, error) {
	if len(p) > quickSize {
		return unix.Read(int(fd), p)
	}
	return transfer(unix.SYS_READ, fd, p)
}

func writeSocket(fd uintptr, p []byte) (int, error) {
	if len(p) > quickSize {
		return unix.Write(int(fd), p)
	}
	return transfer(unix.SYS_WRITE, fd, p)
}

func transfer(call, fd uintptr, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
