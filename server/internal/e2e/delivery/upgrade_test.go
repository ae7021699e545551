package delivery

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

const (
	upgradesEach   = 60 // of each protocol
	upgradesAtOnce = 6
	upgradeSends   = 40 // messages of each client that upgrades
)

// upgradeTalker talks without a pause, at the pace at which it hears itself.
func upgradeTalker(addr string, number int, stop *atomic.Bool) error {
	const ahead = 20
	c, err := testkit.JoinLoadClient(addr, 4, "websocket", nil)
	if err != nil {
		return err
	}
	defer c.Cut()
	window := make(chan struct{}, ahead)
	failed := make(chan error, 1)
	go func() {
		for {
			packet, err := c.Next()
			if err != nil {
				failed <- err
				return
			}
			if sender, _, ok := loadRead(packet); ok && sender == number {
				<-window
			}
		}
	}()
	for i := 0; !stop.Load(); i++ {
		select {
		case window <- struct{}{}:
		case err := <-failed:
			return err
		case <-time.After(testkit.Deadline):
			return errors.New("the talker does not hear itself")
		}
		if err := c.Send(testkit.Message(loadText(number, i, i%300))); err != nil {
			return err
		}
	}
	return nil
}

// upgrading is one client that upgrades while it sends and receives. rng decides when it begins to,
// and how it sends.
func upgrading(c *testkit.LoadClient, number int, rng *rand.Rand) error {
	begin := rng.IntN(80)
	sends := rand.New(rand.NewPCG(rng.Uint64(), 0))
	sent := make(chan error, 1)
	heard := make(chan struct{}, upgradeSends) // own messages that have come back
	go func() {
		for i := 0; i < upgradeSends; {
			var packets []string
			for range min(1+sends.IntN(5), upgradeSends-i) {
				packets = append(packets, testkit.Message(loadText(number, i, sends.IntN(400))))
				i++
			}
			if err := c.Send(packets...); err != nil {
				sent <- err
				return
			}
			for range sends.IntN(len(packets) + 1) { // sometimes ahead of what came back
				<-heard
			}
		}
		sent <- nil
	}()
	defer close(heard)                            // lets the sender go on, to its own failure
	limit := time.Now().Add(4 * testkit.Deadline) // the talkers alone would keep it reading
	next := make(map[int]int)
	for received := 0; next[number] < upgradeSends; received++ {
		if received == begin {
			c.BeginUpgrade()
		}
		packet, err := c.Next()
		if err == nil && time.Now().After(limit) {
			err = errors.New("too slow, or something is missing")
		}
		if err != nil {
			return fmt.Errorf("after %d messages, upgraded: %v: %w", received, c.WS != nil, err)
		}
		sender, i, ok := loadRead(packet)
		if !ok {
			return fmt.Errorf("received %.100q", packet)
		}
		want, known := next[sender]
		if known && i != want || sender == number && !known && i != 0 {
			return fmt.Errorf("message %d of sender %d instead of %d, upgraded: %v", i, sender, want, c.WS != nil)
		}
		next[sender] = i + 1
		if sender == number {
			heard <- struct{}{}
		}
	}
	return <-sent
}

// Clients that upgrade while messages flow both ways, at any moment, lose none, get none twice and
// none out of order; nor does the server lose what they send.
func TestUpgradeUnderFlow(t *testing.T) {
	seed := loadSeed(t)
	for _, eio := range []int{4, 3} {
		t.Run(fmt.Sprint("EIO ", eio), func(t *testing.T) {
			addr, _ := loadServer(t, new(loadLines), "--max-backlog", "64MiB")
			h := testkit.LoadHTTP(t)
			var stop atomic.Bool
			var talkers sync.WaitGroup
			for talker := range 2 {
				talkers.Go(func() {
					if err := upgradeTalker(addr, 1_000_000+talker, &stop); err != nil {
						t.Errorf("talker %d: %v", talker, err)
					}
				})
			}
			var upgraded atomic.Int64
			err := testkit.Each(upgradesEach, upgradesAtOnce, func(i int) error {
				c, err := testkit.JoinLoadClient(addr, eio, "polling", h)
				if err != nil {
					return err
				}
				defer c.Cut()
				if err := upgrading(c, i, rand.New(rand.NewPCG(seed, uint64(i)))); err != nil {
					return err
				}
				for c.Probe != nil && c.WS == nil { // begun, and the messages are through already
					if _, err := c.Next(); err != nil {
						return err
					}
				}
				if c.WS != nil {
					upgraded.Add(1)
				}
				return c.Leave()
			})
			if err != nil {
				t.Error(err)
			}
			stop.Store(true)
			talkers.Wait()
			if upgraded.Load() == 0 {
				t.Error("none of them upgraded")
			}
			t.Logf("%d of %d upgraded", upgraded.Load(), upgradesEach)
		})
	}
}
