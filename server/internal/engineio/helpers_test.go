package engineio

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hipflask/server/internal/websocket"
	"hipflask/testdata/testkit"
)

// fixture is a server under test, which ends with it. It then checks what must hold after any test:
// no session is left, each ended once, and nothing counts as waiting.
type fixture struct {
	t      testing.TB
	srv    *Server
	addr   string
	tls    *tls.Config // the client's; nil without TLS
	http   *http.Client
	opened chan *opened // the sessions, as they open
	all    []*opened    // those that opening took

	// take, if set before a session opens, is what its messages go to instead.
	take func(data string) error
	// wrap, if set before a session opens, makes the receiver that the server sees.
	wrap func(*opened) Receiver
}

// opened is a session with what it received.
type opened struct {
	*Session
	received chan string // texts as they are; binary behind "binary "
	closed   chan Reason
	take     func(data string) error
}

func (o *opened) Text(data []byte) error   { return o.message(string(data)) }
func (o *opened) Binary(data []byte) error { return o.message("binary " + string(data)) }
func (o *opened) Closed(reason Reason)     { o.closed <- reason }

func (o *opened) message(data string) error {
	if o.take != nil {
		return o.take(data)
	}
	o.received <- data
	return nil
}

// start starts a server with both transports and these changes to its Config.
func start(t testing.TB, changes ...func(*Config)) *fixture {
	t.Helper()
	return startWith(t, (*httptest.Server).Start, changes...)
}

// startTLS is start with a server that speaks TLS, for WebSockets only.
func startTLS(t testing.TB, changes ...func(*Config)) *fixture {
	t.Helper()
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	f := startWith(t, func(s *httptest.Server) {
		s.Listener = websocket.ListenTLS(s.Listener, other.TLS)
		s.Start()
	}, changes...)
	f.tls = &tls.Config{InsecureSkipVerify: true} // the test's own server
	return f
}

// startWrapped is startTLS with a listener that is not ours: nothing can be written without
// blocking.
func startWrapped(t testing.TB, changes ...func(*Config)) *fixture {
	t.Helper()
	f := startWith(t, (*httptest.Server).StartTLS, changes...)
	f.tls = &tls.Config{InsecureSkipVerify: true} // the test's own server
	return f
}

// listeners are the kinds of connections, as far as writing to them differs.
func listeners() map[string]func(testing.TB, ...func(*Config)) *fixture {
	return map[string]func(testing.TB, ...func(*Config)) *fixture{"plain": start, "TLS": startTLS, "wrapped": startWrapped}
}

func startWith(t testing.TB, listen func(*httptest.Server), changes ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, opened: make(chan *opened, 1000), http: &http.Client{Transport: &http.Transport{}, Timeout: testkit.Deadline}}
	cfg := Config{
		PlainPath: "/plain", Polling: true, WebSocket: true, AllowUpgrades: true,
		Open: func(s *Session) Receiver {
			o := &opened{Session: s, received: make(chan string, 10_000), closed: make(chan Reason, 10), take: f.take}
			f.opened <- o
			if f.wrap != nil {
				return f.wrap(o)
			}
			return o
		},
	}
	for _, change := range changes {
		change(&cfg)
	}
	f.srv = NewServer(cfg)
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", f.srv)
	mux.HandleFunc("/plain", f.srv.ServePlain)
	h := httptest.NewUnstartedServer(mux)
	listen(h)
	f.addr = h.Listener.Addr().String()
	t.Cleanup(func() {
		for _, s := range f.srv.all() {
			s.abort(ServerShutdown) // else Shutdown waits for polls that nobody sends
		}
		f.stop()
		f.http.CloseIdleConnections()
		h.Close()
		f.check()
	})
	return f
}

// stop shuts the server down; it can be called again.
func (f *fixture) stop() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	if err := f.srv.Shutdown(ctx); err != nil {
		f.t.Errorf("Shutdown: %v", err)
	}
}

func (f *fixture) check() {
	f.t.Helper()
	if n := f.srv.Count(); n != 0 {
		f.t.Errorf("%d sessions are left", n)
	}
	if lag := f.srv.outlet.lag.bytes.Load(); lag != 0 {
		f.t.Errorf("the flusher's lag is %d bytes with nothing to send", lag)
	}
	if held := f.srv.cfg.Memory.Used(); held != 0 {
		f.t.Errorf("%d bytes are held with nobody there", held)
	}
	for len(f.opened) > 0 {
		f.all = append(f.all, <-f.opened)
	}
	for _, o := range f.all {
		if more := len(o.closed); more > 1 {
			f.t.Errorf("the session ended %d times more than once", more-1)
		}
	}
}

// opening waits for the next session to open.
func (f *fixture) opening() *opened {
	f.t.Helper()
	o := testkit.Await(f.t, f.opened, "a session")
	f.all = append(f.all, o)
	return o
}

// hears checks what the session receives next.
func (o *opened) hears(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := testkit.Await(t, o.received, "message"); got != w {
			t.Fatalf("the server received %.200q, want %.200q", got, w)
		}
	}
}

// ends waits for the session's end and puts the reason back for the last check.
func (o *opened) ends(t *testing.T, want Reason) {
	t.Helper()
	got := testkit.Await(t, o.closed, "end of the session")
	o.closed <- got
	if got != want {
		t.Errorf("the session ended with %q, want %q", got, want)
	}
}

// url is the endpoint with this query.
func (f *fixture) url(query string) string { return "http://" + f.addr + "/engine.io/?" + query }

// do sends a request and returns the status and body of its response.
func (f *fixture) do(method, query, body string) (int, string, error) {
	req, err := http.NewRequest(method, f.url(query), strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	resp, err := f.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// get polls and returns the payload.
func (f *fixture) get(query string) string {
	f.t.Helper()
	return f.answer(http.StatusOK, http.MethodGet, query, "")
}

// post sends a payload that the server is to accept.
func (f *fixture) post(query, payload string) {
	f.t.Helper()
	if got := f.answer(http.StatusOK, http.MethodPost, query, payload); got != "ok" {
		f.t.Fatalf("POST %.100q was answered %.200q", payload, got)
	}
}

func (f *fixture) answer(want int, method, query, body string) string {
	f.t.Helper()
	status, text, err := f.do(method, query, body)
	if err != nil || status != want {
		f.t.Fatalf("%s %s was answered %d %.200q, %v, want %d", method, query, status, text, err, want)
	}
	return text
}

// polling opens a session over polling, of Engine.IO 4 or 3, and returns the query that its
// requests carry.
func (f *fixture) polling(eio int) (*opened, string) {
	f.t.Helper()
	query := fmt.Sprintf("EIO=%d&transport=polling", eio)
	payload := f.get(query)
	o := f.opening()
	if !strings.Contains(payload, `0{"sid":"`+o.ID()+`"`) {
		f.t.Fatalf("no OPEN packet in %q", payload)
	}
	return o, query + "&sid=" + o.ID()
}

// await waits for what no channel tells of.
func (f *fixture) await(condition func() bool) {
	f.t.Helper()
	testkit.Eventually(f.t, "what was awaited", condition)
}

// textMessage makes a message of this text.
func textMessage(t testing.TB, text string, attachments ...[]byte) *Message {
	t.Helper()
	m, err := NewMessage(len(text), func(dst []byte) ([]byte, [][]byte, error) {
		return append(dst, text...), attachments, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
