package socketio_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// journal keeps a log for a test to look at.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// logged makes a server whose log the test can read.
func logged(t *testing.T) (*socketio.Server, *journal) {
	t.Helper()
	j := new(journal)
	opts := socketio.Options{}
	opts.Logger = slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return socketiotest.NewServer(t, opts), j
}

// The error handler of a namespace is told of its own; the default one of the rest.
func TestErrorHandlers(t *testing.T) {
	s := serve(t, nil)
	broken := errors.New("broken")
	handlers := map[string]any{"fail": func() error { return broken }, "fine": func() {}}
	own, toldOwn := failures()
	rest, toldRest := failures()
	for _, name := range []string{"/", "/own", "/rest"} {
		register(t, s.Of(name), handlers)
	}
	s.Of("/own").OnError(toldOwn)
	s.OnErrorDefault(toldRest)
	for _, name := range []string{"/", "/own", "/rest"} {
		c := joinAs(t, s, name)
		c.Emit("fail")
		c.Call("fine")
		failed := rest
		if name == "/own" {
			failed = own
		}
		if f := testkit.Await(t, failed, "failure in "+name); f.event != "fail" || !errors.Is(f.err, broken) || f.sid != c.ID() {
			t.Errorf("%s: told of %+v", name, f)
		}
	}
	if len(own)+len(rest) > 0 {
		t.Error("a failure was told twice")
	}
}

// Without an error handler a failure is logged; a panic with its stack.
func TestErrorsAreLogged(t *testing.T) {
	s, log := logged(t)
	register(t, s.Namespace, map[string]any{
		"fail":  func() error { return errors.New("it is broken") },
		"boom":  func() { panic("it exploded") },
		"typed": func(int) {},
		"fine":  func() {},
	})
	c := join(t, s)
	c.Emit("fail")
	c.Emit("boom")
	c.Emit("typed", "x")
	c.Emit("unknown")
	c.Call("fine")
	for _, want := range []string{
		"level=ERROR msg=\"event failed\" namespace=/ event=fail connection=", " error=\"it is broken\"",
		"event=boom", "it exploded", "errors_test.go", // the stack
		"event=typed",
		"level=DEBUG msg=\"event ignored\" namespace=/ event=unknown",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

// A panic reaches the error handler with its value and stack, costs the one event,
// and the next of the same client are handled.
func TestPanics(t *testing.T) {
	s := serve(t, map[string]any{
		"boom":  func(text string) { panic(errors.New(text)) },
		"index": func(i int) int { return []int{1}[i] },
		"fine":  func() string { return "fine" },
	})
	failed, told := failures()
	s.OnError(told)
	c := join(t, s)
	lost := c.Start("boom", "exploded")
	c.Emit("index", 7)
	answers(t, c.Call("fine"), `"fine"`)
	for _, want := range []string{"exploded", "index out of range"} {
		f := testkit.Await(t, failed, "failure")
		var p *socketio.PanicError
		if !errors.As(f.err, &p) || !strings.Contains(fmt.Sprint(p.Value), want) {
			t.Fatalf("told of %v, want %s", f.err, want)
		}
		if !strings.Contains(f.err.Error(), want) || !bytes.Contains(p.Stack, []byte("errors_test.go")) {
			t.Errorf("told of %v with the stack\n%s", f.err, p.Stack)
		}
	}
	if len(lost) > 0 {
		t.Error("the event that panicked was acknowledged")
	}
}

// An error handler that panics is logged, and costs nothing more.
func TestPanicInTheErrorHandler(t *testing.T) {
	s, log := logged(t)
	register(t, s.Namespace, map[string]any{"fail": func() error { return errors.New("broken") }, "fine": func() {}})
	s.OnError(func(*socketio.Context, string, error) { panic("no better") })
	c := join(t, s)
	c.Emit("fail")
	c.Call("fine")
	if !strings.Contains(log.String(), "error handler panicked") || !strings.Contains(log.String(), "no better") {
		t.Errorf("the log lacks the panic:\n%s", log)
	}
}

// An error handler can answer the client, as any handler can.
func TestErrorHandlerEmits(t *testing.T) {
	s := serve(t, map[string]any{"fail": func() error { return errors.New("broken") }})
	s.OnErrorDefault(func(c *socketio.Context, event string, err error) { _ = c.Emit("failed", event, err.Error()) })
	c := join(t, s)
	c.Emit("fail")
	hears(t, c, `failed ["fail","broken"]`)
}

// A failing disconnect handler is told like any other.
func TestDisconnectHandlerFails(t *testing.T) {
	s := serve(t, map[string]any{"disconnect": func() error { return errors.New("broken") }})
	failed, told := failures()
	s.OnError(told)
	join(t, s).Disconnect()
	if f := testkit.Await(t, failed, "failure"); f.event != "disconnect" || f.err.Error() != "broken" {
		t.Errorf("told of %+v", f)
	}
}
