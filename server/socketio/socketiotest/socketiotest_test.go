package socketiotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/socketio"
)

func serve(t testing.TB, handlers map[string]any) *socketio.Server {
	t.Helper()
	s := NewServer(t, socketio.Options{})
	for event, handler := range handlers {
		if err := s.On(event, handler); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// recorder stands in for a test, to see how it would have failed.
type recorder struct {
	testing.TB // nil: what is not below is not used

	mu       sync.Mutex
	log      string
	failed   string
	cleanups []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log += fmt.Sprintf(format, args...) + "\n"
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed += fmt.Sprintf(format, args...) + "\n"
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// record runs test as a test of its own, with its cleanups.
func record(test func(t testing.TB)) *recorder {
	r := new(recorder)
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	for len(r.cleanups) > 0 {
		last := r.cleanups[len(r.cleanups)-1]
		r.cleanups = r.cleanups[:len(r.cleanups)-1]
		last()
	}
	return r
}

// The fields of an event, and what goes to and fro in binary.
func TestEvents(t *testing.T) {
	s := serve(t, map[string]any{
		"echo": func(c *socketio.Context, args ...socketio.Value) error {
			return c.Emit("echoed", args[0], args[1])
		},
	})
	c := Connect(t, s, Options{})
	c.Emit("echo", map[string]any{"text": "a\x1eb", "raw": []byte{0, 255}}, 7)
	e := c.Receive("echoed")
	var first struct {
		Text string
		Raw  []byte
	}
	var second int
	if err := e.Decode(&first, &second); err != nil {
		t.Fatal(err)
	}
	if e.Name != "echoed" || first.Text != "a\x1eb" || string(first.Raw) != "\x00\xff" || second != 7 {
		t.Errorf("received %s", e)
	}
	if err := e.Decode(&first); err == nil || !strings.Contains(err.Error(), "2 arguments, not 1") {
		t.Errorf("Decode into one: %v", err)
	}
	if err := e.Decode(&first, &first); err == nil || !strings.Contains(err.Error(), "argument 2, 7") {
		t.Errorf("Decode of the wrong type: %v", err)
	}
	if _, ok := e.Args[0].Bytes(); ok || e.Args[0].IsNull() {
		t.Error("an object is neither bytes nor null")
	}
	e.Ack("nobody asked") // and so nobody is told
	if text := (Event{Name: "none"}).String(); text != "none []" {
		t.Errorf("an event without arguments is %s", text)
	}
}

// Receive leaves the events of other names, in their order, for Next and Received.
func TestReceive(t *testing.T) {
	s := serve(t, map[string]any{"go": func(c *socketio.Context) {
		for i, event := range []string{"a", "b", "a", "c"} {
			_ = c.Emit(event, i)
		}
	}})
	c := Connect(t, s, Options{})
	c.Call("go")
	if got := c.Receive("b").String() + c.Receive("a").String() + c.Next().String(); got != "b [1]a [0]a [2]" {
		t.Errorf("received %s", got)
	}
	if rest := fmt.Sprint(c.Received(), c.Received()); rest != "[c [3]] []" {
		t.Errorf("left were %s", rest)
	}
}

// A refusal is an error that says what the client was told.
func TestRefused(t *testing.T) {
	s := serve(t, map[string]any{"connect": func(auth struct{ Data any }) error {
		return &socketio.Refusal{Message: "no", Data: auth.Data}
	}})
	_, err := Dial(t, s, Options{Auth: map[string]any{"data": []int{1}}})
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Message != "no" || refused.Data.String() != "[1]" {
		t.Errorf("Dial returned %v", err)
	}
	if err.Error() != `connection refused: "no" with [1]` {
		t.Errorf("the error says %v", err)
	}
	if _, err := Dial(t, s, Options{}); err == nil || err.Error() != `connection refused: "no"` {
		t.Errorf("without data the error says %v", err)
	}
	if _, err := Dial(t, s, Options{Auth: "text"}); err == nil || !strings.Contains(err.Error(), "auth") {
		t.Errorf("auth that is no object: %v", err)
	}
	_, err = Dial(t, s, Options{Header: http.Header{"Origin": {"http://elsewhere.example"}}})
	if err == nil || !strings.Contains(err.Error(), "handshake: GET was answered 400") {
		t.Errorf("a foreign origin: %v", err)
	}
}

// Two clients of one connection end together, and each by itself.
func TestOver(t *testing.T) {
	s := serve(t, nil)
	if err := s.Of("/other").On("event", func() int { return 1 }); err != nil {
		t.Fatal(err)
	}
	one := Connect(t, s, Options{})
	other := Connect(t, s, Options{Namespace: "/other", Over: one})
	if _, err := Dial(t, s, Options{Over: other}); err == nil || !strings.Contains(err.Error(), "a client of / already") {
		t.Errorf("a second client of the same namespace: %v", err)
	}
	one.Disconnect()
	one.Disconnect() // once is enough
	if got := other.Call("event"); len(got) != 1 {
		t.Errorf("acknowledged with %v", got)
	}
	one = Connect(t, s, Options{Over: other})
	other.Drop()
	one.AwaitDisconnect()
	if _, err := Dial(t, s, Options{Over: one}); err == nil {
		t.Error("a client connected over a connection that is cut")
	}
}

// A server that is down ends its clients.
func TestServerGoesDown(t *testing.T) {
	s := serve(t, map[string]any{"block": func(c *socketio.Context) { <-c.Context().Done() }})
	c := Connect(t, s, Options{})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.AwaitDisconnect()
	if answer := c.Start("event"); answer != nil {
		if _, ok := <-answer; ok {
			t.Error("a client that is disconnected got an acknowledgement")
		}
	}
}

// What does not happen fails the test, and says what did happen.
func TestFailures(t *testing.T) {
	// short gives a client a short timeout, for where what it waits for never comes.
	short := func(c *Client) *Client { c.timeout = 10 * time.Millisecond; return c }
	handlers := map[string]any{
		"emit": func(c *socketio.Context) error { return c.Emit("other", 1) },
		"fail": func() error { return errors.New("the reason") },
		"go":   func(c *socketio.Context) { c.Disconnect() },
	}
	tests := map[string]struct {
		test func(t testing.TB, c *Client)
		want []string
	}{
		"no event": {func(_ testing.TB, c *Client) { c.Call("emit"); short(c).Receive("event") },
			[]string{`no event "event" within 10ms; waiting are [other [1]]`}},
		"no event at all": {func(_ testing.TB, c *Client) { short(c).Next() }, []string{"no event within 10ms"}},
		"no ack":          {func(_ testing.TB, c *Client) { short(c).Call("fail") }, []string{`"fail" was not acknowledged within 10ms`}},
		"disconnected before the event": {func(_ testing.TB, c *Client) { c.Emit("go"); c.Receive("event") },
			[]string{`no event "event": the server disconnected the client`}},
		"disconnected before the ack": {func(_ testing.TB, c *Client) { c.Disconnect(); c.Call("emit") },
			[]string{`"emit" was not acknowledged: the client has disconnected`}},
		"emit over a cut connection": {func(_ testing.TB, c *Client) { c.Drop(); c.Emit("emit") },
			[]string{`"emit" was not sent: the connection is over`}},
		"unwritable": {func(_ testing.TB, c *Client) { c.Emit("emit", make(chan int)) }, []string{`"emit" was not sent`, "chan int"}},
		"reserved":   {func(_ testing.TB, c *Client) { c.Emit("connect") }, []string{`"connect" was not sent`, "reserved"}},
		"not disconnected": {func(_ testing.TB, c *Client) { short(c).AwaitDisconnect() },
			[]string{"did not disconnect the client within 10ms"}},
		"refused": {func(t testing.TB, _ *Client) {
			s := serve(t, map[string]any{"connect": func() error { return socketio.Refuse("no") }})
			Connect(t, s, Options{})
		}, []string{`connection refused: "no"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := record(func(t testing.TB) {
				test.test(t, Connect(t, serve(t, handlers), Options{}))
				t.Errorf("the test went on")
			})
			for _, want := range test.want {
				if !strings.Contains(r.failed, want) {
					t.Errorf("failed with %q, want %q", r.failed, want)
				}
			}
			if strings.Contains(r.failed, "went on") || strings.Count(r.failed, "\n") != 1 {
				t.Errorf("failed with %q", r.failed)
			}
		})
	}
}

// The server's log is the test's: it says why an event failed.
func TestLog(t *testing.T) {
	r := record(func(t testing.TB) {
		c := Connect(t, serve(t, map[string]any{"fail": func() error { return errors.New("the reason") }, "fine": func() {}}), Options{})
		c.Emit("fail")
		c.Call("fine")
	})
	if r.failed != "" || !strings.Contains(r.log, "the reason") {
		t.Errorf("failed with %q and logged %q", r.failed, r.log)
	}
}

// A handler that never ends fails its test and does not hang it, also while the client's sending
// waits for it.
func TestHandlerThatBlocks(t *testing.T) {
	release := make(chan struct{})
	var s *socketio.Server
	r := record(func(t testing.TB) {
		s = socketio.New(socketio.Options{MaxQueuedEvents: 1, Logger: slog.New(slog.DiscardHandler)}) // not NewServer, whose Shutdown would wait for the handler
		if err := s.On("block", func() { <-release }); err != nil {
			t.Fatal(err)
		}
		c := Connect(t, s, Options{})
		c.conn.timeout = 10 * time.Millisecond
		for range 4 {
			c.Emit("block")
		}
		t.Errorf("the test went on")
	})
	if !strings.Contains(r.failed, `"block" was not sent: the server did not take it within 10ms`) || strings.Contains(r.failed, "went on") {
		t.Errorf("failed with %q", r.failed)
	}
	close(release)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who waits for an acknowledgement may have it, and end the client, before the client has the
// answer to its POST: the acknowledgement is none that was not sent.
func TestDropBeforeAnAcknowledgementIsAnswered(t *testing.T) {
	s := serve(t, nil)
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.ServeHTTP(w, r)
		if bytes.HasPrefix(body, []byte("43")) { // an acknowledgement
			<-r.Context().Done()
		}
	})
	r := record(func(t testing.TB) {
		conn, err := open(slow, Options{}, DefaultTimeout)
		if err != nil {
			t.Fatal(err)
		}
		c := Connect(t, s, Options{Over: &Client{conn: conn}})
		acknowledged := make(chan struct{})
		go func() {
			defer close(acknowledged)
			c.Receive("question").Ack("yes")
		}()
		ctx, cancel := context.WithTimeout(context.Background(), DefaultTimeout)
		defer cancel()
		if _, err := s.To(c.ID()).Call(ctx, "question"); err != nil {
			t.Errorf("Call: %v", err)
		}
		c.Drop()
		<-acknowledged
	})
	if r.failed != "" {
		t.Error(r.failed)
	}
}

// A connection that is cut is noticed at once, also with something still to fetch.
func TestDropWithSomethingToFetch(t *testing.T) {
	reasons := make(chan string, 1)
	s := serve(t, map[string]any{"disconnect": func(reason string) { reasons <- reason }})
	// Polls come through only once they are given up, when CONNECT's answer waits.
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Query().Has("sid") {
			<-r.Context().Done()
		}
		s.ServeHTTP(w, r)
	})
	c, err := open(slow, Options{}, DefaultTimeout)
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan struct{})
	if err := s.On("connect", func() { close(connected) }); err != nil {
		t.Fatal(err)
	}
	if err := c.post("40"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-connected:
	case <-time.After(DefaultTimeout):
		t.Fatal("the connect handler was not called")
	}
	c.drop()
	select {
	case reason := <-reasons:
		if reason != "transport close" {
			t.Errorf("the reason is %q", reason)
		}
	case <-time.After(DefaultTimeout):
		t.Error("the server did not notice")
	}
}

// After a test nothing that it started is running, however it left its clients.
func TestNothingIsLeft(t *testing.T) {
	for name, leave := range map[string]func(*Client){
		"as it is":     func(*Client) {},
		"disconnected": (*Client).Disconnect,
		"dropped":      (*Client).Drop,
		"mid-call":     func(c *Client) { c.Start("ask"); c.Receive("question") },
	} {
		t.Run(name, func(t *testing.T) {
			r := record(func(t testing.TB) {
				s := serve(t, nil)
				ask := func(c *socketio.Context) {
					s.Go(func(ctx context.Context) { _, _ = c.Call(ctx, "question") })
				}
				if err := s.On("ask", ask); err != nil {
					t.Fatal(err)
				}
				leave(Connect(t, s, Options{}))
			})
			if r.failed != "" {
				t.Error(r.failed)
			}
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			for stack := range strings.SplitSeq(string(stacks), "\n\n") {
				if strings.Contains(stack, "socketiotest.(*conn)") {
					t.Errorf("still running:\n%s", stack)
				}
			}
		})
	}
}
