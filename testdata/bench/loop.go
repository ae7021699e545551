//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

const (
	readSize = 256 << 10
	// few is how many sockets may be ready without the loop resting before it looks again, and rest
	// for how long. A loop that slept in the kernel until something came would be woken for each
	// frame, and the server's writes would pay for that; real clients are on other machines.
	few  = 32
	rest = 50 * time.Microsecond
)

// loop reads all clients' sockets, on one thread.
type loop struct {
	ctx    context.Context
	ep     int
	events []syscall.EpollEvent
	buf    []byte
	conns  []*conn // by file descriptor
}

func newLoop(ctx context.Context) (*loop, error) {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &loop{ctx: ctx, ep: ep, events: make([]syscall.EpollEvent, 1024), buf: make([]byte, readSize)}, nil
}

func (l *loop) close() { _ = syscall.Close(l.ep) }

var errTooLong = errors.New("not finished")

// until turns until done says so. It fails when the time is over or the context ends.
func (l *loop) until(limit time.Duration, what string, done func() bool) error {
	for end := time.Now().Add(limit); !done(); {
		if err := l.turn(rest); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: %w after %v", what, errTooLong, limit)
		}
	}
	return nil
}

// idle serves heartbeats for a while.
func (l *loop) idle(d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := l.turn(5 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// turn handles what is ready, and rests if that was little.
func (l *loop) turn(rest time.Duration) error {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.ep),
		uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), 0, 0, 0)
	switch {
	case errno == syscall.EINTR:
		n = 0
	case errno != 0:
		return fmt.Errorf("epoll: %w", errno)
	}
	for _, e := range l.events[:n] {
		if c := l.conns[e.Fd]; c != nil {
			c.event(e.Events)
		}
	}
	if n < few {
		ts := syscall.NsecToTimespec(rest.Nanoseconds())
		syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
	return l.ctx.Err()
}

// sharpen makes short rests short: the kernel would add 50 µs to them.
func sharpen() error {
	const prSetTimerSlack = 29
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, 1000, 0); errno != 0 {
		return fmt.Errorf("prctl: %w", errno)
	}
	return nil
}

// watch begins to tell the connection of events.
func (l *loop) watch(c *conn) error {
	for len(l.conns) <= c.fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[c.fd] = c
	return l.control(syscall.EPOLL_CTL_ADD, c, true)
}

func (l *loop) control(op int, c *conn, writing bool) error {
	e := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.fd)}
	if writing {
		e.Events |= syscall.EPOLLOUT
	}
	if err := syscall.EpollCtl(l.ep, op, c.fd, &e); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

func (l *loop) read(fd int) (int, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(&l.buf[0])), uintptr(len(l.buf)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
