package websocket

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

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
	return unix.EpollCtl(p.fd, op, fd, &unix.EpollEvent{
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
			n, err = unix.EpollWait(int(fd), events[:], 0)
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

func (p *poller) close() error { return p.file.Close() }
