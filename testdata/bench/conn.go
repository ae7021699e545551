//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// A client's state. What comes before stateReady is the opening.
type state uint8

const (
	stateConnecting state = iota
	stateHandshake        // the HTTP answer is awaited
	stateOpen             // then the OPEN packet
	stateJoin             // then the answer to CONNECT
	stateReady
	stateClosed
)

// headSize is how much of a frame in pieces is kept: its header, and of the packet what tells which
// message it is.
const headSize = 64

// conn is one client: a WebSocket, or one that polls.
type conn struct {
	loop   *loop
	herd   *herd
	number int // in its herd
	fd     int
	state  state
	poll   *poller // nil for a WebSocket
	tls    *secure // nil for plain TCP

	namespace string // empty for the default one

	out []byte // what the kernel did not take yet
	in  []byte // the HTTP answer so far

	head [headSize]byte // of the frame whose bytes come in pieces
	have int            // bytes in head
	size int            // of its payload, once the header is whole
	skip int            // bytes of it still to come

	inflater *inflater // of a client that unpacks what comes compressed; frames are kept whole for it
}

// connect begins to open a client.
func (h *herd) connect(polls bool) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c := &conn{loop: h.loop, herd: h, number: len(h.conns), fd: fd}
	if h.perNamespace > 0 {
		c.namespace = fmt.Sprint("/n", c.number/h.perNamespace)
	}
	if h.mode == compressed {
		c.inflater = newInflater()
	}
	if polls {
		c.poll = newPoller(c)
	}
	h.conns = append(h.conns, c)
	// Closing resets: TIME_WAIT would use up the ports.
	err = errors.Join(
		syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
	if err != nil {
		return fmt.Errorf("setsockopt: %w", err)
	}
	err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: h.server.port, Addr: [4]byte{127, 0, 0, 1}})
	if err != nil && err != syscall.EINPROGRESS {
		return fmt.Errorf("connect: %w", err)
	}
	return h.loop.watch(c)
}

func (c *conn) close() {
	if c.state == stateClosed {
		return
	}
	if c.fd < len(c.loop.conns) {
		c.loop.conns[c.fd] = nil
	}
	_ = syscall.Close(c.fd)
	c.state = stateClosed
}

// fail closes a client that the server, or what it sent, has ended.
func (c *conn) fail(format string, args ...any) {
	c.close()
	c.herd.failed(fmt.Errorf("client %d: "+format, append([]any{c.number}, args...)...))
}

func (c *conn) event(events uint32) {
	if events&syscall.EPOLLOUT != 0 {
		c.writable()
	}
	if c.state == stateClosed || events&^syscall.EPOLLOUT == 0 {
		return
	}
	if c.tls != nil {
		c.tls.readable()
		return
	}
	n, err := c.loop.read(c.fd)
	c.received(n, err)
}

// received takes what a read brought.
func (c *conn) received(n int, err error) {
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
	case err != nil:
		c.fail("read: %w", err)
	case n == 0:
		c.fail("closed by the server")
	case c.poll != nil:
		c.poll.feed(c.loop.buf[:n])
	case c.state == stateHandshake:
		c.answered(c.loop.buf[:n])
	default:
		c.feed(c.loop.buf[:n])
	}
}

// writable sends what waits; the first time, the connection has just been made.
func (c *conn) writable() {
	if err := c.loop.control(syscall.EPOLL_CTL_MOD, c, false); err != nil {
		c.fail("%w", err)
		return
	}
	if c.state == stateConnecting {
		c.state = stateHandshake
		if c.herd.mode == encrypted {
			if err := c.secure(); err != nil {
				c.fail("TLS: %w", err)
				return
			}
		}
		if c.poll != nil {
			c.poll.begin()
			return
		}
		c.write(c.herd.upgrade)
		return
	}
	out := c.out
	c.out = nil
	c.transmit(out)
}

func (c *conn) write(p []byte) {
	if c.tls == nil {
		c.transmit(p)
	} else if _, err := c.tls.Write(p); err != nil {
		c.fail("write: %w", err)
	}
}

// transmit sends bytes, now or when the kernel takes them.
func (c *conn) transmit(p []byte) {
	if len(c.out) > 0 {
		c.out = append(c.out, p...)
		return
	}
	n, err := syscall.Write(c.fd, p)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		n, err = 0, nil
	}
	if err == nil && n < len(p) {
		c.out = bytes.Clone(p[n:])
		err = c.loop.control(syscall.EPOLL_CTL_MOD, c, true)
	}
	if err != nil {
		c.fail("write: %w", err)
	}
}

// send sends an Engine.IO packet.
func (c *conn) send(packet string) {
	if c.poll != nil {
		c.poll.post(packet)
		return
	}
	c.write(maskedFrame(opText, []byte(packet)))
}

// upgradeRequest is what a browser sends. It offers compression only where that is measured.
func upgradeRequest(port int, m mode) []byte {
	headers := []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Pragma: no-cache", "Cache-Control: no-cache"}
	if m == compressed {
		headers = append(headers, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
	}
	r := requestTo(port, "GET", "/socket.io/?EIO=4&transport=websocket", headers...)
	if m == encrypted {
		r = bytes.Replace(r, []byte("Origin: http:"), []byte("Origin: https:"), 1)
	}
	return r
}

func requestTo(port int, method, path string, headers ...string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\n%s\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n"+
		"Accept-Language: en-GB,en;q=0.9\r\n\r\n", method, path, port, port, strings.Join(headers, "\r\n"))
}

// answered takes the HTTP answer, and what came behind it.
func (c *conn) answered(p []byte) {
	c.in = append(c.in, p...)
	header, frames, whole := bytes.Cut(c.in, []byte("\r\n\r\n"))
	switch {
	case !whole && len(c.in) < 8<<10:
	case !whole || !bytes.HasPrefix(header, []byte("HTTP/1.1 101 ")):
		c.fail("handshake: %.200q", c.in)
	default:
		c.in, c.state = nil, stateOpen
		c.feed(frames)
	}
}

// packet handles an Engine.IO packet, of which head is at least the beginning.
func (c *conn) packet(head []byte, size int) {
	kind := byte(0)
	if len(head) > 1 {
		kind = head[1]
	}
	switch {
	case head[0] == '4' && kind == '2':
		c.herd.work.message(c, head, size)
	case head[0] == '4' && kind == '3':
		c.herd.work.ack(c, head, size)
	case head[0] == '2' && size == 1:
		c.send("3")
	case head[0] == '0' && c.state == stateOpen:
		c.state = stateJoin
		connect := "40"
		if c.namespace != "" {
			connect += c.namespace + ","
		}
		c.send(connect)
	case head[0] == '4' && kind == '0' && c.state == stateJoin:
		c.state = stateReady
		c.herd.ready++
	case head[0] == '6': // NOOP
	default:
		c.fail("packet %.50q", head)
	}
}
