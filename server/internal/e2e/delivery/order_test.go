package delivery

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// orderKind is a kind of client: what it speaks and over what.
type orderKind struct {
	eio       int
	transport string
	upgrades  bool
}

func (k orderKind) String() string {
	return fmt.Sprintf("EIO %d, %s, upgrades: %v", k.eio, k.transport, k.upgrades)
}

func orderKinds() []orderKind {
	return []orderKind{
		{4, "websocket", false}, {4, "polling", false}, {4, "polling", true},
		{3, "websocket", false}, {3, "polling", false}, {3, "polling", true},
	}
}

const (
	orderEach   = 150 // messages of one sender
	orderWindow = 40  // of them, not yet acknowledged
)

// orderClient sends and receives at the same time.
type orderClient struct {
	*testkit.LoadClient
	kind       orderKind
	number     int
	senders    int
	rng        *rand.Rand
	upgradeAt  int           // after so many messages
	window     chan struct{} // a value for each message that is not acknowledged
	broadcasts []int         // what was received: sender*orderEach + number
}

// sending sends this client's messages, each with an acknowledgement, in packets of several, small
// ones and some large.
func (c *orderClient) sending(rng *rand.Rand) error {
	for i := 0; i < orderEach; {
		var packets []string
		for range min(1+rng.IntN(8), orderEach-i) {
			padding := rng.IntN(200)
			if rng.IntN(40) == 0 {
				padding = 20_000
			}
			select {
			case c.window <- struct{}{}:
			case <-time.After(2 * testkit.Deadline):
				return errors.New("no acknowledgements")
			}
			packets = append(packets, fmt.Sprintf(`42%d["message",%q]`, i, loadText(c.number, i, padding)))
			i++
		}
		if err := c.Send(packets...); err != nil {
			return err
		}
	}
	return nil
}

// receiving reads until all broadcasts and acknowledgements have come, and checks their order as
// far as this client can.
func (c *orderClient) receiving() error {
	next := make([]int, c.senders)
	acks := 0
	limit := time.Now().Add(4 * testkit.Deadline) // heartbeats alone would keep it reading
	for len(c.broadcasts) < c.senders*orderEach || acks < orderEach {
		packet, err := c.Next()
		if err == nil && time.Now().After(limit) {
			err = errors.New("too slow, or something is missing")
		}
		if err != nil {
			return fmt.Errorf("after %d broadcasts and %d acks: %w", len(c.broadcasts), acks, err)
		}
		if packet == "43"+strconv.Itoa(acks)+"[]" {
			if acks++; next[c.number] < acks {
				return fmt.Errorf("acknowledgement %d came before the broadcast that was sent first", acks-1)
			}
			<-c.window
			continue
		}
		sender, number, ok := loadRead(packet)
		if !ok || sender >= c.senders {
			return fmt.Errorf("received %.100q, %d acks so far", packet, acks)
		}
		if number != next[sender] {
			return fmt.Errorf("message %d of sender %d instead of %d", number, sender, next[sender])
		}
		next[sender]++
		c.broadcasts = append(c.broadcasts, sender*orderEach+number)
		if len(c.broadcasts) == c.upgradeAt {
			c.BeginUpgrade()
		}
	}
	return nil
}

// Senders and receivers of every kind and transport, some of which upgrade meanwhile: nobody loses
// a message or gets one twice, each sender's come in its order, and all see all of them in the same
// order.
func TestOrderAcrossAllTransports(t *testing.T) {
	const ofEach = 4
	addr, _ := loadServer(t, new(loadLines), "--max-backlog", "64MiB")
	h := testkit.LoadHTTP(t)
	seed := loadSeed(t)
	var clients []*orderClient
	for i := range ofEach * len(orderKinds()) {
		kind := orderKinds()[i%len(orderKinds())]
		lc, err := testkit.JoinLoadClient(addr, kind.eio, kind.transport, h)
		if err != nil {
			t.Fatal(err)
		}
		c := &orderClient{LoadClient: lc, kind: kind, number: i, window: make(chan struct{}, orderWindow),
			rng: rand.New(rand.NewPCG(seed, uint64(i)))}
		clients = append(clients, c)
	}
	for _, c := range clients {
		c.senders = len(clients)
		if c.kind.upgrades {
			c.upgradeAt = 1 + c.rng.IntN(c.senders*orderEach/2)
		}
	}
	began := time.Now()
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			if err := c.sending(c.rng); err != nil {
				t.Errorf("client %d (%v) sending: %v", c.number, c.kind, err)
			}
		})
		wg.Go(func() {
			if err := c.receiving(); err != nil {
				t.Errorf("client %d (%v): %v", c.number, c.kind, err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d messages to each of %d in %v", len(clients)*orderEach, len(clients), time.Since(began).Round(time.Millisecond))
	for _, c := range clients {
		if !slices.Equal(c.broadcasts, clients[0].broadcasts) {
			t.Errorf("client %d (%v) saw another order than client 0", c.number, c.kind)
		}
		if upgraded := c.WS != nil && c.kind.transport == "polling"; upgraded != c.kind.upgrades && !t.Failed() {
			t.Errorf("client %d (%v): upgraded: %v", c.number, c.kind, upgraded)
		}
		if err := c.Leave(); err != nil && !t.Failed() {
			t.Errorf("client %d (%v) leaving: %v", c.number, c.kind, err)
		}
	}
}

// Clients that send CONNECT and an event at once, in their very first packet, have the event
// handled: each, once.
func TestFirstPacketHoldsCONNECTAndAnEvent(t *testing.T) {
	const clients, atOnce = 2000, 32
	lines := &loadLines{messages: make(map[string]int)}
	addr, stop := loadServer(t, lines)
	h := testkit.LoadHTTP(t)
	text := func(i int) string { return fmt.Sprintf("%d.0.fast", i) }
	err := testkit.Each(clients, atOnce, func(i int) error {
		event := fmt.Sprintf(`420["message",%q]`, text(i))
		c := &testkit.LoadClient{Addr: addr, EIO: 4, HTTP: h}
		var err error
		switch i % 4 {
		case 0: // the handshake, CONNECT and the event in one write
			c.WS, err = testkit.DialWebSocket(addr, c.Target("websocket"), testkit.TextFrames("40", event)...)
		case 1: // Engine.IO 3 is connected without asking
			c.EIO = 3
			c.WS, err = testkit.DialWebSocket(addr, c.Target("websocket"), testkit.TextFrames(event)...)
		default:
			c.EIO = 3 + i%4/3
			if c, err = testkit.OpenLoadClient(addr, c.EIO, "polling", h); err == nil {
				packets := []string{"40", event}
				err = c.Send(packets[4-c.EIO:]...)
			}
		}
		if err != nil {
			return err
		}
		defer c.Cut()
		for seen := false; ; {
			packet, err := c.Next()
			switch sender, _, ok := loadRead(packet); {
			case err != nil:
				return err
			case ok && sender == i:
				seen = true
			case packet == "430[]" && seen:
				return c.Leave()
			case packet == "430[]":
				return errors.New("acknowledged before it was broadcast")
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
	stop()
	for i := range clients {
		if n := lines.messages[text(i)]; n != 1 {
			t.Errorf("the event of client %d was handled %d times", i, n)
		}
	}
	if connected, disconnected := lines.counts(); connected != clients || disconnected != clients {
		t.Errorf("%d connected and %d disconnected, want %d", connected, disconnected, clients)
	}
}

// heldLines is a stdout that takes nothing until it is opened.
type heldLines struct {
	loadLines
	open chan struct{}
}

func (g *heldLines) Write(p []byte) (int, error) {
	<-g.open
	return g.loadLines.Write(p)
}

// A handler that is slow, here because stdout takes nothing, makes the server stop reading from the
// client, and the client wait: no event is lost, and none piles up.
func TestSlowHandlerPausesReading(t *testing.T) {
	t.Parallel()
	const padding = 1000
	for transport, events := range map[string]int{"websocket": 20_000, "polling": 4000} {
		t.Run(transport, func(t *testing.T) {
			held := &heldLines{loadLines: loadLines{messages: make(map[string]int)}, open: make(chan struct{})}
			opened := sync.OnceFunc(func() { close(held.open) })
			addr, stop := loadServer(t, held, "--max-backlog", "64MiB")
			t.Cleanup(opened) // before the server is stopped
			c, err := testkit.JoinLoadClient(addr, 4, transport, &http.Client{Transport: testkit.LoadHTTP(t).Transport})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Cut()
			var sent atomic.Int64
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := 0; i < events; i += 100 {
					var packets []string
					for k := range 100 {
						packets = append(packets, testkit.Message(loadText(0, i+k, padding)))
					}
					if err := c.SendUnlimited(packets...); err != nil {
						t.Errorf("sending event %d: %v", i, err)
						return
					}
					sent.Store(int64(i + 100))
				}
			})
			wg.Go(func() {
				for i := range events {
					packet, err := c.NextOf("message")
					if _, number, ok := loadRead(packet); err != nil || !ok || number != i {
						t.Errorf("event %d: received %.50q, %v", i, packet, err)
						return
					}
				}
			})
			// Long without progress: the server has paused. A slow machine may seem so as well;
			// then this finds no fault, but does not fail either.
			for last, still := int64(-1), 0; still < 40 && last < int64(events); time.Sleep(25 * time.Millisecond) {
				if now := sent.Load(); now != last {
					last, still = now, 0
				} else {
					still++
				}
			}
			paused := sent.Load()
			opened()
			wg.Wait()
			if paused > int64(events)*3/4 {
				t.Errorf("the server took %d of %d events, of 1 KB each, while the handler waited", paused, events)
			}
			t.Logf("paused after %d events", paused)
			c.Cut() // the end of a session that nobody polls takes five seconds
			stop()
			for i := range events {
				if n := held.messages[loadText(0, i, padding)]; n != 1 && !t.Failed() {
					t.Fatalf("event %d was handled %d times", i, n)
				}
			}
		})
	}
}
