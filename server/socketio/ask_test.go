package socketio_test

import (
	"context"
	"errors"
	"testing"

	"hipflask/server/internal/extras"
	"hipflask/server/internal/fanout"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// reply is what a callback of Ask was told.
type reply struct {
	text string
	err  error
}

// Ask returns at once, so that its handler's client goes on; the callback is told once what
// was acknowledged, or that the client is gone.
func TestAsk(t *testing.T) {
	replies := make(chan reply, 10)
	s := serve(t, map[string]any{
		"begin": func(c *socketio.Context) error {
			return c.Ask(func(answer []socketio.Value, err error) { replies <- reply{show(answer), err} }, "question", 1)
		},
		"fails": func(c *socketio.Context) (string, error) {
			err := c.Ask(func([]socketio.Value, error) { replies <- reply{} }, "disconnect")
			return err.Error(), nil
		},
		"end": func() {},
	})
	c := join(t, s)
	c.Call("begin")
	c.Call("begin")
	first, second := c.Receive("question"), c.Receive("question")
	second.Ack("two", nil)
	if got := testkit.Await(t, replies, "callback"); got != (reply{"[two None]", nil}) {
		t.Errorf("the callback was told %v", got)
	}
	first.Ack()
	if got := testkit.Await(t, replies, "callback"); got != (reply{"[]", nil}) {
		t.Errorf("the callback was told %v", got)
	}
	answers(t, c.Call("fails"), `"event name \"disconnect\" is reserved"`)
	c.Call("begin")
	c.Receive("question")
	c.Drop()
	if got := testkit.Await(t, replies, "callback"); !errors.Is(got.err, socketio.ErrDisconnected) || len(replies) > 0 {
		t.Errorf("the callback was told %v, and %d more were called", got, len(replies))
	}
}

// A callback that panics costs itself, and nothing else.
func TestAskWhoseCallbackPanics(t *testing.T) {
	s := serve(t, map[string]any{
		"begin": func(c *socketio.Context) error {
			return c.Ask(func([]socketio.Value, error) { panic("a callback's") }, "question")
		},
		"end": func() int { return 1 },
	})
	c := join(t, s)
	c.Call("begin")
	c.Receive("question").Ack()
	answers(t, c.Call("end"), "1")
}

// quick are other servers, with one client, which answers at once.
type quick struct {
	fanout.Peers
	answered chan struct{}
}

func (quick) Attach(*fanout.Adapter) {}
func (quick) Detach(*fanout.Adapter) {}

func (q quick) Call(_ context.Context, _ string, _ fanout.Event, _ fanout.Selection, answer func(fanout.Answer)) error {
	answer(fanout.Answer{Client: "elsewhere"})
	close(q.answered)
	return nil
}

// Clients of other servers may answer before those of this one do, which are waited for
// all the same, and for no more of them than there are.
func TestCallThatOtherServersAnswerFirst(t *testing.T) {
	peers := quick{answered: make(chan struct{})}
	s := socketiotest.NewServer(t, with(extras.Extras{Peers: peers}))
	c := join(t, s)
	done := make(chan error, 1)
	var answers []socketio.Answer
	go func() {
		var err error
		answers, err = s.To().Call(limit(t), "question")
		done <- err
	}()
	testkit.Await(t, peers.answered, "answer of other servers")
	c.Receive("question").Ack()
	if err := testkit.Await(t, done, "end of Call"); err != nil || len(answers) != 2 {
		t.Errorf("Call returned %v, %v; want two answers", answers, err)
	}
}

// The empty name in the place of a room reaches the client itself, as in Flask, and never
// nobody in silence.
func TestRoomWithoutAName(t *testing.T) {
	s := serve(t, map[string]any{
		"say":   func(c *socketio.Context, room string) error { return c.To(room).Emit("said") },
		"join":  func(c *socketio.Context, room string) { c.Join(room, "other") },
		"rooms": func(c *socketio.Context) int { return len(c.Rooms()) },
	})
	a, b := join(t, s), join(t, s)
	a.Call("say", "")
	hears(t, a, "said []")
	if more := b.Received(); len(more) > 0 {
		t.Errorf("somebody else received %v", more)
	}
	a.Call("join", "")
	answers(t, a.Call("rooms"), "1")
	for name, err := range map[string]error{
		"a namespace":  s.To("").Emit("x"),
		"among others": s.To("room", "").Emit("x"),
		"added":        s.To("room").To("").Emit("x"),
		"a call":       func() error { _, err := s.To("").Call(limit(t), "x"); return err }(),
	} {
		if err == nil {
			t.Errorf("%s: the empty name was taken for a room", name)
		}
	}
	s.To("").Join("room")
	s.To("").Disconnect()
	s.To("").Close()
	if ids := s.To("").Clients(); len(ids) > 0 || len(s.To().Clients()) != 2 {
		t.Errorf("%v are in no room", ids)
	}
}
