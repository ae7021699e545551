package websocket

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller is an epoll instance of our own, which the runtime's poller watches: waiting for it holds
// no thread.
type poller struct {
	fd   int
	file *os.File
	raw  syscall.RawConn
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	err = unix.SetNonblock(fd, true) // else os.File would not use the runtime's poller
	file := os.NewFile(uintptr(fd), "epoll")
	raw, _ := file.SyscallConn() // fails for a closed file only
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{fd: fd, file: file, raw: raw}, nil
}

// watch has run report once that there is something to read from fd. known is whether it was
// watched before.
func (p *poller) watch(fd int, known bool) error {
	op := unix.EPOLL_CTL_ADD
	if known {
		op = unix.EPOLL_CTL_MOD
	}
	return control(p.fd, op, fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT,
		Fd:     int32(fd),
	})
}

// run calls ready with each descriptor that there is something to read from, until the poller is
// closed.
func (p *poller) run(ready func(fd int)) {
	var events [32]unix.EpollEvent
	for {
		n := 0
		err := p.raw.Read(func(fd uintptr) bool {
			var err error
			n, err = look(int(fd), events[:])
			return n > 0 || err != nil && err != unix.EINTR
		})
		if err != nil || n < 0 {
			return
		}
		for _, e := range events[:n] {
			ready(int(e.Fd))
		}
		if n == len(events) { // many at once: the goroutines of these can be used again for the next
			runtime.Gosched()
		}
	}
}

// control is epoll_ctl, and look an epoll_wait that does not wait. Go's scheduler is not told of
// them, as of other calls that do not block: upon the first that it hears of after all processors
// were idle its monitor, which is a thread, looks every 20 µs for one that takes long, for a
// millisecond and more. That was a sixth of the CPU time where 500 clients were sent 100 messages a
// second; see BenchmarkWatch.
func control(ep, op, fd int, event *unix.EpollEvent) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), uintptr(op), uintptr(fd),
		uintptr(unsafe.Pointer(event)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func look(ep int, events []unix.EpollEvent) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

func (p *poller) close() error { return p.file.Close() }
