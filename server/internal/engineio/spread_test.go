package engineio

import (
	"fmt"
	"sync"
	"testing"

	"hipflask/testdata/testkit"
)

// spreadOut has so many writers write, of which one more begins as soon as another session waits.
func spreadOut(f *fixture, writers int) {
	stopFlusher(f)
	f.srv.flusher.limit(writers)
	f.srv.flusher.spread = 1
	f.srv.background.Go(func() { f.srv.flusher.run(f.srv.stop) })
}

// However many write, each client gets what all senders sent in the order in which it was queued,
// once, and the lag stays within its bound.
func TestWritersKeepOrder(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxBacklog = 1 << 30 })
	spreadOut(f, 8)
	const clients, senders, each = 2*flushChunk + 10, 4, 40
	var sessions []*Session
	var peers []*peer
	for range clients {
		o, p := f.websocket(4)
		sessions, peers = append(sessions, o.Session), append(peers, p)
	}
	var reading, sending sync.WaitGroup
	for _, p := range peers {
		reading.Go(func() {
			for i := range senders * each {
				_, got, err := p.read()
				if want := fmt.Sprintf("4%d|", i); err != nil || len(got) < len(want) || got[:len(want)] != want {
					t.Errorf("read %.20q, %v, want %s", got, err, want)
					return
				}
			}
		})
	}
	next := 0
	var mu sync.Mutex // as a namespace's
	for range senders {
		sending.Go(func() {
			for range each {
				mu.Lock()
				m := textMessage(t, fmt.Sprintf("%d|%s", next, make([]byte, 2000)))
				m.Share()
				next++
				round := f.srv.Begin()
				for _, s := range sessions {
					round.Queue(s, m)
				}
				mu.Unlock()
				round.End()
				if lag, most := f.srv.outlet.lag.bytes.Load(), maxLag+int64(senders*clients*m.cost()); lag > most {
					t.Errorf("the lag is %d at the end of a round, the bound is %d", lag, most)
				}
			}
		})
	}
	sending.Wait()
	reading.Wait()
}

// One writer begins at once, another only while the list is long, and never too many; those that
// have nothing to do are idle again.
func TestWritersBegin(t *testing.T) {
	srv := quiet(t)
	f := &srv.flusher
	f.limit(3)
	f.spread = flushChunk
	sessions := silentSessions(srv, 5*flushChunk)
	queue := func(sessions []*Session) {
		round := srv.Begin()
		for _, s := range sessions {
			round.Queue(s, sized(t, 10))
		}
		f.add(round.dirty...) // as End does, but for a few
	}
	for _, step := range []struct {
		what    string
		do      func()
		working int
	}{
		{"one session", func() { queue(sessions[:1]) }, 1},
		{"a few more", func() { queue(sessions[1:flushChunk]) }, 2},
		{"another", func() { queue(sessions[flushChunk : flushChunk+1]) }, 3},
		{"very many", func() { queue(sessions[flushChunk+1:]) }, 3},
		{"one helps", func() { f.chunk(false) }, 3},
		{"a writer takes some", func() { f.chunk(true) }, 3},
		{"the writers take the rest", func() {
			for range 3 {
				for f.chunk(true) {
				}
			}
		}, 0},
		{"one session again", func() { <-f.wake; <-f.wake; <-f.wake; queue(sessions[:1]) }, 1},
	} {
		if step.do(); f.working != step.working {
			t.Fatalf("%s: %d writers work, want %d", step.what, f.working, step.working)
		}
	}
	f.chunk(true)
	for _, s := range sessions {
		s.drop()
	}
}

// A processor is left to others where there are some, and a writer that has written is idle.
func TestWritersAreIdle(t *testing.T) {
	for processors, want := range map[int]int{1: 1, 2: 2, 3: 2, 16: 15} {
		if got := writers(processors); got != want {
			t.Errorf("%d processors have %d writers, want %d", processors, got, want)
		}
	}
	f := start(t)
	o, p := f.websocket(4)
	round := f.srv.Begin()
	round.Queue(o.Session, sized(t, 10))
	f.srv.flusher.add(round.dirty...) // as End does, but for a few
	if _, _, err := p.read(); err != nil {
		t.Error(err)
	}
	testkit.Eventually(t, "idle writer", func() bool {
		f.srv.flusher.mu.Lock()
		defer f.srv.flusher.mu.Unlock()
		return f.srv.flusher.working == 0
	})
}
