package socketio_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

func TestOutgoingEventsOfOneClient(t *testing.T) {
	told := make(chan string, 100)
	s := serve(t, nil)
	register(t, s.Namespace, map[string]any{
		"connect": func(c *socketio.Context) error {
			c.OnOutgoing(func(event string, args []socketio.Value) { told <- event + " " + show(args) })
			return c.Emit("early", 1) // before the client knows that it is connected
		},
		"do": func(c *socketio.Context) (string, error) {
			err := errors.Join(
				c.Emit("direct", "x", []byte{1}, map[string]int{"n": 1}),
				s.Emit("all"),
				c.To("nobody").Emit("nobody"),
				c.Others().Emit("others"),
				c.To(c.ID()).Volatile().Emit("volatile"), // to who is between two polls it does not go
				c.Ask(func([]socketio.Value, error) {}, "question", nil, 2),
				c.To(c.ID()).Ask(func([]socketio.Answer, error) {}, "question", 3),
			)
			return "an acknowledgement is no event", err
		},
		"off": func(c *socketio.Context) { c.OnOutgoing(nil) },
	})
	c := join(t, s)
	c.Call("do")
	var got []string
	for len(got) == 0 || got[len(got)-1] != "question [3]" {
		got = append(got, testkit.Await(t, told, "event"))
	}
	got = slices.DeleteFunc(got, func(event string) bool { return event == "volatile []" })
	want := []string{"early [1]", `direct [x b'\x01' {'n': 1}]`, "all []", "question [None 2]", "question [3]"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	c.Call("off")
	c.Call("do")
	if len(told) > 0 {
		t.Errorf("told %q after the listener was taken away", <-told)
	}
}

func TestOutgoingEventsOfANamespace(t *testing.T) {
	told := make(chan string, 100)
	s := serve(t, nil)
	register(t, s.Namespace, map[string]any{
		"do": func(c *socketio.Context) error {
			c.Join("room")
			_ = c.Emit("direct", 1)
			_ = c.To("room").Emit("room", 2)
			_ = s.Of("/other").Emit("other")
			return s.Emit("all", 3)
		},
	})
	s.OnOutgoing(func(to *socketio.Target, event string, args []socketio.Value) {
		told <- fmt.Sprint(event, " ", show(args), " ", len(to.Clients()))
	})
	a := join(t, s)
	join(t, s)
	a.Call("do")
	for _, want := range []string{"direct [1] 1", "room [2] 1", "all [3] 2"} {
		if got := testkit.Await(t, told, "event"); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	s.OnOutgoing(nil)
	a.Call("do")
	if len(told) > 0 {
		t.Errorf("told %q after the listener was taken away", <-told)
	}
	s.Of("*").OnOutgoing(func(_ *socketio.Target, event string, _ []socketio.Value) { told <- event })
	joinAs(t, s, "/new")
	joinAs(t, s, "/newer")
	if err := s.Of("*").Emit("dynamic"); err != nil {
		t.Fatal(err)
	}
	if got := testkit.Await(t, told, "event"); got != "dynamic" || len(told) > 0 {
		t.Errorf("told %q, and %d more", got, len(told))
	}
}

// lineWriter takes the lines of a log.
type lineWriter chan string

func (w lineWriter) Write(line []byte) (int, error) {
	select {
	case w <- string(line):
	default:
	}
	return len(line), nil
}

// What waits for a listener that stands still is bounded, and what is left out is logged;
// the clients go on.
func TestListenerOfOutgoingEventsThatStandsStill(t *testing.T) {
	stands, standing := make(chan struct{}), make(chan struct{}, 1)
	events := make(chan int, 10_000)
	logged := make(lineWriter, 100)
	s := socketiotest.NewServer(t, socketio.Options{Logger: slog.New(slog.NewTextHandler(logged, nil))})
	register(t, s.Namespace, map[string]any{
		"listen": func(c *socketio.Context) {
			c.OnOutgoing(func(_ string, args []socketio.Value) {
				select {
				case standing <- struct{}{}:
				default:
				}
				<-stands
				events <- len(args)
			})
		},
	})
	c := join(t, s)
	c.Call("listen")
	before := s.Held()
	big := strings.Repeat("x", 64<<10)
	const sent = 200
	for range sent {
		if err := s.To(c.ID()).Emit("e", big); err != nil {
			t.Fatal(err)
		}
		c.Receive("e") // which does not wait for the listener
	}
	testkit.Await(t, standing, "listener")
	if held := s.Held() - before; held > 2<<20 {
		t.Errorf("%d bytes wait for the listener", held)
	}
	for !strings.Contains(testkit.Await(t, logged, "line of the log"), "listener of OnOutgoing is too slow") {
	}
	close(stands)
	for range 10 {
		testkit.Await(t, events, "event")
	}
	c.Call("listen")
	if err := s.To(c.ID()).Emit("e", strings.Repeat("x", 900_000)); err != nil { // alone it has room
		t.Fatal(err)
	}
	testkit.Await(t, standing, "listener")
}
