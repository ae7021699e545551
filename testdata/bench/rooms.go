//go:build linux

package main

import (
	"fmt"
	"time"
)

const joinTimeout = time.Minute

// join puts the herd's clients into rooms of so many, in their order.
func (h *herd) join(size int) error {
	return h.joinEach(size, func(c *conn) (first, count int) { return c.number / size, 1 })
}

// joinEach has each client join the rooms that are said for it, count of them from the first on. So
// many clients after one another are in the same.
func (h *herd) joinEach(size int, rooms func(c *conn) (first, count int)) error {
	h.room, h.roomsOf = size, rooms
	j := &joins{left: len(h.conns)}
	h.begin(j)
	for _, c := range h.conns {
		first, count := rooms(c)
		c.send(fmt.Sprintf(`420["join",%d,%d]`, first, count))
	}
	err := h.loop.until(joinTimeout, "joining", func() bool { return j.left == 0 || len(h.broken) > 0 })
	h.work = none{}
	if err != nil {
		return fmt.Errorf("%s: %w", h.server.name, err)
	}
	return h.err()
}

// joins is a work in which each client has asked to join rooms.
type joins struct {
	nothing
	left int
}

func (j *joins) ack(*conn, []byte, int) { j.left-- }
