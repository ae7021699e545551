//go:build linux

package main

import (
	"errors"
	"fmt"
	"time"
)

const (
	atOnce      = 32 // openings under way at a time; eventlet listens with a backlog of 50
	openTimeout = 3 * time.Minute
)

// herd is the clients of one server.
type herd struct {
	loop    *loop
	server  *server
	mode    mode
	room    int                              // clients in a room, or speaking in the same rooms; 0: there are no rooms
	roomsOf func(c *conn) (first, count int) // which rooms a client is in

	perNamespace int // clients in a namespace; 0: all are in the default one

	upgrade []byte
	conns   []*conn
	ready   int
	broken  []error
	work    work
	runs    int // works begun, so that a message that comes too late is known as such
}

// work is told of what the clients of a herd receive. The head is the beginning of a packet, the
// whole of it if that is short.
type work interface {
	message(c *conn, head []byte, size int)
	ack(c *conn, head []byte, size int)
	// packed is told of a message that came compressed: the packet, nil for a client that does not
	// unpack, and how many bytes the frame had.
	packed(c *conn, text []byte, size int)
}

// nothing is a work, or part of one, that waits for nothing.
type nothing struct{}

func (nothing) message(c *conn, head []byte, _ int) {
	c.fail("a message that nobody sent: %.60q", head)
}
func (nothing) ack(c *conn, _ []byte, _ int)    { c.fail("an ack that nobody waits for") }
func (nothing) packed(c *conn, _ []byte, _ int) { c.fail("a compressed message that nobody asked for") }

func newHerd(l *loop, s *server, m mode) *herd {
	return &herd{loop: l, server: s, mode: m, upgrade: upgradeRequest(s.port, m), work: none{}}
}

// none is between works. Messages that come then were counted as lost.
type none struct{ nothing }

func (none) message(*conn, []byte, int) {}
func (none) packed(*conn, []byte, int)  {}

func (h *herd) failed(err error) { h.broken = append(h.broken, err) }

// err says what went wrong with clients.
func (h *herd) err() error {
	if len(h.broken) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d clients failed, the first: %w", h.server.name, len(h.broken), h.broken[0])
}

// open opens clients until there are n; polls tells which of them poll.
func (h *herd) open(n int, polls func(client int) bool) error {
	var err error
	limit := h.loop.until(openTimeout, fmt.Sprintf("%s: opening %d clients", h.server.name, n), func() bool {
		for err == nil && len(h.conns) < n && len(h.conns)-h.ready < atOnce {
			err = h.connect(polls != nil && polls(len(h.conns)))
		}
		return err != nil || len(h.broken) > 0 || h.ready == n
	})
	return errors.Join(err, h.err(), limit)
}

// webSockets are the clients that send.
func (h *herd) webSockets() []*conn {
	var all []*conn
	for _, c := range h.conns {
		if c.poll == nil {
			all = append(all, c)
		}
	}
	return all
}

func (h *herd) close() {
	for _, c := range h.conns {
		c.close()
	}
}

// begin makes w the herd's work, and returns the run's number.
func (h *herd) begin(w work) (run int) {
	h.work = w
	h.runs++
	return h.runs % 256
}

// end ends the work when everything has come, or drainTimeout after the d that it takes: what is
// missing then is lost, and the caller counts it.
func (h *herd) end(d time.Duration, done func() bool) error {
	err := h.loop.until(d+drainTimeout, "messages", func() bool { return done() || len(h.broken) > 0 })
	if errors.Is(err, errTooLong) {
		err = nil
	}
	h.work = none{}
	return errors.Join(err, h.err())
}

// drainTimeout is how long after the end of a run messages may still come in.
const drainTimeout = 20 * time.Second
