package socketio_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// The connect handler gets the auth payload in the form it asks for, or does
// without it.
func TestConnectAuth(t *testing.T) {
	type credentials struct {
		Token string `json:"token"`
	}
	got := make(chan string, 1)
	auth := map[string]any{"token": "secret"}
	tests := map[string]struct {
		handler any
		auth    any
		want    string
	}{
		"raw":              {func(v socketio.Value) { got <- v.String() }, auth, "{'token': 'secret'}"},
		"context and raw":  {func(_ *socketio.Context, v socketio.Value) { got <- v.String() }, auth, "{'token': 'secret'}"},
		"typed":            {func(c credentials) { got <- c.Token }, auth, "secret"},
		"context, typed":   {func(_ *socketio.Context, c credentials) { got <- c.Token }, auth, "secret"},
		"not asked for":    {func() { got <- "called" }, auth, "called"},
		"none":             {func(v socketio.Value) { got <- v.String() }, nil, "{}"},
		"none, typed":      {func(c credentials) { got <- "empty" + c.Token }, nil, "empty"},
		"none, a map":      {func(m map[string]string) { got <- fmt.Sprint(len(m)) }, nil, "0"},
		"with context end": {func(c *socketio.Context) { got <- fmt.Sprint(c.Context().Err()) }, nil, "<nil>"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]any{"connect": test.handler})
			socketiotest.Connect(t, s, socketiotest.Options{Auth: test.auth})
			if text := testkit.Await(t, got, "call of the handler"); text != test.want {
				t.Errorf("the handler got %s, want %s", text, test.want)
			}
		})
	}
}

// A connect handler sees the request: header, cookies, query.
func TestConnectRequest(t *testing.T) {
	got := make(chan string, 1)
	s := serve(t, map[string]any{"connect": func(c *socketio.Context) {
		r := c.Request()
		cookie, _ := r.Cookie("user")
		got <- fmt.Sprintf("%s, %s, %v", r.Header.Get("X-Test"), r.URL.Query().Get("room"), cookie)
	}})
	socketiotest.Connect(t, s, socketiotest.Options{
		Header: http.Header{"X-Test": {"header"}, "Cookie": {"user=bob"}},
		Query:  url.Values{"room": {"query"}},
	})
	if text := testkit.Await(t, got, "connect"); text != "header, query, user=bob" {
		t.Errorf("the handler saw %s", text)
	}
}

// A refused client is told why as far as it may know: a Refusal's message and data;
// of any other error nothing, and the error handler is told instead.
func TestConnectRefused(t *testing.T) {
	const rejected = "Connection rejected by server"
	tests := map[string]struct {
		handler       any
		message, data string
		failed        bool // the error handler is told
	}{
		"refusal":      {func() error { return socketio.Refuse("no") }, "no", "null", false},
		"with data":    {func() error { return &socketio.Refusal{Message: "no", Data: map[string]int{"code": 7}} }, "no", `{"code":7}`, false},
		"wrapped":      {func() error { return fmt.Errorf("while checking: %w", socketio.Refuse("no")) }, "no", "null", false},
		"plain error":  {func() error { return errors.New("internal secret") }, rejected, "null", true},
		"panic":        {func() { panic("internal secret") }, rejected, "null", true},
		"auth unfit":   {func(auth struct{ Token int }) {}, rejected, "null", true},
		"not a struct": {func(auth []string) {}, rejected, "null", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ended := make(chan string, 1)
			s := serve(t, map[string]any{
				"connect":    test.handler,
				"disconnect": func(reason string) { ended <- reason },
				"event":      func() {},
			})
			failed, told := failures()
			s.OnError(told)
			_, err := socketiotest.Dial(t, s, socketiotest.Options{Auth: map[string]string{"token": "x"}})
			var refused *socketiotest.RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("Dial returned %v", err)
			}
			if refused.Message != test.message || refused.Data.String() != test.data {
				t.Errorf("refused with %q and %s, want %q and %s", refused.Message, refused.Data, test.message, test.data)
			}
			if test.failed {
				if f := testkit.Await(t, failed, "failure"); f.event != "connect" {
					t.Errorf("the error handler was told of %q", f.event)
				}
			}
			if ids := s.To().Clients(); len(ids) > 0 {
				t.Errorf("a refused client is among %v", ids)
			}
			if len(failed) > 0 || len(ended) > 0 {
				t.Error("the error handler or the disconnect handler was called")
			}
		})
	}
}

// A refusal is for the namespace: the connection goes on, and may try again.
func TestConnectAgainAfterARefusal(t *testing.T) {
	s := serve(t, nil)
	register(t, s.Of("/members"), map[string]any{"connect": func(auth struct{ Token string }) error {
		if auth.Token != "secret" {
			return socketio.Refuse("members only")
		}
		return nil
	}})
	guest := join(t, s)
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/members", Over: guest}); err == nil {
		t.Fatal("the client was not refused")
	}
	socketiotest.Connect(t, s, socketiotest.Options{
		Namespace: "/members", Over: guest, Auth: map[string]string{"token": "secret"},
	})
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/nowhere", Over: guest}); err == nil || err.Error() != `connection refused: "Invalid namespace"` {
		t.Errorf("an unknown namespace: %v", err)
	}
}

// What a connect handler emits, by any way, reaches the client in that order, and
// behind its CONNECT reply: the test client takes an event that comes before for a
// fault.
func TestEmitsWhileConnecting(t *testing.T) {
	s := serve(t, nil)
	register(t, s.Namespace, map[string]any{"connect": func(c *socketio.Context) error {
		c.Join("room")
		return errors.Join(
			c.Emit("hello", "direct"),
			s.Emit("hello", "broadcast"),
			c.To("room").Emit("hello", "room"),
			s.To(c.ID()).Emit("hello", "sid"),
			c.Others().Emit("hello", "others"),
		)
	}})
	first := join(t, s)
	hears(t, first, `hello ["direct"]`, `hello ["broadcast"]`, `hello ["room"]`, `hello ["sid"]`)
	hears(t, join(t, s), `hello ["direct"]`, `hello ["broadcast"]`, `hello ["room"]`, `hello ["sid"]`)
	hears(t, first, `hello ["broadcast"]`, `hello ["room"]`, `hello ["others"]`)
}

// What was emitted to a client that is then refused never reaches it, also not when
// it connects afterwards.
func TestEmitsToARefusedClient(t *testing.T) {
	s := serve(t, map[string]any{"connect": func(c *socketio.Context, auth struct{ Fine bool }) error {
		c.Join("room")
		if err := c.Emit("hello", auth.Fine); err != nil || auth.Fine {
			return err
		}
		return socketio.Refuse("no")
	}})
	register(t, s.Of("/other"), nil)
	over := joinAs(t, s, "/other")
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Over: over}); err == nil {
		t.Fatal("the client was not refused")
	}
	if ids := s.To("room").Clients(); len(ids) > 0 {
		t.Errorf("in the room are %v", ids)
	}
	c := socketiotest.Connect(t, s, socketiotest.Options{Over: over, Auth: map[string]bool{"fine": true}})
	hears(t, c, `hello [true]`)
}

// The disconnect handler is told why the client went, or does without it.
func TestDisconnectReasons(t *testing.T) {
	tests := map[string]struct {
		leave func(*socketiotest.Client, *socketio.Server)
		want  string
	}{
		"client disconnects": {func(c *socketiotest.Client, _ *socketio.Server) { c.Disconnect() }, "client disconnect"},
		"connection lost":    {func(c *socketiotest.Client, _ *socketio.Server) { c.Drop() }, "transport close"},
		"server disconnects": {func(c *socketiotest.Client, s *socketio.Server) { s.To(c.ID()).Disconnect() }, "server disconnect"},
		"server goes down":   {func(_ *socketiotest.Client, s *socketio.Server) { _ = s.Shutdown(limit(t)) }, "server shutting down"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reasons := make(chan string, 2)
			ids := make(chan string, 1)
			s := serve(t, map[string]any{"disconnect": func(c *socketio.Context, reason string) {
				reasons <- reason
				ids <- c.ID()
			}})
			c := join(t, s)
			test.leave(c, s)
			if reason := testkit.Await(t, reasons, "disconnect"); reason != test.want {
				t.Errorf("the reason is %q, want %q", reason, test.want)
			}
			if id := testkit.Await(t, ids, "id"); id != c.ID() {
				t.Errorf("the handler was told of %q, the client was %q", id, c.ID())
			}
			if err := s.Shutdown(limit(t)); err != nil {
				t.Error(err)
			}
			if len(reasons) > 0 {
				t.Error("the disconnect handler was called twice")
			}
		})
	}
	for name, handler := range map[string]func(chan string) any{
		"without reason": func(done chan string) any { return func() { done <- "" } },
		"raw":            func(done chan string) any { return func(v socketio.Value) { done <- v.String() } },
		"context alone":  func(done chan string) any { return func(c *socketio.Context) { done <- c.ID() } },
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan string, 1)
			c := join(t, serve(t, map[string]any{"disconnect": handler(done)}))
			want := map[string]string{"raw": "client disconnect", "context alone": c.ID()}[name]
			c.Disconnect()
			if got := testkit.Await(t, done, "disconnect"); got != want {
				t.Errorf("the handler got %q, want %q", got, want)
			}
		})
	}
}
