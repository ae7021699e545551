package engineio

import (
	"runtime"
	"testing"
	"time"

	"hipflask/server/internal/websocket"
	"hipflask/testdata/testkit"
)

// The flusher runs only when a test calls it, here and in quiet servers.

// silentSessions makes polling sessions, which flushing costs nothing.
func silentSessions(srv *Server, n int) []*Session {
	list := make([]*Session, n)
	for i := range list {
		list[i] = &Session{srv: &srv.common, protocol: 4, outbox: outbox{shared: &srv.outlet, parked: true}}
	}
	return list
}

// A session is on the list once, however much is queued for it, and comes off it.
func TestRoundListsEachSessionOnce(t *testing.T) {
	srv := quiet(t)
	sessions := silentSessions(srv, 3*flushChunk/2)
	m := sized(t, 10)
	for range 5 {
		round := srv.Begin()
		for _, s := range sessions {
			round.Queue(s, m)
			round.Queue(s, m)
		}
		round.End()
	}
	if n := len(srv.flusher.list); n != len(sessions) {
		t.Errorf("%d sessions are on the list %d times", len(sessions), n)
	}
	for turns := 0; srv.flusher.chunk(false); turns++ {
		if turns > 2 {
			t.Fatal("the list does not empty")
		}
	}
	for _, s := range sessions {
		if s.dirty || len(s.queue) != 10 {
			t.Fatalf("dirty: %v, %d messages queued", s.dirty, len(s.queue))
		}
		s.drop()
	}
}

// Under a load that never lets the list empty it must not grow with all that was ever on it.
func TestListThatNeverEmptiesStaysSmall(t *testing.T) {
	srv := quiet(t)
	sessions := silentSessions(srv, 3*flushChunk)
	m := sized(t, 10)
	for range 1000 {
		round := srv.Begin()
		for _, s := range sessions {
			round.Queue(s, m)
			s.drop()
		}
		round.End()
		srv.flusher.chunk(false)
	}
	if n := cap(srv.flusher.list); n > 16*len(sessions) {
		t.Errorf("the list of %d sessions has room for %d", len(sessions), n)
	}
}

// Sessions that ended while they were on the list are passed over.
func TestRoundWithEndedSessions(t *testing.T) {
	srv := quiet(t)
	sessions := silentSessions(srv, 3)
	round := srv.Begin()
	for _, s := range sessions {
		round.Queue(s, sized(t, 10))
	}
	sessions[1].state = stateClosed
	sessions[1].drop()
	round.Queue(sessions[1], sized(t, 10))
	round.End()
	for srv.flusher.chunk(false) {
	}
	if len(sessions[1].queue) != 0 || len(sessions[2].queue) != 1 {
		t.Error("something was queued for a session that has ended, or not for another")
	}
}

// stopFlusher makes the server one whose flusher does not run.
func stopFlusher(f *fixture) {
	close(f.srv.stop)
	f.srv.background.Wait()
	f.srv.stop = make(chan struct{})
}

// While too much waits to be written, whoever broadcasts writes as well.
func TestRoundHelpsWhenTheFlusherLags(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxBacklog = 1 << 30 })
	stopFlusher(f)
	const clients = severalSessions + 6
	var sessions []*Session
	read := make(chan struct{}, 10_000)
	for range clients {
		o, p := f.websocket(4)
		sessions = append(sessions, o.Session)
		go countFrames(p, read)
	}
	m := sized(t, maxLag/clients/4)
	rounds := 0
	for helped := false; !helped; rounds++ {
		if rounds > 10 {
			t.Fatal("nobody writes")
		}
		round := f.srv.Begin()
		for _, s := range sessions {
			round.Queue(s, m)
		}
		lag, bytes := f.srv.outlet.lag.bytes.Load(), int64(clients*m.cost())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			round.End()
		}()
		testkit.Await(t, ended, "end of the round")
		helped = lag > maxLag+bytes
		if now := f.srv.outlet.lag.bytes.Load(); now > maxLag+bytes {
			t.Errorf("the lag is %d after the end of the round, the bound is %d", now, maxLag+bytes)
		} else if !helped && now < lag {
			t.Errorf("the round took part in writing %d bytes", lag-now)
		}
	}
	for f.srv.flusher.chunk(false) {
	}
	for range rounds * clients {
		testkit.Await(t, read, "message")
	}
	if lag := f.srv.outlet.lag.bytes.Load(); lag != 0 {
		t.Errorf("the lag is %d with all written", lag)
	}
}

// A broadcaster that cannot help, because another goroutine writes already, waits for it: else a
// producer faster than the writer would fill the queue without end.
func TestRoundWaitsForAWriter(t *testing.T) {
	srv := quiet(t)
	s := &Session{srv: &srv.common, protocol: 4, socket: socket{conn: new(websocket.Conn), writing: true}, outbox: outbox{shared: &srv.outlet}}
	m := sized(t, 1<<20)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 3 * maxLag / m.Len() {
			round := srv.Begin()
			round.Queue(s, m)
			round.End()
			if lag, most := srv.outlet.lag.bytes.Load(), maxLag+int64(m.cost()); lag > most {
				t.Errorf("the round ended with a lag of %d, the bound is %d", lag, most)
			}
		}
	}()
	for takes := true; takes; { // the writer's part
		select {
		case <-ended:
			takes = false
		default:
			if srv.outlet.lag.bytes.Load() > maxLag {
				s.mu.Lock()
				s.takeBatchLocked()
				s.mu.Unlock()
			}
			runtime.Gosched()
		}
	}
	s.drop()
}

// One that waits is let go when the session it waits for ends, or turns out to be stalled: what
// waits for a client is not waited for.
func TestRoundStopsWaiting(t *testing.T) {
	for name, relieve := range map[string]func(s *Session){
		"ended":   func(s *Session) { s.drop() },
		"stalled": func(s *Session) { s.park(0) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := quiet(t)
			s := &Session{srv: &srv.common, protocol: 4, socket: socket{conn: new(websocket.Conn), writing: true}, outbox: outbox{shared: &srv.outlet}}
			first := srv.Begin()
			first.Queue(s, sized(t, maxLag+1))
			first.End()
			before := srv.outlet.lag.bytes.Load()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				round := srv.Begin()
				round.Queue(s, sized(t, 1))
				round.End()
			}()
			testkit.Eventually(t, "round that waits", func() bool { return srv.outlet.lag.bytes.Load() != before })
			s.mu.Lock()
			relieve(s)
			s.mu.Unlock()
			testkit.Await(t, ended, "end of the round")
			s.drop()
		})
	}
}

// A small round is written by who ends it, unless another has just ended, as in a loop, or others
// wait for the flusher; one to several also not while rounds come faster than one at a time.
func TestSmallRoundIsWrittenAtOnce(t *testing.T) {
	srv := quiet(t)
	f := &srv.flusher
	sessions := silentSessions(srv, severalSessions+1)
	few, several := sessions[:fewSessions], sessions[:severalSessions]
	polling, size := 0, 10
	round := func(sessions []*Session, sinceLast time.Duration) {
		r := srv.Begin()
		m := sized(t, size)
		for _, s := range sessions {
			r.Queue(s, m)
		}
		if r.polling != len(sessions) {
			t.Errorf("of %d sessions that poll %d count as such", len(sessions), r.polling)
		}
		r.polling = polling // the others count as WebSockets
		f.ended.Store(int64(time.Since(f.since) - sinceLast))
		r.End()
	}
	write := func() {
		for f.working > 0 { // a writer's work, until it is idle
			f.chunk(true)
		}
		for len(f.wake) > 0 {
			<-f.wake
		}
		f.direct.joinUntil = 0
	}
	const long = time.Hour
	for _, step := range []struct {
		what    string
		do      func()
		waiting int
	}{
		{"a few", func() { round(few, long) }, 0},
		{"a few in a loop", func() { round(sessions[:2], -long) }, 2},
		{"one behind others", func() { round(sessions[2:3], long) }, 3},
		{"nobody waits any more", write, 0},
		{"several", func() { round(several, long) }, 0},
		{"several soon after others", func() { round(several, 0) }, len(several)},
		{"nobody waits any more", func() {
			write()
			f.direct.joinUntil = time.Since(f.since) + long
		}, 0},
		{"several when others came soon", func() { round(several, long) }, len(several)},
		{"nobody waits any more", write, 0},
		{"several while a writer works", func() {
			f.working++
			round(several, long)
		}, len(several)},
		{"nobody waits any more", write, 0},
		{"several while others are written to", func() {
			f.direct.several = true
			defer func() { f.direct.several = false }()
			round(several, long)
		}, len(several)},
		{"nobody waits any more", write, 0},
		{"several once more", func() { round(several, long) }, 0},
		{"several of whom more than a few poll", func() {
			polling = fewSessions + 1
			defer func() { polling = 0 }()
			round(several, long)
		}, len(several)},
		{"nobody waits any more", write, 0},
		{"much to several", func() {
			size = severalBytes / len(several)
			defer func() { size = 10 }()
			round(several, long)
		}, len(several)},
		{"nobody waits any more", write, 0},
		{"many", func() { round(sessions, long) }, len(sessions)},
	} {
		if step.do(); len(f.list)-f.head != step.waiting {
			t.Errorf("%s: %d sessions wait for the flusher, want %d", step.what, len(f.list)-f.head, step.waiting)
		}
	}
	write()
	for _, s := range sessions {
		s.drop()
	}
}
