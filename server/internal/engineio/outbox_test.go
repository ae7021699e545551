package engineio

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"hipflask/server/internal/budget"
	"hipflask/testdata/testkit"
)

// quiet is a server whose flusher and heartbeat do not run, and which therefore does nothing that a
// test does not make it do.
func quiet(t *testing.T) *Server {
	t.Helper()
	srv := NewServer(Config{Open: func(*Session) Receiver { return nil }})
	close(srv.stop)
	srv.background.Wait()
	t.Cleanup(func() {
		if lag := srv.outlet.lag.bytes.Load(); lag != 0 {
			t.Errorf("the flusher's lag is %d bytes in the end", lag)
		}
	})
	return srv
}

// newOutbox is an outbox without a session or a server. In the end it must be empty, and nothing
// may count as waiting.
func newOutbox(t *testing.T) *outbox {
	t.Helper()
	o := &outbox{shared: new(outlet)}
	o.shared.init(budget.New(0))
	t.Cleanup(func() {
		if lag, held := o.shared.lag.bytes.Load(), o.shared.memory.Used(); lag != 0 || held != 0 || o.queued != 0 {
			t.Errorf("in the end the lag is %d bytes, %d are held and %d queued", lag, held, o.queued)
		}
	})
	return o
}

// sized makes a message whose frame has this many bytes.
func sized(t *testing.T, n int) *Message {
	t.Helper()
	for text := max(n-headroom-1, 0); ; text++ {
		if m := textMessage(t, strings.Repeat("x", text)); m.Len() >= n {
			return m
		}
	}
}

// What goes out in one write: small frames together, large ones uncopied.
func TestTakeJoinsSmallFrames(t *testing.T) {
	for _, c := range []struct {
		name    string
		queue   []int
		batches []int // how many frames each holds
	}{
		{"one", []int{10}, []int{1}},
		{"small ones", []int{10, 20, 30}, []int{3}},
		{"large ones", []int{largeFrame, largeFrame, 100_000}, []int{1, 1, 1}},
		{"a large one among small ones", []int{10, 10, largeFrame, 10, 10}, []int{2, 1, 2}},
		{"just not large", []int{largeFrame - 1, largeFrame - 1}, []int{2}},
		{"as many as fit", []int{16000, 16000, 16000, 16000, 16000}, []int{4, 1}},
		{"exactly as many", []int{joinSize / 8, joinSize / 8, joinSize / 8, joinSize / 8, joinSize / 8, joinSize / 8, joinSize / 8, joinSize / 8, 10}, []int{8, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newOutbox(t)
			var want strings.Builder
			for _, n := range c.queue {
				m := sized(t, n)
				want.Write(m.frame)
				s.push(m)
			}
			var got strings.Builder
			for i := 0; ; i++ {
				before := len(s.queue) - s.head
				b, _ := s.take(wireV4, nil)
				if len(b.data) == 0 {
					if i != len(c.batches) {
						t.Errorf("%d batches, want %d", i, len(c.batches))
					}
					break
				}
				if taken := before - (len(s.queue) - s.head); i < len(c.batches) && taken != c.batches[i] {
					t.Errorf("batch %d holds %d frames, want %d", i, taken, c.batches[i])
				}
				if len(b.data) > joinSize && b.shared != nil {
					t.Errorf("batch %d joins %d bytes", i, len(b.data))
				}
				got.Write(b.data)
				s.shared.joined.free(b)
			}
			if got.String() != want.String() {
				t.Error("the bytes have changed on the way")
			}
			if s.queued != 0 {
				t.Errorf("%d bytes count as queued in the end", s.queued)
			}
		})
	}
}

// A client that always has something waiting for it must not make the list of what waits grow with
// all that was ever sent to it.
func TestQueueThatNeverEmptiesStaysSmall(t *testing.T) {
	s := newOutbox(t)
	m := sized(t, largeFrame)
	s.push(m)
	for range 5000 {
		s.push(m)
		if b, _ := s.take(wireV4, nil); len(b.data) == 0 {
			t.Fatal("nothing to take")
		}
	}
	if n := cap(s.queue); n > 4*keepQueue {
		t.Errorf("the queue of one message has room for %d", n)
	}
	s.drop()
}

// What different goroutines send, in whichever way, each in its order, arrives whole, once, and in
// those orders.
func TestSendersKeepTheirOrder(t *testing.T) {
	const senders, each = 8, 150
	sizes := []int{0, 10, 200, 5000, largeFrame - 20, largeFrame, joinSize, 100_000}
	for _, listen := range listeners() {
		f := listen(t, func(c *Config) { c.MaxBacklog = 1 << 30 })
		o, p := f.websocket(4)
		var wg sync.WaitGroup
		for sender := range senders {
			wg.Go(func() {
				for i := range each {
					size := sizes[(sender*7+i*3)%len(sizes)]
					m := textMessage(t, fmt.Sprintf("%d %d ", sender, i)+strings.Repeat("x", size), []byte(fmt.Sprint(sender, i)))
					if (sender+i)%3 == 0 {
						o.Send(m)
						continue
					}
					round := f.srv.Begin()
					round.Queue(o.Session, m)
					round.End()
				}
			})
		}
		var next [senders]int
		for range senders * each {
			var sender, i int
			if _, err := fmt.Sscanf(p.text(), "4%d %d ", &sender, &i); err != nil {
				t.Fatal(err)
			}
			if i != next[sender] {
				t.Fatalf("sender %d: message %d instead of %d", sender, i, next[sender])
			}
			next[sender]++
			p.expect(opBinary, fmt.Sprint(sender, i)) // nothing comes between
		}
		wg.Wait()
	}
}

// countFrames reads what the server sends and counts it, until the connection ends.
func countFrames(p *peer, each chan<- struct{}) {
	for {
		if _, _, err := p.read(); err != nil {
			return
		}
		each <- struct{}{}
	}
}

// A client that stops reading costs its backlog and no more, and nobody waits for it.
func TestStalledReaderIsDropped(t *testing.T) {
	const backlog, readers = 64 << 10, 4
	for name, listen := range listeners() {
		t.Run(name, func(t *testing.T) {
			f := listen(t, func(c *Config) { c.MaxBacklog = backlog })
			stalled, _ := f.slowWebSocket(4, 4096)
			sessions := []*Session{stalled.Session}
			read := make(chan struct{}, readers)
			for range readers {
				o, p := f.websocket(4)
				sessions = append(sessions, o.Session)
				go countFrames(p, read)
			}
			m := sized(t, largeFrame)
			most := backlog + m.cost() // the limit is compared with what waits already
			if name == "wrapped" {
				// What may wait before it is known that the client stalls: the bound of the lag, to
				// which a round is allowed its own messages, and what the next round adds.
				most = maxLag + 2*len(sessions)*m.cost()
			}
			sent := 0
			for ; len(stalled.closed) == 0; sent++ {
				if sent > 5000 {
					t.Fatalf("not dropped after %d messages of %d bytes", sent, m.Len())
				}
				round := f.srv.Begin()
				for _, s := range sessions {
					round.Queue(s, m)
				}
				round.End()
				for range readers { // the others get each at once
					testkit.Await(t, read, "message for one that reads")
				}
				stalled.mu.Lock()
				queued, isStalled := stalled.queued, stalled.stalledLocked()
				stalled.mu.Unlock()
				if isStalled && queued > most {
					t.Fatalf("%d bytes wait for the stalled one, limit %d", queued, most)
				}
			}
			stalled.ends(t, TransportError)
			stalled.mu.Lock()
			kept := len(stalled.queue)
			stalled.mu.Unlock()
			if kept != 0 {
				t.Errorf("%d messages for it are kept", kept)
			}
			for _, s := range sessions[1:] {
				if !s.IsOpen() {
					t.Error("one that reads was dropped")
				}
			}
			t.Logf("dropped after %d messages of 16 KiB", sent)
		})
	}
}

// What waits for our own writer is not the client's fault.
func TestBusyWriterIsNoSlowClient(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxBacklog = 10_000 })
	o, p := f.websocket(4)
	f.await(func() bool { // until OPEN is written; then as while a goroutine writes
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.writing {
			return false
		}
		o.writing = true
		return true
	})
	m := sized(t, 1000)
	for range 100 {
		o.Send(m)
	}
	o.mu.Lock()
	o.flushLocked()
	for range 100 {
		p.text()
	}
	stillOpen(t, o)
}

// A client that was stalled and reads on gets all of it, and is like any other then.
func TestStalledReaderRecovers(t *testing.T) {
	for name, listen := range listeners() {
		t.Run(name, func(t *testing.T) {
			f := listen(t, func(c *Config) { c.MaxBacklog = 64 << 20 })
			o, p := f.slowWebSocket(4, 64<<10)
			isStalled := func() bool {
				o.mu.Lock()
				defer o.mu.Unlock()
				return o.stalledLocked()
			}
			sent := 0
			// More than the two kernels take. Over a wrapped connection it stalls only once a write
			// has taken a while, whatever was sent until then.
			for ; sent < 1000 && !isStalled(); sent++ {
				o.Send(textMessage(t, fmt.Sprintf("%06d", sent)+strings.Repeat("x", largeFrame)))
			}
			f.await(isStalled)
			if o.Writable() {
				t.Error("stalled and writable")
			}
			for i := range sent {
				if got := p.text(); !strings.HasPrefix(got, fmt.Sprintf("4%06dx", i)) {
					t.Fatalf("message %d begins with %.10q", i, got)
				}
			}
			f.await(o.Writable)
			if lag := f.srv.outlet.lag.bytes.Load(); lag != 0 {
				t.Errorf("the lag is %d with all sent", lag)
			}
			o.Send(textMessage(t, "on"))
			p.expect(opText, "4on")
		})
	}
}

// Between two polls a polling client's backlog is bounded as well.
func TestBacklogOfPolling(t *testing.T) {
	const backlog = 10_000
	f := start(t, func(c *Config) { c.MaxBacklog = backlog })
	o, query := f.polling(4)
	m := sized(t, 1000)
	for range 10 {
		o.Send(m)
	}
	if got := f.get(query); len(got) < 9*990 {
		t.Fatalf("a poll brought %d bytes of a backlog within its limit", len(got))
	}
	for range 20 {
		o.Send(m)
		if n := o.queuedBytes(); n > backlog+m.Len() {
			t.Fatalf("%d bytes wait, limit %d", n, backlog)
		}
	}
	o.ends(t, TransportError)
	f.gone(query)
}

func (s *Session) queuedBytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued
}
