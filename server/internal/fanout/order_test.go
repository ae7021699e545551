package fanout

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// All members see what they share in one order, whoever broadcasts at the same time;
// each broadcaster's in the order it sent; and a direct message after the broadcasts
// that its sender sent before.
func TestConcurrentBroadcastsHaveOneOrder(t *testing.T) {
	const broadcasters, each, members = 6, 200, 12
	w := newWorld(t)
	var clients []*client
	for i := range members {
		clients = append(clients, w.join(fmt.Sprint("room ", i%3)))
	}
	var wg sync.WaitGroup
	for b := range broadcasters {
		wg.Go(func() {
			for i := range each {
				text := fmt.Sprintf("%d %d", b, i)
				switch i % 3 {
				case 0:
					w.adapter.Broadcast(message(text), everybody)
				case 1: // everybody by another way, and one twice named
					w.adapter.Broadcast(message(text), to("room 0", "room 1", "room 2", clients[b].id))
				default:
					w.adapter.Broadcast(message(text), everybody.Without("nowhere"))
				}
				clients[b].Send(message("direct " + text))
			}
		})
	}
	// Meanwhile others come, move and go.
	wg.Go(func() {
		for range each {
			c := clients[members-1]
			c.Join("other")
			c.Leave("other")
			c.Rooms()
			w.adapter.Members(everybody)
			w.adapter.Rooms()
		}
	})
	wg.Wait()
	var want []string
	for i, c := range clients {
		got := c.received()
		var broadcasts []string
		var next, direct [broadcasters]int
		for _, packet := range got {
			text := strings.TrimSuffix(strings.TrimPrefix(packet, `42["message","`), `"]`)
			var b, n int
			if rest, isDirect := strings.CutPrefix(text, "direct "); isDirect {
				_, _ = fmt.Sscan(rest, &b, &n)
				if b != i || n != direct[b] || n != next[b]-1 {
					t.Fatalf("client %d received %q after %d broadcasts and %d direct messages of %d", i, text, next[b], direct[b], b)
				}
				direct[b]++
				continue
			}
			_, _ = fmt.Sscan(text, &b, &n)
			if n != next[b] {
				t.Fatalf("client %d received %q in the place of number %d", i, text, next[b])
			}
			next[b]++
			broadcasts = append(broadcasts, text)
		}
		if want == nil {
			want = broadcasts
		}
		if len(broadcasts) != broadcasters*each || !slices.Equal(broadcasts, want) {
			t.Errorf("client %d has %d broadcasts, or another order than the first", i, len(broadcasts))
		}
		if i < broadcasters && direct[i] != each {
			t.Errorf("client %d has %d direct messages, want %d", i, direct[i], each)
		}
	}
}

// A client that is admitted while broadcasts are going on gets all that come after
// its introduction: none lost, none doubled, in order.
func TestAdmissionDuringBroadcasts(t *testing.T) {
	const joins = 50
	w := newWorld(t)
	stop, stopped := make(chan struct{}), make(chan struct{})
	sent := 0
	go func() {
		defer close(stopped)
		for ; ; sent++ {
			select {
			case <-stop:
				return
			default:
				w.adapter.Broadcast(message(fmt.Sprint(sent)), to("all"))
			}
		}
	}()
	var clients []*client
	for range joins {
		c := w.introduced()
		c.Join("all")
		c.Admit()
		clients = append(clients, c)
	}
	close(stop)
	<-stopped
	for i, c := range clients {
		got := c.received()
		for k, packet := range got {
			// What the first number is, depends; from there on it is all there is.
			if want := fmt.Sprintf(`42["message","%d"]`, sent-len(got)+k); packet != want {
				t.Fatalf("client %d: message %d of %d is %s, want %s", i, k, len(got), packet, want)
			}
		}
	}
}

// Clients come and go while others are broadcast to.
func TestMembersComeAndGo(t *testing.T) {
	const rounds = 60
	w := newWorld(t)
	witness := w.join()
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for i := range rounds {
				w.adapter.Broadcast(message(fmt.Sprintf("%d %d", g, i)), everybody)
			}
		})
	}
	for range rounds {
		c := w.join("x")
		wg.Go(c.Disconnect)
	}
	wg.Wait()
	if got := len(witness.received()); got != 3*rounds {
		t.Errorf("one that stayed has received %d of %d", got, 3*rounds)
	}
	if n := len(w.adapter.members); n != 1 || len(w.adapter.order) != 1 || w.adapter.order[0].index != 0 || len(w.adapter.rooms) != 1 {
		t.Errorf("%d members, %d in order, %d rooms are left, want the one that stayed", n, len(w.adapter.order), len(w.adapter.rooms))
	}
}
