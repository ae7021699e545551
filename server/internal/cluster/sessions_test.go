package cluster_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/fanout"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// sessionServer is a server of a cluster whose clients may come back to any.
func sessionServer(t *testing.T, url string) *member {
	t.Helper()
	m := start(t, url, streaming, recovering)
	for event, fn := range map[string]any{
		"join":  func(c *socketio.Context, room string) { c.Join(room) },
		"leave": func(c *socketio.Context, room string) { c.Leave(room) },
		"rooms": func(c *socketio.Context) []string { return slices.Sorted(slices.Values(c.Rooms())) },
		"back":  func(c *socketio.Context) bool { return c.Recovered() },
		"set": func(c *socketio.Context, n int) {
			c.Set("n", n)
			c.SetData("data", map[string]any{"n": n, "bytes": []byte{byte(n)}})
		},
		"get": func(c *socketio.Context) string {
			n, _ := socketio.As[int](c.Get("n"))
			return fmt.Sprint(n, c.Data("data"))
		},
	} {
		on(t, m, event, fn)
	}
	return m
}

// comesBack connects a client to the session that it had.
func comesBack(t *testing.T, m *member, old *socketiotest.Client, want bool) *socketiotest.Client {
	t.Helper()
	return comesBackWith(t, m, old, old.Key(), want)
}

func comesBackWith(t *testing.T, m *member, old *socketiotest.Client, key map[string]string, want bool) *socketiotest.Client {
	t.Helper()
	c := socketiotest.Connect(t, m.Server, socketiotest.Options{Auth: key})
	if got := c.Call("back")[0].String(); got != text("%v", want) {
		t.Fatalf("came back: %s, want %v", got, want)
	}
	if want && c.ID() != old.ID() {
		t.Fatalf("came back as %s, was %s", c.ID(), old.ID())
	}
	return c
}

func outcomes(m *member) map[fanout.Outcome]uint64 { return m.cluster.Stats().Stream.Sessions.Outcomes }

// A client that is cut off comes back to another server: with its id, its rooms, what is
// kept for it, and what it was to be sent, by the rooms that it was in at the time.
func TestSessionGoesElsewhere(t *testing.T) {
	redis := redistest.Start(t)
	a, b := sessionServer(t, redis.URL()), sessionServer(t, redis.URL())
	witness := b.join(t)
	c := a.join(t)
	c.Call("join", "room")
	c.Call("set", 7)
	must(t, a.Emit("n", 0))
	hearsFirst(t, c, 0)
	witness.Next()
	stale := c.Key() // it is cut off before it reads what follows
	must(t, a.To("room").Emit("n", 1))
	hearsFirst(t, c, 1)
	c.Call("leave", "room")
	c.Drop()
	must(t, b.To("room").Emit("not to it"))
	must(t, b.To(c.ID()).Emit("n", 2))
	must(t, b.Except(c.ID()).Emit("not to it"))
	must(t, b.Emit("n", 3))
	witness.Next()
	witness.Next()
	again := comesBackWith(t, b, c, stale, true)
	must(t, a.Emit("n", 4))
	for n := 1; n < 5; n++ {
		hearsFirst(t, again, n)
	}
	if got := again.Call("get")[0].String(); got != `"7 map[bytes:[7] n:7]"` {
		t.Errorf("kept %s", got)
	}
	if got := again.Call("rooms")[0].String(); got != text("[%q]", c.ID()) {
		t.Errorf("rooms %s", got)
	}
	if got := outcomes(b); got[fanout.FromOther] != 1 {
		t.Errorf("outcomes %v", got)
	}
}

// hearsFirst checks the next event, whose arguments are n and an offset.
func hearsFirst(t *testing.T, c *socketiotest.Client, n int) {
	t.Helper()
	e := c.Next()
	if e.Name != "n" || e.Args[0].String() != text("%d", n) {
		t.Fatalf("received %s, want n %d", e, n)
	}
}

// One that nobody has missed yet is ended at the other server, whose disconnect handler runs
// first, and what that does to the session counts.
func TestSessionIsTakenFromALivingConnection(t *testing.T) {
	redis := redistest.Start(t)
	a, b := sessionServer(t, redis.URL()), sessionServer(t, redis.URL())
	on(t, a, "disconnect", func(c *socketio.Context, _ string) {
		time.Sleep(20 * time.Millisecond)
		c.SetData("data", "late")
	})
	c := a.join(t)
	c.Call("join", "room")
	must(t, a.Emit("n", 0))
	hearsFirst(t, c, 0)
	must(t, a.To("room").Emit("n", 1))
	again := comesBack(t, b, c, true)
	c.AwaitDisconnect()
	must(t, a.To("room").Emit("n", 2))
	hearsFirst(t, again, 1)
	hearsFirst(t, again, 2)
	if got := again.Call("get")[0].String(); got != `"0late"` {
		t.Errorf("kept %s", got)
	}
	third := comesBack(t, a, again, true) // and to and fro
	must(t, b.To("room").Emit("n", 3))
	hearsFirst(t, third, 3)
	testkit.Eventually(t, "one has it", func() bool { return len(b.To().Clients()) == 1 && b.cluster.Stats().Stream.Sessions.Kept == 0 })
}
