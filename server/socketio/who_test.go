package socketio_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// socketOf finds a client in a list.
func socketOf(t *testing.T, all []socketio.Socket, id string) socketio.Socket {
	t.Helper()
	i := slices.IndexFunc(all, func(s socketio.Socket) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("%s is not among %+v", id, all)
	}
	return all[i]
}

func TestSockets(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	s := serve(t, map[string]any{
		"enter": func(c *socketio.Context, room string) {
			c.Join(room)
			c.SetData("name", "Ann")
			c.SetData("bytes", []byte{1, 2})
			c.SetData("hidden", make(chan int)) // which no JSON can write
			c.SetData("gone", 1)
			c.SetData("gone", func() {})
			c.Set("secret", "the session's")
		},
	})
	options := socketiotest.Options{Auth: map[string]any{"token": 1, "b": nil}, Header: http.Header{"X-Test": {"1"}}}
	a, b := socketiotest.Connect(t, s, options), join(t, s)
	a.Call("enter", "room")
	all, err := s.To().Sockets(limit(t))
	if err != nil || len(all) != 2 {
		t.Fatalf("found %+v, %v", all, err)
	}
	got := socketOf(t, all, a.ID())
	slices.Sort(got.Rooms)
	rooms := []string{a.ID(), "room"}
	slices.Sort(rooms)
	var auth struct{ Token int }
	if err := got.Auth.Decode(&auth); err != nil || auth.Token != 1 {
		t.Errorf("auth %s, %v", got.Auth, err)
	}
	if !slices.Equal(got.Rooms, rooms) || got.Address != "192.0.2.1" || got.Transport != "polling" ||
		got.Since.Before(before) || time.Since(got.Since) > testkit.Deadline {
		t.Errorf("found %+v", got)
	}
	bytes, _ := got.Data["bytes"].Bytes()
	if got.Data["name"].String() != "Ann" || string(bytes) != "\x01\x02" || len(got.Data) != 2 {
		t.Errorf("data %v", got.Data)
	}
	other := socketOf(t, all, b.ID())
	if other.Auth.String() != "{}" || other.Data == nil || len(other.Data) != 0 {
		t.Errorf("found %+v", other)
	}

	for what, test := range map[string]struct {
		of   *socketio.Target
		want int
	}{
		"all": {s.To(), 2}, "a room": {s.To("room"), 1}, "no such room": {s.To("nobody"), 0},
		"all but a room": {s.Except("room"), 1}, "several": {s.To("room", b.ID(), a.ID()), 2}, "here": {s.To().Local(), 2},
		"another namespace": {s.Of("/other").To(), 0}, "all namespaces that clients make": {s.Of("*").To(), 0},
	} {
		n, err := test.of.Count(limit(t))
		list, listed := test.of.Sockets(limit(t))
		if n != test.want || len(list) != test.want || err != nil || listed != nil || list == nil {
			t.Errorf("%s: %d, %v, %v, %v", what, n, err, list, listed)
		}
	}
	if _, err := s.To("").Count(limit(t)); err == nil {
		t.Error("the empty name was taken for a room")
	}
	if _, err := s.To("").Sockets(limit(t)); err == nil {
		t.Error("the empty name was taken for a room")
	}
}

// What SetData was given may be changed afterwards by whoever gave it.
func TestDataIsShownAsItWas(t *testing.T) {
	values := map[string]int{"n": 1}
	s := serve(t, map[string]any{
		"set":    func(c *socketio.Context) { c.SetData("values", values) },
		"change": func() { values["n"]++ },
	})
	c := join(t, s)
	c.Call("set")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			c.Call("change")
		}
	}()
	for range 100 {
		all, err := s.To().Sockets(context.Background())
		if err != nil || len(all) != 1 || all[0].Data["values"].String() != "{'n': 1}" {
			t.Fatalf("found %+v, %v", all, err)
		}
	}
	<-done
}

// Ask on a target returns at once; its callback is told once what all have acknowledged.
func TestAskManyClients(t *testing.T) {
	type told struct {
		answers []socketio.Answer
		err     error
	}
	replies := make(chan told, 10)
	s := serve(t, map[string]any{
		"begin": func(c *socketio.Context) error {
			return c.To("room").Ask(func(answers []socketio.Answer, err error) { replies <- told{answers, err} }, "question", 1)
		},
		"enter": func(c *socketio.Context) { c.Join("room") },
	})
	a, b, other := join(t, s), join(t, s), join(t, s)
	a.Call("enter")
	b.Call("enter")
	a.Call("begin") // and the handler has returned
	for i, c := range []*socketiotest.Client{a, b} {
		c.Receive("question").Ack(i, "x")
	}
	got := testkit.Await(t, replies, "callback")
	seen := make(map[string]string)
	for _, answer := range got.answers {
		seen[answer.Client] = show(answer.Values)
	}
	if got.err != nil || fmt.Sprint(seen) != fmt.Sprint(map[string]string{a.ID(): "[0 x]", b.ID(): "[1 x]"}) {
		t.Errorf("the callback was told %v, %v", seen, got.err)
	}
	a.Call("begin")
	a.Receive("question").Ack("here")
	b.Receive("question")
	b.Drop()
	if got := testkit.Await(t, replies, "callback"); got.err != socketio.ErrDisconnected || len(got.answers) != 1 {
		t.Errorf("the callback was told %v", got)
	}
	if err := s.To("nobody").Ask(func(answers []socketio.Answer, err error) { replies <- told{answers, err} }, "question"); err != nil {
		t.Error(err)
	}
	if got := testkit.Await(t, replies, "callback"); got.err != nil || len(got.answers) != 0 {
		t.Errorf("the callback was told %v", got)
	}
	if err := s.To().Ask(func([]socketio.Answer, error) { replies <- told{} }, "connect"); err == nil {
		t.Error("a reserved name was sent")
	}
	other.Call("enter")
	if more := other.Received(); len(more) > 0 || len(replies) > 0 {
		t.Errorf("received %v, and %d more callbacks", more, len(replies))
	}
}
