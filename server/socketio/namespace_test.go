package socketio_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// "*" gets the events that have no handler, with their names, and acknowledges.
func TestCatchAllEvent(t *testing.T) {
	s := serve(t, map[string]any{
		"known": func() string { return "known" },
		"*": func(_ *socketio.Context, event string, args ...socketio.Value) string {
			return fmt.Sprintf("%s%v", event, args)
		},
	})
	c := join(t, s)
	answers(t, c.Call("known"), `"known"`)
	answers(t, c.Call("unknown"), `"unknown[]"`)
	answers(t, c.Call("other one", 1, "two"), `"other one[1 two]"`)
}

// connect and disconnect are not for "*", which Flask keeps out of it, too.
func TestCatchAllIsNotForConnectAndDisconnect(t *testing.T) {
	caught := make(chan string, 10)
	s := serve(t, map[string]any{"*": func(event string, _ ...socketio.Value) { caught <- event }})
	c := join(t, s)
	c.Call("event")
	c.Disconnect()
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	if got := testkit.Await(t, caught, "event"); got != "event" || len(caught) > 0 {
		t.Errorf("caught %q and %d more", got, len(caught))
	}
}

// Without "*" an unknown event is neither answered nor a failure.
func TestUnknownEvent(t *testing.T) {
	s := serve(t, map[string]any{"known": func() {}})
	failed, told := failures()
	s.OnErrorDefault(told)
	c := join(t, s)
	unknown := c.Start("unknown", 1)
	c.Call("known")
	if len(unknown) > 0 || len(failed) > 0 {
		t.Error("the unknown event was answered, or told as a failure")
	}
}

// Of("*") stands for every namespace without handlers of its own.
func TestCatchAllNamespace(t *testing.T) {
	s := serve(t, nil)
	register(t, s.Of("/own"), map[string]any{"who": func() string { return "own" }})
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/any"}); err == nil {
		t.Fatal("an unknown namespace took a client")
	}
	register(t, s.Of("*"), map[string]any{
		"connect": func(_ *socketio.Context, auth struct{ Refuse bool }) error {
			if auth.Refuse {
				return socketio.Refuse("no")
			}
			return nil
		},
		"who":  func(c *socketio.Context) string { return c.Namespace() },
		"tell": func(c *socketio.Context, text string) error { return c.To().Emit("told", text) },
	})
	one, two, other := joinAs(t, s, "/one"), joinAs(t, s, "/one"), joinAs(t, s, "/other/deep")
	answers(t, one.Call("who"), `"/one"`)
	answers(t, other.Call("who"), `"/other/deep"`)
	answers(t, joinAs(t, s, "/own").Call("who"), `"own"`)
	one.Call("tell", "x")
	hears(t, one, `told ["x"]`)
	hears(t, two, `told ["x"]`)
	if more := other.Received(); len(more) > 0 {
		t.Errorf("another namespace received %v", more)
	}
	if err := s.Of("*").Emit("everywhere"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*socketiotest.Client{one, two, other} {
		hears(t, c, "everywhere []")
	}
	_, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/one", Auth: map[string]bool{"refuse": true}})
	if err == nil || err.Error() != `connection refused: "no"` {
		t.Errorf("Dial returned %v", err)
	}
}

// class is a Namespace class: its methods handle events.
type class struct{ heard chan string }

func (c *class) OnConnect(client *socketio.Context) { c.heard <- "connect " + client.Namespace() }
func (c *class) OnDisconnect(reason string)         { c.heard <- "disconnect " + reason }
func (c *class) OnMessage(v socketio.Value) string  { return "message " + v.String() }
func (c *class) OnMyEvent(n int) int                { return n + 1 }
func (c *class) Helper()                            { c.heard <- "never" }

// Handle registers the On methods under their events.
func TestHandle(t *testing.T) {
	s := serve(t, nil)
	v := &class{heard: make(chan string, 10)}
	if err := s.Of("/class").Handle(v); err != nil {
		t.Fatal(err)
	}
	c := joinAs(t, s, "/class")
	if got := testkit.Await(t, v.heard, "connect"); got != "connect /class" {
		t.Errorf("heard %q", got)
	}
	answers(t, c.Call("message", "x"), `"message x"`)
	answers(t, c.Call("my_event", 1), "2")
	c.Disconnect()
	if got := testkit.Await(t, v.heard, "disconnect"); got != "disconnect client disconnect" {
		t.Errorf("heard %q", got)
	}
}

type (
	classWithout   struct{}
	classWithFault struct{}
)

func (classWithout) Helper()                      {}
func (classWithFault) OnConnect(_, _, _ struct{}) {}

// Handle refuses what has nothing to register, and names the method that does not fit.
func TestHandleRefuses(t *testing.T) {
	s := serve(t, nil)
	if err := s.Handle(classWithout{}); err == nil || !strings.Contains(err.Error(), "classWithout") {
		t.Errorf("without methods: %v", err)
	}
	if err := s.Handle(classWithFault{}); err == nil || !strings.Contains(err.Error(), "connect") {
		t.Errorf("with a method that does not fit: %v", err)
	}
}

// Middleware: the first added is the outermost, around connect and disconnect as
// well, and it may change what comes and what goes.
func TestMiddleware(t *testing.T) {
	s := serve(t, map[string]any{"add": func(a, b int) int { return a + b }})
	var mu sync.Mutex
	var steps []string
	note := func(name string) socketio.Middleware {
		return func(next socketio.Handler) socketio.Handler {
			return func(c *socketio.Context, event string, args []socketio.Value) ([]any, error) {
				add := func(step string) {
					mu.Lock()
					defer mu.Unlock()
					steps = append(steps, step)
				}
				add(name + " before " + event)
				reply, err := next(c, event, args)
				add(name + " after " + event)
				return append(reply, name), err
			}
		}
	}
	s.Use(note("outer"))
	s.Use(note("inner"))
	c := join(t, s)
	answers(t, c.Call("add", 1, 2), "3", `"inner"`, `"outer"`)
	c.Disconnect()
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, event := range []string{"connect", "add", "disconnect"} {
		want = append(want, "outer before "+event, "inner before "+event, "inner after "+event, "outer after "+event)
	}
	if !slices.Equal(steps, want) {
		t.Errorf("the steps were %q", steps)
	}
}

// Middleware may refuse: a client, or an event, which then fails.
func TestMiddlewareRefuses(t *testing.T) {
	called := make(chan string, 10)
	s := serve(t, map[string]any{
		"connect": func() { called <- "connect" },
		"secret":  func() { called <- "secret" },
		"fine":    func() {},
	})
	denied := errors.New("denied")
	s.Use(func(next socketio.Handler) socketio.Handler {
		return func(c *socketio.Context, event string, args []socketio.Value) ([]any, error) {
			switch {
			case event == "connect" && c.Request().Header.Get("X-User") == "":
				return nil, socketio.Refuse("who are you?")
			case event == "secret":
				return nil, denied
			}
			return next(c, event, args)
		}
	})
	failed, told := failures()
	s.OnError(told)
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{}); err == nil || err.Error() != `connection refused: "who are you?"` {
		t.Errorf("Dial returned %v", err)
	}
	if len(called) > 0 {
		t.Errorf("the handler of %q was called", <-called)
	}
	c := socketiotest.Connect(t, s, socketiotest.Options{Header: map[string][]string{"X-User": {"bob"}}})
	unanswered := c.Start("secret")
	c.Call("fine")
	if f := testkit.Await(t, failed, "failure"); f.event != "secret" || !errors.Is(f.err, denied) {
		t.Errorf("told of %+v", f)
	}
	if testkit.Await(t, called, "connect") != "connect" || len(called) > 0 || len(unanswered) > 0 {
		t.Error("the refused event was handled or acknowledged")
	}
}

// Middleware is for its own namespace, and sees events that nobody handles.
func TestMiddlewareIsOneNamespaces(t *testing.T) {
	s := serve(t, nil)
	answer := func(socketio.Handler) socketio.Handler {
		return func(_ *socketio.Context, event string, _ []socketio.Value) ([]any, error) {
			return []any{"instead of " + event}, nil
		}
	}
	register(t, s.Of("/other"), map[string]any{"event": func() string { return "handled" }})
	s.Use(answer)
	answers(t, join(t, s).Call("unknown"), `"instead of unknown"`)
	answers(t, joinAs(t, s, "/other").Call("event"), `"handled"`)
}

// A handler that takes the place of another says so in the log, and one can be removed.
func TestHandlersReplacedAndRemoved(t *testing.T) {
	log := new(bytes.Buffer)
	s := socketiotest.NewServer(t, socketio.Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	register(t, s.Namespace, map[string]any{"event": func() int { return 1 }, "*": func(...socketio.Value) int { return 3 }})
	if log.Len() > 0 {
		t.Errorf("the log says %s", log)
	}
	register(t, s.Namespace, map[string]any{"event": func() int { return 2 }})
	if text := log.String(); !strings.Contains(text, "handler replaced") || !strings.Contains(text, "event=event") {
		t.Errorf("the log says %q", text)
	}
	c := join(t, s)
	answers(t, c.Call("event"), "2")
	s.Off("event")
	s.Off("never there")
	answers(t, c.Call("event"), "3")
	s.Off("*")
	unanswered := c.Start("event")
	register(t, s.Namespace, map[string]any{"end": func() {}})
	c.Call("end")
	if len(unanswered) > 0 {
		t.Error("a handler that was removed has answered")
	}
}
