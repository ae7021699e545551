package engineio

import (
	"strconv"
	"sync"
	"testing"
)

// Whenever somebody counts, while sessions come and go: what opened is what is there and what is
// gone, and no counter ever falls.
func TestStatsHoldWhileSessionsComeAndGo(t *testing.T) {
	f := start(t)
	const clients, rounds = 4, 25
	done := make(chan struct{})
	var workers sync.WaitGroup
	m := textMessage(t, `2["x"]`)
	var mu sync.Mutex // fixture.websocket takes whichever session opens
	open := func() (*opened, *peer) {
		mu.Lock()
		defer mu.Unlock() // also if it fails the test
		return f.websocket(4)
	}
	for range clients {
		workers.Go(func() {
			for range rounds {
				o, p := open()
				o.Send(m)
				p.send(opText, `42["y"]`)
				p.expect(opText, `42["x"]`)
				o.hears(t, `2["y"]`)
				p.cut()
				o.ends(t, TransportClose)
			}
		})
	}
	go func() {
		workers.Wait()
		close(done)
	}()
	var last Traffic
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		st := f.srv.Stats()
		there, opened, closed := 0, uint64(0), uint64(0)
		for _, n := range st.Sessions {
			there += n
		}
		for _, n := range st.Opened {
			opened += n
		}
		for _, n := range st.Closed {
			closed += n
		}
		now := st.Traffic[SocketIO]
		if opened != uint64(there)+closed {
			t.Fatalf("%d opened, %d are there and %d gone", opened, there, closed)
		}
		if now.MessagesIn < last.MessagesIn || now.MessagesOut < last.MessagesOut || now.BytesIn < last.BytesIn || now.BytesOut < last.BytesOut {
			t.Fatalf("%+v fell to %+v", last, now)
		}
		last = now
	}
	if want := uint64(clients * rounds); last.MessagesIn != want || last.MessagesOut != want {
		t.Errorf("counted %+v, want %d messages each way", last, want)
	}
}

// What somebody who reads the metrics costs, while 10,000 sessions are there.
func BenchmarkStats(b *testing.B) {
	srv := benchServer(b)
	for i := range 10_000 {
		srv.sessions[strconv.Itoa(i)] = &Session{srv: &srv.common, protocol: 4}
	}
	for b.Loop() {
		srv.Stats()
	}
	clear(srv.sessions)
}
