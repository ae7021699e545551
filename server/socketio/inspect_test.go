package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"hipflask/server/internal/extras"
	"hipflask/server/internal/inspect"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// with are options of a server with these additions.
func with(more extras.Extras) socketio.Options {
	return socketio.Options{Context: extras.With(context.Background(), more)}
}

// What waits for a handler is counted until its turn has come, also when its client
// has left meanwhile.
func TestStatsCountWhatWaits(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	var view inspect.View
	s := socketiotest.NewServer(t, with(extras.Extras{View: func(v inspect.View) { view = v }}))
	register(t, s.Namespace, map[string]any{"slow": func() { began <- struct{}{}; <-goOn }})
	c := join(t, s)
	for range 3 {
		c.Emit("slow")
	}
	testkit.Await(t, began, "first event")
	waits(t, view, 2)
	c.Drop()
	waits(t, view, 2)
	for range 2 {
		goOn <- struct{}{}
		testkit.Await(t, began, "next event")
	}
	waits(t, view, 0)
	goOn <- struct{}{}
}

func waits(t *testing.T, view inspect.View, want int64) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprint(want, " packets that wait"), func() bool { return view.Stats().Waiting == want })
}

// The observer is told of handlers by the names that they were registered under.
func TestObserverOfHandlers(t *testing.T) {
	var mu sync.Mutex
	var told []string
	tell := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf(format, args...))
	}
	s := socketiotest.NewServer(t, with(extras.Extras{Hooks: inspect.Hooks{
		Handled: func(namespace, event string, took time.Duration) {
			if took <= 0 || took > testkit.Deadline {
				t.Errorf("%s took %v", event, took)
			}
			tell("%s %q", namespace, event)
		},
		Failed: func(namespace, event string, panicked bool) {
			tell("%s %q failed, panicked: %v", namespace, event, panicked)
		},
	}}))
	register(t, s.Namespace, map[string]any{
		"fine":  func() string { return "fine" },
		"fail":  func() error { return errors.New("no luck") },
		"panic": func() { panic("a handler with a fault") },
	})
	register(t, s.Of("*"), map[string]any{"connect": func() error { return socketio.Refuse("not today") }})
	register(t, s.Of("/all"), map[string]any{"*": func(string, ...socketio.Value) {}})
	c := join(t, s)
	c.Emit("fail")
	c.Emit("panic")
	c.Emit("nobody")
	c.Emit("fine", 1) // its handler takes nothing
	c.Emit("*")
	answers(t, c.Call("fine"), `"fine"`)
	all := joinAs(t, s, "/all")
	all.Call("whatever")
	all.Call("*")
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/elsewhere"}); err == nil {
		t.Error("the client was not refused")
	}

	mu.Lock()
	defer mu.Unlock()
	want := []string{
		`/ "connect"`, `/ "fail"`, `/ "fail" failed, panicked: false`, `/ "panic"`, `/ "panic" failed, panicked: true`,
		`/ ""`, `/ "fine"`, `/ "fine" failed, panicked: false`, `/ ""`, `/ "fine"`, `/all "connect"`, `/all "*"`, `/all "*"`,
		`* "connect"`,
	}
	if !slices.Equal(told, want) {
		t.Errorf("the observer was told %q, want %q", told, want)
	}
}
