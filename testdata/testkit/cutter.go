package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Cutter is a proxy that cuts connections in the middle of what they carry.
type Cutter struct {
	*Proxy

	silent bool // the server does not hear of it: its side stays open, and unread

	mu      sync.Mutex
	budgets []int // the server's bytes until each cut, whichever connections carry them
}

// StartCutter lets everything through once there are no budgets left.
func StartCutter(t *testing.T, target string, silent bool, budgets []int) *Cutter {
	t.Helper()
	c := &Cutter{silent: silent, budgets: budgets}
	c.Proxy = StartProxy(t, target, c.up, c.down)
	return c
}

// up carries the client's bytes to the server.
func (c *Cutter) up(server, client net.Conn) {
	_, _ = io.Copy(server, client)
	if !c.silent {
		_ = server.Close()
	}
}

// down carries the server's bytes to the client, up to a cut.
func (c *Cutter) down(client, server net.Conn) {
	defer client.Close()
	buf := make([]byte, 4096)
	for {
		n, err := server.Read(buf)
		n, cut := c.take(n)
		if _, failed := client.Write(buf[:n]); err != nil || failed != nil || cut {
			if !c.silent || err != nil {
				_ = server.Close()
			}
			return
		}
	}
}

// take says how many of n bytes go through, and whether a cut follows.
func (c *Cutter) take(n int) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.budgets) == 0 || n < c.budgets[0] {
		if len(c.budgets) > 0 {
			c.budgets[0] -= n
		}
		return n, false
	}
	n = c.budgets[0]
	c.budgets = c.budgets[1:]
	return n, true
}

// Left is how many cuts were not made.
func (c *Cutter) Left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.budgets)
}
