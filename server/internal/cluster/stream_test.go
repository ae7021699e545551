package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/cluster"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// streaming has servers hear each other through a stream.
func streaming(c *cluster.Options, _ *socketio.Options) { c.Streams = true }

// short keeps little in it.
func short(c *cluster.Options, _ *socketio.Options) { c.Length = 1000 }

// recovering lets clients come back.
func recovering(_ *cluster.Options, s *socketio.Options) { s.Recovery = time.Minute }

// numbered emits numbers, from and up to.
func numbered(t *testing.T, m *member, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		must(t, m.Emit("n", n))
	}
}

// hearsNumbers checks that they come, each once and in order, with nothing in between.
func hearsNumbers(t *testing.T, c *socketiotest.Client, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		hears(t, c, text(`n [%d]`, n))
	}
}

// away waits until a server has noticed that Redis is away.
func away(t *testing.T, m *member) {
	t.Helper()
	testkit.Eventually(t, "it notices that Redis is away", func() bool { return m.cluster.Ready() != nil })
}

// What is emitted while a server is cut off from Redis reaches its clients when it is back, and
// what it emitted itself reaches the others.
func TestStreamReachesWhoWasCutOff(t *testing.T) {
	redis := redistest.Start(t)
	g := newProxy(t, redis)
	a, b := start(t, redis.URL(), streaming), start(t, g.URL(), streaming)
	here, there := a.join(t), b.join(t)
	numbered(t, a, 0, 10)
	hearsNumbers(t, there, 0, 10)
	g.Refuse()
	away(t, b)
	numbered(t, a, 10, 2000)
	hearsNumbers(t, here, 0, 2000)
	must(t, b.Emit("mine"))
	g.Reopen()
	hearsNumbers(t, there, 10, 2000)
	hears(t, there, "mine []")
	hears(t, here, "mine []")
	testkit.Eventually(t, "all is counted, which is after it was passed on", func() bool {
		s := b.cluster.Stats().Stream
		return s.Read >= 2001 && s.Written >= 1
	})
	if s := b.cluster.Stats(); s.Stream.Holes != 0 || s.Dropped != 0 || s.Stream.Read != 2001 || s.Stream.Written != 1 {
		t.Errorf("stats %+v, stream %+v", s, *s.Stream)
	}
}

// Clients for whom something is lost do not go on as if nothing had happened, and do not come back
// to their sessions.
func TestStreamTrimmedTooSoon(t *testing.T) {
	redis := redistest.Start(t)
	g := newProxy(t, redis)
	a, b := start(t, redis.URL(), streaming, short), start(t, g.URL(), streaming, short, recovering)
	on(t, b, "back", func(c *socketio.Context) bool { return c.Recovered() })
	here, there := a.join(t), b.join(t)
	numbered(t, a, 0, 2)
	hears(t, here, "n [0]", "n [1]")
	there.Next()
	there.Next()
	g.Refuse()
	away(t, b)
	numbered(t, a, 2, 5000)
	hearsNumbers(t, here, 2, 5000)
	g.Reopen()
	there.AwaitDisconnect()
	again := socketiotest.Connect(t, b.Server, socketiotest.Options{Auth: there.Key()})
	if got := again.Call("back"); got[0].String() != "false" {
		t.Error("the client came back to a session with a hole")
	}
	if got := b.cluster.Stats().Stream.Holes; got != 1 {
		t.Errorf("%d holes", got)
	}
	numbered(t, a, 5000, 5001)
	for !strings.HasPrefix(again.Next().String(), "n [5000,") {
	}
}

// TestStreamReplacedWithinAMillisecond: ids begin with the time, so a stream that takes the place
// of another can go on where that one ended, and hide that it has lost some.
func TestStreamReplacedWithinAMillisecond(t *testing.T) {
	redis := redistest.Start(t)
	m := start(t, redis.URL(), streaming, recovering)
	on(t, m, "back", func(c *socketio.Context) bool { return c.Recovered() })
	c, away := m.join(t), m.join(t)
	const ms = 1 << 42 // in the future, where nothing else is
	add := func(ms, n int, text string) {
		data := fmt.Sprintf(`{"packet":{"type":2,"data":[%q]},"opts":{"rooms":[],"except":[],"flags":{}}}`, text)
		redis.Do("XADD", "socket.io", fmt.Sprintf("%d-%d", ms, n), "uid", "another", "nsp", "/", "type", "3", "data", data)
	}
	add(ms-1, 0, "first")
	add(ms, 0, "a")
	add(ms, 1, "b")
	for _, text := range []string{"first", "a", "b"} {
		for _, client := range []*socketiotest.Client{c, away} {
			if got := client.Next().String(); !strings.HasPrefix(got, text+" [") {
				t.Fatalf("heard %s", got)
			}
		}
	}
	away.Drop() // it has seen all that was read
	testkit.Eventually(t, "its session is written", func() bool { return m.cluster.Stats().Stream.Sessions.Kept == 1 })
	redis.Do("DEL", "socket.io")
	add(ms, 0, "c")
	add(ms, 1, "d")
	add(ms, 2, "e") // which alone is read
	c.AwaitDisconnect()
	again := comesBack(t, m, c, false)
	comesBack(t, m, away, false)
	add(ms, 3, "f")
	for !strings.HasPrefix(again.Next().String(), "f [") {
	}
	if got := m.cluster.Stats().Stream.Holes; got != 1 {
		t.Errorf("%d holes", got)
	}
}

// on registers a handler.
func on(t *testing.T, m *member, event string, fn any) {
	t.Helper()
	must(t, m.On(event, fn))
}

// While Redis is away, what has an order waits, and what has none does not.
func TestStreamWhileRedisIsAway(t *testing.T) {
	redis := redistest.Start(t)
	g := newProxy(t, redis)
	m := start(t, g.URL(), streaming)
	on(t, m, "talk", func(c *socketio.Context) error {
		must(t, m.Emit("first"))
		must(t, c.Emit("second"))
		return m.Emit("third")
	})
	c := m.join(t)
	g.Refuse()
	away(t, m)
	c.Emit("talk")
	c.Call("talk") // the one before is over as well
	must(t, m.To().Volatile().Emit("volatile"))
	must(t, m.To().Local().Emit("local"))
	hears(t, c, "local []")
	if s := m.cluster.Stats().Stream; s.Waiting != 4 || s.WaitingBytes == 0 {
		t.Errorf("what waits: %+v", *s)
	}
	g.Reopen()
	hears(t, c, "first []", "second []", "third []", "first []", "second []", "third []")
	must(t, m.Emit("end"))
	hears(t, c, "end []")
}

// What waits is bounded, and what is given up is counted.
func TestStreamGivesUpTheOldest(t *testing.T) {
	redis := redistest.Start(t)
	g := newProxy(t, redis)
	m := start(t, g.URL(), streaming, func(_ *cluster.Options, s *socketio.Options) { s.MaxBacklog = 1 << 30 })
	c := m.join(t)
	g.Refuse()
	away(t, m)
	const all = 400
	large := strings.Repeat("x", 100<<10)
	for n := range all {
		must(t, m.Emit("n", n, large))
	}
	s := m.cluster.Stats()
	kept := s.Stream.Waiting
	if int(s.Dropped) < all-kept || kept > 350 || kept < 200 {
		t.Errorf("%d dropped, stream %+v", s.Dropped, *s.Stream)
	}
	g.Reopen()
	last := -1
	for range kept {
		var n int
		must(t, c.Next().Args[0].Decode(&n))
		if n <= last {
			t.Fatalf("heard %d behind %d", n, last)
		}
		last = n
	}
	if last != all-1 {
		t.Errorf("the last was %d", last)
	}
}

// What one handler says comes in the order in which it was said, whichever way it takes, and a
// client is sent all that was said before it is disconnected.
func TestStreamKeepsTheOrderOfAHandler(t *testing.T) {
	for name, more := range map[string]func(*cluster.Options, *socketio.Options){"plain": streaming, "recovery": recovering} {
		t.Run(name, func(t *testing.T) {
			redis := redistest.Start(t)
			m := start(t, redis.URL(), streaming, more)
			on(t, m, "talk", func(c *socketio.Context, n int) error {
				for i := range 4 {
					var err error
					switch k := 4*n + i; i {
					case 0:
						err = c.Emit("n", k)
					case 1:
						err = m.Emit("n", k)
					case 2:
						err = m.To(c.ID()).Emit("n", k)
					case 3:
						err = c.Emit("n", k)
					}
					must(t, err)
				}
				return nil
			})
			on(t, m, "leave", func(c *socketio.Context) error {
				must(t, m.Emit("n", 400))
				must(t, c.Emit("n", 401))
				c.Disconnect()
				return nil
			})
			c := m.join(t)
			for n := range 100 {
				c.Emit("talk", n)
			}
			c.Emit("leave")
			for n := range 402 {
				if got := c.Next().Args[0].String(); got != text("%d", n) {
					t.Fatalf("heard %s, want %d", got, n)
				}
			}
			c.AwaitDisconnect()
		})
	}
}

// A disconnect waits for what was said before, but not for a Redis that is away.
func TestStreamDisconnectsWithoutRedis(t *testing.T) {
	redis := redistest.Start(t)
	g := newProxy(t, redis)
	m := start(t, g.URL(), streaming)
	on(t, m, "leave", func(c *socketio.Context) error {
		must(t, m.Emit("never heard"))
		c.Disconnect()
		return nil
	})
	c := m.join(t)
	g.Refuse()
	away(t, m)
	c.Emit("leave")
	c.AwaitDisconnect()
}

// A client that was cut off is told the entry's id as the offset, and gets what it missed.
func TestStreamRecovery(t *testing.T) {
	redis := redistest.Start(t)
	m := start(t, redis.URL(), streaming, recovering)
	on(t, m, "join", func(c *socketio.Context, room string) { c.Join(room) })
	on(t, m, "back", func(c *socketio.Context) bool { return c.Recovered() })
	c, witness := m.join(t), m.join(t)
	c.Call("join", "room")
	must(t, m.Emit("n", 0))
	if e := c.Next(); len(e.Args) != 2 || !strings.Contains(e.Args[1].String(), "-") {
		t.Fatalf("received %s, want an id behind the argument", e)
	}
	witness.Next()
	c.Drop()
	for n := 1; n < 5; n++ {
		must(t, m.To("room").Emit("n", n))
		must(t, m.To(witness.ID()).Emit("w", n))
		witness.Next()
	}
	must(t, m.To().Local().Emit("local"))
	again := socketiotest.Connect(t, m.Server, socketiotest.Options{Auth: c.Key()})
	if got := again.Call("back"); got[0].String() != "true" {
		t.Fatal("the client did not come back to its session")
	}
	for n := 1; n < 5; n++ {
		if got := again.Next().Args[0].String(); got != text("%d", n) {
			t.Errorf("heard %s, want %d", got, n)
		}
	}
	if more := again.Received(); len(more) > 0 {
		t.Errorf("received %v as well", more)
	}
}

// Who leaves the cluster writes first what it has said.
func TestStreamEndsWithWhatWasSaid(t *testing.T) {
	redis := redistest.Start(t)
	a, b := start(t, redis.URL(), streaming), start(t, redis.URL(), streaming)
	there := b.join(t)
	numbered(t, a, 0, 1000)
	must(t, a.cluster.Close(t.Context()))
	hearsNumbers(t, there, 0, 1000)
	redis.Freeze()
	defer redis.Thaw()
	numbered(t, b, 0, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := b.cluster.Close(ctx); err == nil || !strings.Contains(err.Error(), "given up") {
		t.Errorf("closed with %v", err)
	}
}
