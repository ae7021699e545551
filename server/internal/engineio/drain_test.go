package engineio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hipflask/testdata/testkit"
)

// drained is a receiver that notes when its session ended, on a clock that stands still unless
// somebody waits.
type drained struct {
	ended  chan time.Duration
	finish func(then func()) // nil: nothing to finish
	start  time.Time
}

func (d *drained) Text([]byte) error   { return nil }
func (d *drained) Binary([]byte) error { return nil }
func (d *drained) Closed(Reason)       { d.ended <- time.Since(d.start) }

// finisher is a drained that has something to finish.
type finisher struct{ *drained }

func (f finisher) Finish(then func()) { f.finish(then) }

// drain opens n sessions, shuts the server down, and returns the times at which they ended, in
// order. finish may be nil.
func drain(t *testing.T, n int, limit time.Duration, finish func(then func())) []time.Duration {
	t.Helper()
	var all []*drained
	// Its goroutines have nothing to do here, and one of them waits for the kernel: this clock
	// would never move on.
	srv := newServer(Config{Polling: true, Open: func(*Session) Receiver {
		d := &drained{ended: make(chan time.Duration, 2), finish: finish, start: time.Now()}
		all = append(all, d)
		if finish != nil {
			return finisher{d}
		}
		return d
	}})
	for range n {
		if !srv.open(srv.newSession(httptest.NewRequest(http.MethodGet, "/", nil), false, 4)) {
			t.Fatal("a session did not open")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	var times []time.Duration
	for _, d := range all {
		times = append(times, <-d.ended)
		if len(d.ended) != 0 {
			t.Fatal("a session ended twice")
		}
	}
	slices.Sort(times)
	return times
}

// A few clients go at once, many over two fifths of the time, and never two of them in one instant.
func TestDrainSpreadsTheEnds(t *testing.T) {
	for _, c := range []struct {
		clients     int
		limit, last time.Duration // of the shutdown; the last one's end
	}{
		{1, 10 * time.Second, 0},
		{3, 10 * time.Second, 10 * time.Millisecond},
		{400, 10 * time.Second, 399 * 5 * time.Millisecond},
		{4000, 10 * time.Second, 4*time.Second - time.Millisecond},
		{4000, 100 * time.Second, 3999 * 5 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			times := drain(t, c.clients, c.limit, nil)
			if last := times[len(times)-1]; last != c.last {
				t.Errorf("the last of %d clients goes after %v, want %v", c.clients, last, c.last)
			}
			gap := c.last / time.Duration(max(c.clients-1, 1))
			for i := range len(times) - 1 {
				if got := times[i+1] - times[i]; got != gap {
					t.Fatalf("%d clients: %v after client %d comes the next, want %v", c.clients, got, i, gap)
				}
			}
		})
	}
}

// Clients that do not come back to fetch their close packet hold the end up, and are no reason to
// say that it was cut short: the program gives the clients 5.75 of its 10 seconds.
func TestDrainDoesNotMissItsTimeForClientsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, clients := range []int{1, 50, 4000} {
			began := time.Now()
			drain(t, clients, 5750*time.Millisecond, nil)
			if took := time.Since(began); took < 4*time.Second {
				t.Errorf("%d clients: it was over after %v", clients, took)
			}
		}
	})
}

// One that has just taken its last message when the end begins, and then is gone, is none either.
func TestDrainDoesNotMissItsTimeForAnAnswerUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(Config{Polling: true, Open: func(*Session) Receiver {
			return &drained{ended: make(chan time.Duration, 1)}
		}})
		s := srv.newSession(httptest.NewRequest(http.MethodGet, "/", nil), false, 4)
		if !srv.open(s) {
			t.Fatal("a session did not open")
		}
		time.AfterFunc(time.Second, func() {
			s.goOn(&answer{response: http.NewResponseController(httptest.NewRecorder())}, 1)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5750*time.Millisecond)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

// What a session's handlers are still at is waited for, but not without end.
func TestDrainWaitsForHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		after := func(d time.Duration) func(func()) {
			return func(then func()) { time.AfterFunc(d, then) }
		}
		for _, c := range []struct {
			name   string
			finish func(then func())
			ends   time.Duration
		}{
			{"handlers that are done", func(then func()) { then() }, 0},
			{"handlers that take a while", after(300 * time.Millisecond), 300 * time.Millisecond},
			{"handlers that take too long", after(time.Minute), finishGrace},
			{"handlers that hang", func(func()) {}, finishGrace},
		} {
			if times := drain(t, 1, 10*time.Second, c.finish); times[0] != c.ends {
				t.Errorf("%s: the session ended after %v, want %v", c.name, times[0], c.ends)
			}
		}
	})
}

// Until its turn comes a client polls, posts and is sent to, while whoever is new, or asks for a
// session that is not here, is answered 503 and Retry-After, upon which a proxy asks another
// server.
func TestDrainServesWhoeverIsThere(t *testing.T) {
	f := start(t)
	finish := make(chan func(), 1)
	f.wrap = func(o *opened) Receiver { return holding{o, finish} }
	o, query := f.polling(4)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		f.stop()
	}()
	then := testkit.Await(t, finish, "turn to finish")
	if !f.srv.IsDraining() {
		t.Error("the server does not know that it is draining")
	}
	f.post(query, "4still here")
	o.hears(t, "still here")
	o.Send(textMessage(t, "so are we"))
	if got := f.get(query); got != "4so are we" {
		t.Errorf("polled %q", got)
	}
	for _, request := range []struct{ method, query string }{
		{http.MethodGet, "EIO=4&transport=polling"},
		{http.MethodGet, "EIO=3&transport=polling"},
		{http.MethodGet, "EIO=4&transport=polling&sid=elsewhere"},
		{http.MethodPost, "EIO=4&transport=polling&sid=elsewhere"},
	} {
		f.turnedAway(request.method, request.query, http.StatusServiceUnavailable, "The server is shutting down")
	}
	for _, path := range []string{"/engine.io/?EIO=4&transport=websocket", "/plain"} {
		if got := f.handshake(path, "13"); got != http.StatusServiceUnavailable {
			t.Errorf("a WebSocket at %s was answered %d, want 503", path, got)
		}
	}
	if got := f.handshake("/engine.io/?"+strings.Replace(query, "polling", "websocket", 1), "13"); got != http.StatusBadRequest {
		t.Errorf("an upgrade was answered %d, want 400", got)
	}
	polled := f.pollInBackground(query, o)
	then()
	if got := testkit.Await(t, polled, "answer to the poll"); got != toComeBack {
		t.Errorf("the last poll was answered %q", got)
	}
	o.ends(t, ServerShutdown)
	<-stopped
}

// holding is a receiver whose end the test decides.
type holding struct {
	*opened
	finish chan func()
}

func (h holding) Finish(then func()) { h.finish <- then }

// turnedAway checks for the answer to a client that may come again.
func (f *fixture) turnedAway(method, query string, status int, message string) {
	f.t.Helper()
	req, err := http.NewRequest(method, f.url(query), strings.NewReader(""))
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := f.http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := `{"code":4,"message":"` + message + `"}`; err != nil || resp.StatusCode != status || string(body) != want {
		f.t.Errorf("%s %s was answered %d %s, %v, want %d %s", method, query, resp.StatusCode, body, err, status, want)
	}
	if got := resp.Header.Get("Retry-After"); got != "1" {
		f.t.Errorf("%s %s: Retry-After is %q", method, query, got)
	}
}

// handshake opens a WebSocket that is refused, and returns the status.
func (f *fixture) handshake(path, version string) int {
	f.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+f.addr+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {version}, "Sec-Websocket-Key": {"MDEyMzQ1Njc4OWFiY2RlZg=="},
	}
	resp, err := f.http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// A receiver that hangs keeps its reader for ever. Shutdown waits for it until its context's
// deadline, and no longer.
func TestShutdownLeavesAHangingReceiverBehind(t *testing.T) {
	f := start(t)
	hang, begun := make(chan struct{}), make(chan struct{})
	f.take = func(string) error {
		close(begun)
		<-hang
		return nil
	}
	t.Cleanup(func() { close(hang) }) // before the fixture's end, which is registered earlier
	o, p := f.websocket(4)
	p.send(opText, "4hang")
	testkit.Await(t, begun, "message")
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- f.srv.Shutdown(ctx) }()
	if err := testkit.Await(t, ended, "end of the server"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v, want the deadline's error", err)
	}
	o.ends(t, ServerShutdown)
}
