//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const pollPath = "/socket.io/?EIO=4&transport=polling"

// poller is what a client that polls has besides: one connection, on which one request follows the
// other.
type poller struct {
	c       *conn
	sid     string
	get     []byte   // the request for more
	buf     []byte   // the answer so far
	posting bool     // the answer awaited is that of a POST
	waiting []string // packets to be sent when the answer is there
}

func newPoller(c *conn) *poller {
	return &poller{c: c, get: requestTo(c.herd.server.port, "GET", pollPath, "Accept: */*")}
}

func (p *poller) begin() {
	p.c.state = stateOpen
	p.c.write(p.get)
}

// post sends a packet with the next request.
func (p *poller) post(packet string) { p.waiting = append(p.waiting, packet) }

// next sends the request that follows an answer.
func (p *poller) next() {
	p.posting = len(p.waiting) > 0
	if !p.posting {
		p.c.write(p.get)
		return
	}
	body := strings.Join(p.waiting, "\x1e")
	p.waiting = nil
	request := requestTo(p.c.herd.server.port, "POST", pollPath+"&sid="+p.sid, "Accept: */*",
		"Content-Type: text/plain;charset=UTF-8", fmt.Sprint("Content-Length: ", len(body)))
	p.c.write(append(request, body...))
}

// feed takes bytes of an answer.
func (p *poller) feed(in []byte) {
	p.buf = append(p.buf, in...)
	header, body, ok := bytes.Cut(p.buf, []byte("\r\n\r\n"))
	if !ok {
		return
	}
	if !bytes.HasPrefix(header, []byte("HTTP/1.1 200 ")) {
		p.c.fail("a poll was answered %.200q", p.buf)
		return
	}
	body, whole, err := answerBody(header, body)
	switch {
	case err != nil:
		p.c.fail("a poll was answered %.200q: %w", p.buf, err)
		return
	case !whole:
		return
	case !p.posting:
		p.payload(body)
	case !strings.EqualFold(string(body), "ok"):
		p.c.fail("a POST was answered %.50q", body)
	}
	p.buf = p.buf[:0]
	if p.c.state != stateClosed {
		p.next()
	}
}

// payload handles the packets that a poll brought.
func (p *poller) payload(body []byte) {
	if p.sid == "" {
		_, after, _ := bytes.Cut(body, []byte(`"sid":"`))
		sid, _, ok := bytes.Cut(after, []byte(`"`))
		if !ok {
			p.c.fail("no OPEN packet: %.200q", body)
			return
		}
		p.sid = string(sid)
		p.get = requestTo(p.c.herd.server.port, "GET", pollPath+"&sid="+p.sid, "Accept: */*")
	}
	for packet := range bytes.SplitSeq(body, []byte("\x1e")) {
		if len(packet) == 0 || p.c.state == stateClosed {
			return
		}
		p.c.packet(packet, len(packet))
	}
}

// answerBody takes a body apart, and reports whether it is whole.
func answerBody(header, p []byte) (body []byte, whole bool, err error) {
	for line := range bytes.SplitSeq(header, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return unchunk(p)
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.Atoi(string(value))
			if err == nil && len(p) > n {
				err = fmt.Errorf("%d bytes too many", len(p)-n)
			}
			return p, len(p) == n, err
		}
	}
	return nil, false, errors.New("the length of the body is not said")
}

// unchunk puts a body together that comes in chunks.
func unchunk(p []byte) (body []byte, whole bool, err error) {
	for {
		size, rest, ok := bytes.Cut(p, []byte("\r\n"))
		if !ok {
			return nil, false, nil
		}
		n, err := strconv.ParseUint(string(size), 16, 31)
		if err != nil || len(rest) < int(n)+2 {
			return nil, false, err
		}
		if n == 0 {
			return body, true, nil
		}
		body, p = append(body, rest[:n]...), rest[n+2:]
	}
}
