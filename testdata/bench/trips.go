//go:build linux

package main

import (
	"bytes"
	"fmt"
	"time"
)

// trips is a work in which every client has one event on its way at a time, which the server
// acknowledges.
type trips struct {
	nothing
	h       *herd
	frames  [10][]byte // by the id of the ack
	number  []int      // of each client's event
	until   time.Time
	pending int
	outcome
}

func newTrips(h *herd, size int) *trips {
	t := &trips{h: h, number: make([]int, len(h.conns))}
	for i := range t.frames {
		t.frames[i] = maskedFrame(opText, fmt.Appendf(nil, `42%d["rtt","%s"]`, i, bytes.Repeat([]byte("x"), size)))
	}
	h.begin(t)
	return t
}

func (t *trips) closed(d time.Duration) (outcome, error) {
	begin := time.Now()
	t.until = begin.Add(d)
	t.pending = len(t.h.conns)
	for _, c := range t.h.conns {
		c.write(t.frames[0])
	}
	err := t.h.end(d, func() bool { return t.pending == 0 })
	t.Elapsed = time.Since(begin)
	t.Lost = t.pending
	return t.outcome, err
}

func (t *trips) ack(c *conn, head []byte, size int) {
	number := &t.number[c.number]
	if size != len("430[]") || string(head[3:]) != "[]" {
		c.fail("not the ack that was asked for: %.60q", head)
		return
	}
	if int(head[2]-'0') != *number%10 {
		t.Reordered++
	}
	t.Delivered++
	*number++
	if time.Now().Before(t.until) {
		c.write(t.frames[*number%10])
		return
	}
	t.pending--
}
