package http1

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/server/internal/socket"
	"hipflask/testdata/testkit"
)

func asIs(*Options) {}

// Requests that follow over a connection are served without net/http, whatever their order, and what
// is no poll goes back to it.
func TestRequestsFollow(t *testing.T) {
	s := serveSite(t, echo, asIs)
	p := s.dial(t)
	for n := range 3 {
		p.asks(getOf(n), "GET "+"/poll?n="+string(rune('0'+n))+` x 0 ""`)
		p.asks(postOf(strings.Repeat("a", 9+n)), `POST /poll x `+[]string{"9", "10", "11"}[n]+` "`+strings.Repeat("a", 9+n)+`"`)
	}
	if n := s.taken.Load(); n != 6 {
		t.Errorf("%d of 6 requests were taken", n)
	}
	p.asks("GET /page HTTP/1.1\r\nHost: y\r\n\r\n", `GET /page y 0 ""`)
	if n := s.taken.Load(); n != 6 {
		t.Errorf("%d were taken, the page among them", n)
	}
	p.asks(getOf(7), `GET /poll?n=7 x 0 ""`)
	if n := s.taken.Load(); n != 7 {
		t.Errorf("%d were taken, want the poll behind the page, too", n)
	}
}

// A connection that changes all the time stays net/http's.
func TestGoesBackSoOften(t *testing.T) {
	s := serveSite(t, echo, asIs)
	p := s.dial(t)
	for range maxReturns + 2 {
		p.asks(getOf(1), `GET /poll?n=1 x 0 ""`)
		p.asks("GET /page HTTP/1.1\r\nHost: x\r\n\r\n", `GET /page x 0 ""`)
	}
	if n := s.taken.Load(); n != maxReturns {
		t.Errorf("%d polls were taken, want %d", n, maxReturns)
	}
}

// later is a site whose polls are answered by the test.
func later(t *testing.T, options func(*Options)) (s *site, polls chan Later, gone chan struct{}) {
	polls, gone = make(chan Later, 1), make(chan struct{}, 1)
	s = serveSite(t, func(w http.ResponseWriter, r *http.Request) {
		l, ok := w.(Later)
		if !ok || r.Method == http.MethodPost {
			echo(w, r)
			return
		}
		l.Later(func() { gone <- struct{}{} })
		polls <- l
	}, options)
	return s, polls, gone
}

func TestLater(t *testing.T) {
	s, polls, _ := later(t, asIs)
	p := s.dial(t)
	for n := range 3 {
		p.send(getOf(n))
		l := testkit.Await(t, polls, "poll")
		l.Header().Set("Content-Length", "5")
		if _, err := io.WriteString(l, "later"); err != nil {
			t.Error(err)
		}
		if whole, err := l.TryFlush(); !whole || err != nil {
			t.Errorf("%v, %v", whole, err)
		}
		l.Done()
		if _, body := p.answer(); body != "later" {
			t.Errorf("answered %q", body)
		}
	}
	// What comes before the answer waits for it.
	p.send(getOf(4) + postOf("next"))
	l := testkit.Await(t, polls, "poll")
	_, _ = io.WriteString(l, "first")
	if err := l.(interface{ FlushError() error }).FlushError(); err != nil {
		t.Error(err)
	}
	l.Done()
	for _, want := range []string{"first", `POST /poll x 4 "next"`} {
		if _, body := p.answer(); body != want {
			t.Errorf("answered %q, want %q", body, want)
		}
	}
}

// That a client is gone is told while its answer is awaited, and nobody waits for it any more.
func TestGone(t *testing.T) {
	s, polls, gone := later(t, asIs)
	for _, half := range []bool{false, true} {
		p := s.dial(t)
		p.send(getOf(1))
		l := testkit.Await(t, polls, "poll")
		if half {
			_ = socket.CloseWrite(p.Conn)
		} else {
			_ = p.Close()
		}
		testkit.Await(t, gone, "the client's end")
		l.Done()
	}
}

// An answer for which the kernel has no room is written as it is read, and one that nobody reads
// ends with its deadline.
func TestLongAnswer(t *testing.T) {
	const size = 32 << 20
	s, polls, _ := later(t, asIs)
	p := s.dial(t)
	p.send(getOf(1))
	l := testkit.Await(t, polls, "poll")
	l.Header().Set("Content-Length", "33554432")
	written := make(chan error, 1)
	l.Go(func() {
		_, err := l.Write(make([]byte, size))
		written <- err
		l.Done()
	})
	if _, body := p.answer(); len(body) != size {
		t.Errorf("%d bytes", len(body))
	}
	if err := testkit.Await(t, written, "the end of the writing"); err != nil {
		t.Error(err)
	}

	p.send(getOf(2))
	l = testkit.Await(t, polls, "poll")
	l.Header().Set("Content-Length", "33554432")
	l.Go(func() {
		_, err := l.Write(make([]byte, size))
		written <- err
		l.Done()
	})
	if _, err := p.r.Peek(1); err != nil { // it is being written
		t.Fatal(err)
	}
	if err := http.NewResponseController(l).SetWriteDeadline(time.Now()); err != nil {
		t.Error(err)
	}
	if err := testkit.Await(t, written, "the end of the writing"); err == nil {
		t.Error("written whole")
	}
	if n, err := io.Copy(io.Discard, p.r); n >= size || err != nil {
		t.Errorf("%d bytes, %v, want the connection to end within the answer", n, err)
	}
}

// What a handler leaves unread of a body is not taken for a request.
func TestBodyLeftUnread(t *testing.T) {
	s := serveSite(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method) }, asIs)
	p := s.dial(t)
	p.asks(postOf(getOf(1)), "POST")
	p.ends()
}

// A body that does not come in time, or not at all, fails to be read.
func TestBodyLate(t *testing.T) {
	s := serveSite(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		echo(w, r)
	}, asIs)
	p := s.dial(t)
	p.send("POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc")
	if r, body := p.answer(); r.StatusCode != http.StatusTeapot || !strings.Contains(body, "timeout") {
		t.Errorf("%d %q", r.StatusCode, body)
	}
	p = s.dial(t)
	p.send("POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc")
	_ = socket.CloseWrite(p.Conn)
	if r, _ := p.answer(); r.StatusCode != http.StatusTeapot {
		t.Errorf("%d for half a body", r.StatusCode)
	}
}

func TestTimeouts(t *testing.T) {
	s, polls, _ := later(t, func(o *Options) { o.IdleTimeout, o.HeaderTimeout = 50*time.Millisecond, 50*time.Millisecond })
	p := s.dial(t)
	p.asks(postOf("a"), `POST /poll x 1 "a"`)
	p.ends() // idle
	p = s.dial(t)
	p.asks(postOf("a"), `POST /poll x 1 "a"`)
	go func(to io.Writer) { // one byte after the other, and no end
		for err := error(nil); err == nil; time.Sleep(time.Millisecond) { // as slow clients do
			_, err = io.WriteString(to, "G")
		}
	}(p)
	p.ends()
	// A poll may wait for longer.
	p = s.dial(t)
	p.send(getOf(1))
	l := testkit.Await(t, polls, "poll")
	over := time.NewTimer(200 * time.Millisecond) // several limits
	defer over.Stop()
	<-over.C
	_, _ = io.WriteString(l, "late")
	if whole, err := l.TryFlush(); !whole || err != nil {
		t.Errorf("%v, %v", whole, err)
	}
	l.Done()
	if _, body := p.answer(); body != "late" {
		t.Errorf("answered %q", body)
	}
}

// Shutdown ends idle connections at once, and others with their answer.
func TestShutdown(t *testing.T) {
	s, polls, _ := later(t, asIs)
	idle, waiting := s.dial(t), s.dial(t)
	idle.asks(postOf("a"), `POST /poll x 1 "a"`)
	waiting.send(getOf(1))
	l := testkit.Await(t, polls, "poll")
	ended := make(chan error, 1)
	go func() { ended <- s.conns.Shutdown(t.Context()) }()
	idle.ends()
	_, _ = io.WriteString(l, "last")
	if whole, err := l.TryFlush(); !whole || err != nil {
		t.Errorf("%v, %v", whole, err)
	}
	l.Done()
	if _, body := waiting.answer(); body != "last" {
		t.Errorf("answered %q", body)
	}
	waiting.ends()
	if err := testkit.Await(t, ended, "the shutdown"); err != nil {
		t.Error(err)
	}
	// From then on net/http serves everything.
	taken := s.taken.Load()
	s.dial(t).asks(getOf(1), `GET /poll?n=1 x 0 ""`)
	if s.taken.Load() != taken {
		t.Error("a connection was taken over")
	}
}

// What is left when the time is over is cut.
func TestShutdownCuts(t *testing.T) {
	s, polls, gone := later(t, asIs)
	p := s.dial(t)
	p.send(getOf(1))
	l := testkit.Await(t, polls, "poll")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.conns.Shutdown(ctx); err == nil {
		t.Error("no error for a connection that was cut")
	}
	testkit.Await(t, gone, "the end of the poll")
	l.Done()
	p.ends()
}

// A handler that wants its answer cut has the connection closed.
func TestAbort(t *testing.T) {
	s := serveSite(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, asIs)
	p := s.dial(t)
	p.send(getOf(1))
	p.ends()
}

// The answer that says that the connection ends is followed by its end.
func TestConnectionClose(t *testing.T) {
	s := serveSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		echo(w, r)
	}, asIs)
	p := s.dial(t)
	p.asks(getOf(1), `GET /poll?n=1 x 0 ""`)
	p.ends()
}

// A connection is told to be busy and idle in turn.
func TestTrack(t *testing.T) {
	var mu sync.Mutex
	var states []http.ConnState
	s := serveSite(t, echo, func(o *Options) {
		o.Track = func(_ net.Conn, state http.ConnState) {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, state)
		}
	})
	p := s.dial(t)
	for range 2 {
		p.asks(getOf(1), `GET /poll?n=1 x 0 ""`)
	}
	testkit.Eventually(t, "the second end of a request", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(states) == 4 && states[0] == http.StateActive && states[3] == http.StateIdle
	})
}

// Who takes a connection over that has come back gets at the socket, and misses nothing.
func TestHijackBehindPolls(t *testing.T) {
	var raw atomic.Bool
	s := serveSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			echo(w, r)
			return
		}
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		raw.Store(socket.Raw(socket.Beneath(nc)) != nil)
		early := make([]byte, 5)
		if _, err := io.ReadFull(rw, early); err != nil {
			t.Error(err)
		}
		_, _ = nc.Write(early)
	}, asIs)
	p := s.dial(t)
	p.asks(getOf(1), `GET /poll?n=1 x 0 ""`)
	p.send("GET /poll HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly")
	if got, err := io.ReadAll(p.r); string(got) != "early" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !raw.Load() {
		t.Error("its socket cannot be got at")
	}
}
