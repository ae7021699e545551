package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// The events of one connection are handled one after another, in the order they
// were sent: connect first, disconnect last, whatever the namespace.
func TestOrder(t *testing.T) {
	const each = 100
	var running atomic.Int32
	var steps []string // the race detector watches: nothing but the order guards it
	step := func(c *socketio.Context, name string) {
		if running.Add(1) > 1 {
			t.Error("two handlers of one connection run at the same time")
		}
		steps = append(steps, c.Namespace()+" "+name)
		running.Add(-1)
	}
	s := serve(t, nil)
	for _, name := range []string{"/", "/other"} {
		register(t, s.Of(name), map[string]any{
			"connect":    func(c *socketio.Context) { step(c, "connect") },
			"event":      func(c *socketio.Context, i int) { step(c, fmt.Sprint(i)) },
			"disconnect": func(c *socketio.Context) { step(c, "disconnect") },
		})
	}
	one := join(t, s)
	other := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Over: one})
	want := []string{"/ connect", "/other connect"}
	for i := range each {
		one.Emit("event", i)
		other.Emit("event", i)
		want = append(want, fmt.Sprint("/ ", i), fmt.Sprint("/other ", i))
	}
	other.Disconnect()
	one.Disconnect()
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	if want = append(want, "/other disconnect", "/ disconnect"); !slices.Equal(steps, want) {
		t.Errorf("the steps were %q", steps)
	}
}

// What one client is sent arrives in the order it was emitted, whichever way it
// takes: emit, broadcast, room, acknowledgement.
func TestOrderOfEmits(t *testing.T) {
	const rounds = 50
	s := serve(t, nil)
	register(t, s.Namespace, map[string]any{
		"connect": func(c *socketio.Context) { c.Join("room") },
		"go": func(c *socketio.Context) {
			for i := range rounds {
				_ = c.Emit("e", i, "emit")
				_ = s.Emit("e", i, "broadcast")
				_ = c.To("room").Emit("e", i, "room")
				_ = s.To(c.ID()).Emit("e", i, "sid")
			}
		},
	})
	c := join(t, s)
	c.Call("go")
	got := c.Received() // behind the acknowledgement nothing is outstanding
	var want []string
	for i := range rounds {
		for _, way := range []string{"emit", "broadcast", "room", "sid"} {
			want = append(want, fmt.Sprintf("e [%d,%q]", i, way))
		}
	}
	texts := []string{}
	for _, e := range got {
		texts = append(texts, e.String())
	}
	if !slices.Equal(texts, want) {
		t.Errorf("received %q", texts)
	}
}

// A handler that blocks holds up its own client's next events, and nobody else.
func TestBlockedHandlerHoldsUpNobodyElse(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := serve(t, map[string]any{
		"block": func() { close(entered); <-release },
		"fine":  func() string { return "fine" },
	})
	one, other := join(t, s), join(t, s)
	blocked, behind := one.Start("block"), one.Start("fine")
	testkit.Await(t, entered, "call of the handler")
	answers(t, other.Call("fine"), `"fine"`)
	answers(t, join(t, s).Call("fine"), `"fine"`)
	if err := s.Emit("all"); err != nil {
		t.Fatal(err)
	}
	hears(t, one, "all []")
	hears(t, other, "all []")
	if len(blocked)+len(behind) > 0 {
		t.Error("an event was handled out of turn")
	}
	close(release)
	answers(t, testkit.Await(t, blocked, "ack"))
	answers(t, testkit.Await(t, behind, "ack"), `"fine"`)
}

// With Options.AsyncHandlers the events of one client are handled at the same time:
// each handler here ends only once all have begun. connect still comes first.
func TestConcurrent(t *testing.T) {
	const together = 8
	s := socketiotest.NewServer(t, socketio.Options{AsyncHandlers: true})
	var all sync.WaitGroup
	all.Add(together)
	connected := false
	register(t, s.Namespace, map[string]any{
		"connect": func() { connected = true },
		"meet": func(i int) int {
			if !connected {
				t.Error("an event came before connect")
			}
			all.Done()
			all.Wait()
			return i
		},
		"boom": func() { panic("in a goroutine of its own") },
	})
	failed, told := failures()
	s.OnError(told)
	c := join(t, s)
	c.Emit("boom")
	var under []<-chan []socketiotest.Value
	for i := range together {
		under = append(under, c.Start("meet", i))
	}
	for i, answer := range under {
		answers(t, testkit.Await(t, answer, "ack"), fmt.Sprint(i))
	}
	if f := testkit.Await(t, failed, "failure"); f.event != "boom" {
		t.Errorf("told of %+v", f)
	}
}

// How many handlers of one client run at the same time is bounded; the rest waits.
func TestConcurrentIsBounded(t *testing.T) {
	const most = 64
	s := socketiotest.NewServer(t, socketio.Options{AsyncHandlers: true})
	entered, release := make(chan struct{}, 2*most), make(chan struct{})
	register(t, s.Namespace, map[string]any{"block": func() { entered <- struct{}{}; <-release }})
	c := join(t, s)
	var under []<-chan []socketiotest.Value
	for range most + 1 {
		under = append(under, c.Start("block"))
	}
	for range most {
		testkit.Await(t, entered, "call of the handler")
	}
	if len(entered) > 0 {
		t.Errorf("more than %d handlers run at the same time", most)
	}
	close(release)
	for _, answer := range under {
		testkit.Await(t, answer, "ack")
	}
}

// The session is kept for one client, and is there from connect to disconnect.
func TestSession(t *testing.T) {
	last := make(chan any, 2)
	s := serve(t, map[string]any{
		"connect":    func(c *socketio.Context, auth struct{ Name string }) { c.Set("name", auth.Name) },
		"name":       func(c *socketio.Context) any { return c.Get("name") },
		"rename":     func(c *socketio.Context, name string) { c.Set("name", name) },
		"missing":    func(c *socketio.Context) bool { return c.Get("nothing") == nil },
		"disconnect": func(c *socketio.Context) { last <- c.Get("name") },
	})
	as := func(name string) *socketiotest.Client {
		return socketiotest.Connect(t, s, socketiotest.Options{Auth: map[string]string{"name": name}})
	}
	bob, eve := as("bob"), as("eve")
	bob.Call("rename", "robert")
	answers(t, bob.Call("name"), `"robert"`)
	answers(t, eve.Call("name"), `"eve"`)
	answers(t, eve.Call("missing"), "true")
	bob.Disconnect()
	if name := testkit.Await(t, last, "disconnect"); name != "robert" {
		t.Errorf("at the end the name is %v", name)
	}
}

// A Context stays the same from connect to disconnect and ends with the client.
func TestContextOfAClient(t *testing.T) {
	contexts := make(chan *socketio.Context, 3)
	keep := func(c *socketio.Context) { contexts <- c }
	s := serve(t, map[string]any{"connect": keep, "event": keep, "disconnect": keep})
	client := join(t, s)
	c := testkit.Await(t, contexts, "connect")
	if c.ID() != client.ID() || c.Namespace() != "/" || c.Request().URL.Path != "/socket.io/" {
		t.Errorf("the context is of %s in %s over %s", c.ID(), c.Namespace(), c.Request().URL)
	}
	ended := c.Context()
	if ended.Err() != nil {
		t.Error("the context has ended while the client is connected")
	}
	client.Call("event")
	client.Disconnect()
	testkit.Await(t, ended.Done(), "end of the context")
	if testkit.Await(t, contexts, "event") != c || testkit.Await(t, contexts, "disconnect") != c {
		t.Error("another context came with event or disconnect")
	}
	if c.Context().Err() == nil {
		t.Error("the context of a client that left has not ended")
	}
}

// Background tasks end with the server; a panic in one ends that one.
func TestGo(t *testing.T) {
	s, log := logged(t)
	c := join(t, s)
	ended := make(chan error, 1)
	s.Go(func(context.Context) { panic("in the background") })
	s.Go(func(ctx context.Context) {
		_ = s.Emit("tick", 1)
		<-ctx.Done()
		ended <- context.Cause(ctx)
	})
	hears(t, c, "tick [1]")
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the task's context has no cause")
		}
	default:
		t.Error("Shutdown did not wait for the task")
	}
	if text := log.String(); !strings.Contains(text, "background task panicked") || !strings.Contains(text, "in the background") {
		t.Errorf("the log lacks the panic:\n%s", text)
	}
}

// A task that does not end holds Shutdown up until its context ends.
func TestGoThatDoesNotEnd(t *testing.T) {
	s := serve(t, nil)
	release := make(chan struct{})
	s.Go(func(context.Context) { <-release })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("Shutdown returned without an error while a task runs")
	}
	close(release)
}

// Shutdown waits for what handlers do, and for the disconnect handlers.
func TestShutdownWaitsForHandlers(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var steps []string
	note := func(step string) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, step)
	}
	s := serve(t, map[string]any{
		"slow":       func() { close(entered); <-release; note("handled") },
		"disconnect": func() { note("disconnect") },
	})
	join(t, s).Emit("slow")
	testkit.Await(t, entered, "call of the handler")
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(limit(t)) }()
	close(release)
	if err := testkit.Await(t, done, "end of Shutdown"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(steps, []string{"handled", "disconnect"}) {
		t.Errorf("the steps were %q", steps)
	}
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{}); err == nil {
		t.Error("a server that is down took a client")
	}
}
