package socket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// quickSize is how many bytes a write may have that Go's scheduler does not know of.
const quickSize = 64 << 10

// readSocket and writeSocket are one read and one write of a socket, and do not block. They take a
// few microseconds, as long as telling the scheduler of them can: what it hears of may block, so it
// may give the processor away meanwhile, and wake a thread for that. With many connections busy at
// once, that is a seventh of the work of a small message; see BenchmarkSocket. A write of more than
// quickSize could hold up the collector, so the scheduler gets to know of that; a read is never of
// more than ReadSize.
func readSocket(fd uintptr, p []byte) (int, error) {
	return transfer(unix.SYS_RECVFROM, fd, p)
}

func writeSocket(fd uintptr, p []byte) (int, error) {
	if len(p) > quickSize {
		return unix.Write(int(fd), p)
	}
	return transfer(unix.SYS_SENDTO, fd, p)
}

// transfer is recv or send, which unlike read and write can be told not to block.
func transfer(call, fd uintptr, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
