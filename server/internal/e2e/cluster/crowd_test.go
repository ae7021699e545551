package cluster

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// crowd are clients that count what they hear.
type crowd struct {
	t       *testing.T
	clients []*listenerClient
	wait    sync.WaitGroup
}

// listenerClient hears texts "SENDER.NUMBER" and knows which numbers each sender has reached.
type listenerClient struct {
	*testkit.LoadClient
	mu      sync.Mutex
	heard   map[string][]string // numbers by sender
	order   []string            // of all senders
	changed chan struct{}
	err     error
}

// gather connects clients to these addresses, so many each.
func gather(t *testing.T, each int, addrs ...string) *crowd {
	t.Helper()
	all := &crowd{t: t}
	var mu sync.Mutex
	var joining sync.WaitGroup
	for _, addr := range addrs {
		for range each {
			joining.Go(func() {
				c, err := testkit.JoinLoadClient(addr, 4, "websocket", nil)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				all.clients = append(all.clients, &listenerClient{LoadClient: c, heard: map[string][]string{}, changed: make(chan struct{})})
			})
		}
	}
	joining.Wait()
	for _, c := range all.clients {
		all.wait.Go(c.listen)
	}
	t.Cleanup(func() {
		for _, c := range all.clients {
			c.Cut()
		}
		all.wait.Wait()
	})
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// listen notes what comes until the connection ends.
func (c *listenerClient) listen() {
	for {
		packet, err := c.Next()
		c.mu.Lock()
		if err != nil {
			c.err = err
		} else if text, ok := strings.CutPrefix(packet, `42["message","`); ok {
			sender, number, _ := strings.Cut(strings.TrimSuffix(text, `"]`), ".")
			c.heard[sender] = append(c.heard[sender], number)
			c.order = append(c.order, sender)
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await waits until a message has come.
func (c *listenerClient) await(sender, number string, within time.Duration) error {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		has, changed, err, last := slices.Contains(c.heard[sender], number), c.changed, c.err, len(c.heard[sender])
		c.mu.Unlock()
		switch {
		case has:
			return nil
		case err != nil:
			return fmt.Errorf("%s %s has not come: %w", sender, number, err)
		}
		select {
		case <-changed:
		case <-timeout.C:
			return fmt.Errorf("%s %s has not come within %v, after %d", sender, number, within, last)
		}
	}
}

// awaits waits until every client has heard the message.
func (all *crowd) awaits(sender, number string) {
	all.t.Helper()
	for _, c := range all.clients {
		if err := c.await(sender, number, 2*testkit.Deadline); err != nil {
			all.t.Fatal(err)
		}
	}
}

// of returns what a client has heard of a sender.
func (c *listenerClient) of(sender string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heard[sender])
}

// speaker is a client that says numbered messages.
type speaker struct {
	*testkit.LoadClient
	name string
	next int
}

// speak connects a client that says "NAME.0", "NAME.1" and so on, and reads what it hears.
func speak(t *testing.T, name, addr string) *speaker {
	t.Helper()
	c, err := testkit.JoinLoadClient(addr, 4, "websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := c.Next(); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		c.Cut()
		<-done
	})
	return &speaker{c, name, 0}
}

// say says so many more messages.
func (s *speaker) say(n int) error {
	for range n {
		if err := s.Send(testkit.Message(fmt.Sprintf("%s.%d", s.name, s.next))); err != nil {
			return err
		}
		s.next++
	}
	return nil
}

// last is the number of the latest message.
func (s *speaker) last() string { return fmt.Sprint(s.next - 1) }

// numbers are those of n messages, in order.
func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return all
}
