package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"hipflask/server/internal/websocket"
)

const (
	timeout   = 30 * time.Second // with one read or write
	handshake = "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	mask     = "\x37\xFA\x21\x3D"
	textSize = 64 // bytes of an echoed message
)

// socket is a blocking socket. Nobody waits for it while a server writes to it: the kernel's work
// of waking a reader would fall on the server, now and then, and a real client is on another
// machine.
type socket int

// newSocket connects. The connection that package net made is left for a duplicate that its poller
// does not watch.
func newSocket(addr string) (socket, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var fd int
	var dupErr error
	if err := raw.Control(func(old uintptr) { fd, dupErr = syscall.Dup(int(old)) }); err != nil || dupErr != nil {
		return 0, errors.Join(err, dupErr)
	}
	syscall.CloseOnExec(fd)
	limit := syscall.NsecToTimeval(timeout.Nanoseconds())
	err = errors.Join(
		syscall.SetNonblock(fd, false),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit))
	if err != nil {
		return 0, errors.Join(err, syscall.Close(fd))
	}
	return socket(fd), nil
}

func (s socket) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(s), p)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (s socket) Write(p []byte) (int, error) {
	for done := 0; ; {
		n, err := syscall.Write(int(s), p[done:])
		if err != nil && err != syscall.EINTR {
			return done, os.NewSyscallError("write", err)
		}
		if done += max(n, 0); done == len(p) {
			return done, nil
		}
	}
}

func (s socket) Close() error {
	return syscall.Close(int(s))
}

// greet makes a WebSocket of the connection and has one message echoed.
func (s socket) greet() error {
	if _, err := io.WriteString(s, handshake); err != nil {
		return err
	}
	r := bufio.NewReader(s)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols || r.Buffered() > 0 {
		return fmt.Errorf("handshake: %s, %d bytes behind it", resp.Status, r.Buffered())
	}
	return echo([]socket{s}, 1)
}

// echo sends n messages over each connection: one over all of them, then the next when all have
// come back.
func echo(conns []socket, n int) error {
	text := payload(textSize)
	want := websocket.AppendFrame(nil, websocket.Text, text)
	got := make([]byte, len(want))
	sent := append([]byte{0x81, 0x80 | textSize}, mask...)
	for i, b := range text {
		sent = append(sent, b^mask[i%4])
	}
	for range n {
		for _, s := range conns {
			if _, err := s.Write(sent); err != nil {
				return err
			}
		}
		for _, s := range conns {
			if _, err := io.ReadFull(s, got); err != nil {
				return err
			}
			if !bytes.Equal(got, want) {
				return fmt.Errorf("echo: % x", got)
			}
		}
	}
	return nil
}
