package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Cutter is a TCP proxy that cuts connections in the middle of what they carry.
type Cutter struct {
	net.Listener

	target string
	silent bool // the server does not hear of it: its side stays open, and unread

	mu      sync.Mutex
	budgets []int // the server's bytes until each cut, whichever connections carry them
	conns   []net.Conn
	work    sync.WaitGroup
}

// StartCutter lets everything through once there are no budgets left.
func StartCutter(t *testing.T, target string, silent bool, budgets []int) *Cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cutter{Listener: l, target: target, silent: silent, budgets: budgets}
	c.work.Go(c.accept)
	t.Cleanup(func() {
		_ = l.Close()
		c.Cut()
		c.work.Wait()
	})
	return c
}

// Cut ends all connections that there are now.
func (c *Cutter) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

func (c *Cutter) accept() {
	for {
		client, err := c.Accept()
		if err != nil {
			return
		}
		server, err := DialTCP(c.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, client, server)
		c.mu.Unlock()
		c.work.Go(func() { c.down(client, server) })
		c.work.Go(func() {
			_, _ = io.Copy(server, client)
			if !c.silent {
				_ = server.Close()
			}
		})
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
