package cluster_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/cluster"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/redislink"
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

// A client that is cut off comes back to another server: with its id, its rooms, what is kept for
// it, and what it was to be sent, by the rooms that it was in at the time.
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

// One that nobody has missed yet is ended at the other server, whose disconnect handler runs first,
// and what that does to the session counts.
func TestSessionIsTakenFromALivingConnection(t *testing.T) {
	redis := redistest.Start(t)
	a, b := sessionServer(t, redis.URL()), sessionServer(t, redis.URL())
	on(t, a, "disconnect", func(c *socketio.Context, _ string) {
		time.Sleep(20 * time.Millisecond) // the handler is slow: who does not wait for it has what was before
		c.SetData("data", "late")
	})
	c := a.join(t)
	c.Call("join", "room")
	must(t, a.Emit("n", 0))
	hearsFirst(t, c, 0)
	key := c.Key() // before it may hear what follows
	must(t, a.To("room").Emit("n", 1))
	again := comesBackWith(t, b, c, key, true)
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

// A client that left by itself, or was disconnected, does not come back.
func TestSessionEnds(t *testing.T) {
	redis := redistest.Start(t)
	a, b := sessionServer(t, redis.URL()), sessionServer(t, redis.URL())
	on(t, a, "leave namespace", func(c *socketio.Context) { c.Disconnect() })
	c := a.join(t)
	key := c.Key()
	c.Emit("leave namespace")
	c.AwaitDisconnect()
	testkit.Eventually(t, "its session is gone", func() bool { return len(redis.Do("KEYS", "sio:session:*").([]any)) == 0 })
	comesBackWith(t, b, c, key, false)
	if got := outcomes(b); got[fanout.NotFound] != 1 {
		t.Errorf("outcomes %v", got)
	}
}

// Whatever stands in Redis in the place of a session, its client is a new one, and nobody else is
// harmed.
func TestHardeningSessionsThatAreNone(t *testing.T) {
	redis := redistest.Start(t)
	m := sessionServer(t, redis.URL())
	victim := m.join(t)
	pack := func(v any) string {
		data, err := msgp.AppendIntf(nil, v)
		must(t, err)
		return base64.StdEncoding.EncodeToString(data)
	}
	type object = map[string]any
	refused := uint64(0)
	for name, put := range map[string]func(key string){
		"not base64":   func(key string) { redis.Do("SET", key, "§§§") },
		"not msgpack":  func(key string) { redis.Do("SET", key, base64.StdEncoding.EncodeToString([]byte("\xc1\xc1"))) },
		"ends early":   func(key string) { redis.Do("SET", key, pack(object{"sid": "s", "pid": "p", "rooms": []any{}})[:8]) },
		"JSON":         func(key string) { redis.Do("SET", key, base64.StdEncoding.EncodeToString([]byte(`{"sid":"s"}`))) },
		"a list":       func(key string) { redis.Do("SET", key, pack([]any{1})) },
		"huge":         func(key string) { redis.Do("SET", key, strings.Repeat("A", 2<<20)) },
		"another type": func(key string) { redis.Do("HSET", key, "a", "b") },
		"no rooms":     func(key string) { redis.Do("SET", key, pack(object{"sid": "s", "pid": "pid", "data": object{}})) },
		"rooms that are none": func(key string) {
			redis.Do("SET", key, pack(object{"sid": "s", "pid": "pid", "rooms": []any{object{}}}))
		},
		"a text for rooms": func(key string) { redis.Do("SET", key, pack(object{"sid": "s", "pid": "pid", "rooms": "room"})) },
		"data that is no object": func(key string) {
			redis.Do("SET", key, pack(object{"sid": "s", "pid": "pid", "rooms": []any{}, "data": 1}))
		},
		"an id that is none": func(key string) { redis.Do("SET", key, pack(object{"sid": 1, "pid": "pid", "rooms": []any{}})) },
		"another pid":        func(key string) { redis.Do("SET", key, pack(object{"sid": "s", "pid": "other", "rooms": []any{}})) },
		"another client's id": func(key string) {
			redis.Do("SET", key, pack(object{"sid": victim.ID(), "pid": "pid", "rooms": []any{}}))
		},
		"another namespace": func(key string) {
			redis.Do("SET", key, pack(object{"sid": "s", "pid": "pid", "rooms": []any{},
				"hipflask": object{"v": 1, "nsp": "/admin", "since": "0-0", "known": "0-0", "stays": []any{}}}))
		},
		"positions that are none": func(key string) {
			redis.Do("SET", key, pack(object{"sid": "s", "pid": "pid", "rooms": []any{},
				"hipflask": object{"v": 1, "nsp": "/", "since": "x", "known": "0-0", "stays": []any{}}}))
		},
	} {
		put("sio:session:pid")
		must(t, m.Emit("n", 0))
		victim.Receive("n")
		key := victim.Key() // from where a client could go on
		key["pid"] = "pid"
		c := socketiotest.Connect(t, m.Server, socketiotest.Options{Auth: key})
		if got := c.Call("back")[0].String(); got != "false" {
			t.Errorf("%s: the client came back to it", name)
		}
		if refused++; outcomes(m)[fanout.Unreadable] != refused {
			t.Errorf("%s: outcomes %v", name, outcomes(m))
		}
		redis.Do("DEL", "sio:session:pid")
	}
	victim.Call("back")
	channel := fmt.Sprint(redis.Do("PUBSUB", "CHANNELS", "socket.io#session#*").([]any)[0])
	for _, bad := range []string{"", "{", `{"id":""}`, `{"id":"x","ask":"pid","from":"*"}`, `{"id":"x","session":"!"}`, strings.Repeat("x", 4<<20)} {
		redis.Publish(channel, bad)
	}
	testkit.Eventually(t, "they are refused", func() bool { return m.cluster.Stats().Refused >= 6 })
	victim.Call("back")
}

// What a server that has read all knows, another one may not, once the stream is trimmed: the
// client begins anew there, and it is counted.
func TestSessionWhoseHistoryIsGone(t *testing.T) {
	redis := redistest.Start(t)
	a := start(t, redis.URL(), streaming, recovering, short)
	on(t, a, "back", func(c *socketio.Context) bool { return c.Recovered() })
	knows, not := a.join(t), a.join(t)
	must(t, a.Emit("n", 0))
	hearsFirst(t, knows, 0)
	hearsFirst(t, not, 0)
	knows.Drop()
	not.Drop()
	numbered(t, a, 1, 5000)
	testkit.Eventually(t, "all is read", func() bool { return a.cluster.Stats().Stream.Read == 5000 })
	again := comesBack(t, a, knows, true)
	for n := 1; n < 5000; n++ {
		hearsFirst(t, again, n)
	}
	b := sessionServer(t, redis.URL())
	comesBack(t, b, not, false)
	if got := outcomes(b); got[fanout.Forgotten] != 1 {
		t.Errorf("outcomes %v", got)
	}
}

// A client does not go on from a place in what the stream has lost, once there is more in it: not by
// a session either that Redis has kept, or that was written anew.
func TestSessionOfAStreamThatIsLost(t *testing.T) {
	for name, lose := range map[string]func(redis *redistest.Server, first any, others []any){
		"all of it": func(redis *redistest.Server, _ any, _ []any) { redis.Do("DEL", "socket.io") },
		"the newest": func(redis *redistest.Server, first any, others []any) {
			redis.Do(append([]any{"XDEL", "socket.io"}, others...)...)
			redis.Do("XSETID", "socket.io", first)
		},
	} {
		t.Run(name, func(t *testing.T) {
			redis := redistest.Start(t)
			m := sessionServer(t, redis.URL()+"?socket_timeout=1") // it looks twice a second
			c := m.join(t)
			for n := range 2 {
				must(t, m.Emit("n", n))
				hearsFirst(t, c, n)
			}
			c.Drop()
			must(t, m.Emit("n", 2)) // which it misses
			testkit.Eventually(t, "all is read and written", func() bool {
				s := m.cluster.Stats().Stream
				return s.Read == 3 && s.Sessions.Kept == 0
			})
			var ids []any
			for _, e := range redis.Do("XRANGE", "socket.io", "-", "+").([]any) {
				ids = append(ids, e.([]any)[0])
			}
			lose(redis, ids[0], ids[1:])
			testkit.Eventually(t, "it is noticed", func() bool { return m.cluster.Stats().Stream.Holes == 1 })
			must(t, m.Emit("n", 3))
			testkit.Eventually(t, "the next is read", func() bool { return m.cluster.Stats().Stream.Read == 4 })
			comesBack(t, m, c, false)
			if got := outcomes(m); got[fanout.Forgotten] != 1 {
				t.Errorf("outcomes %v", got)
			}
		})
	}
}

// A server that starts when the stream is lost knows no more of what came before than what is in
// the new one.
func TestSessionOfAStreamThatWasLostBefore(t *testing.T) {
	redis := redistest.Start(t)
	a := sessionServer(t, redis.URL())
	c := a.join(t)
	must(t, a.Emit("n", 0))
	hearsFirst(t, c, 0)
	c.Drop()
	must(t, a.Emit("n", 1)) // which it misses
	testkit.Eventually(t, "all is read and written", func() bool {
		s := a.cluster.Stats().Stream
		return s.Read == 2 && s.Sessions.Kept == 0
	})
	redis.Do("DEL", "socket.io")
	b := sessionServer(t, redis.URL())
	must(t, b.Emit("n", 2))
	testkit.Eventually(t, "the next is read", func() bool { return b.cluster.Stats().Stream.Read == 1 })
	comesBack(t, b, c, false)
	if got := outcomes(b); got[fanout.Forgotten] != 1 {
		t.Errorf("outcomes %v", got)
	}
}

// Who has come before the first entry of a new stream has missed nothing.
func TestSessionOfANewStream(t *testing.T) {
	redis := redistest.Start(t)
	a, b := sessionServer(t, redis.URL()), sessionServer(t, redis.URL())
	c := a.join(t)
	c.Drop()
	testkit.Eventually(t, "its session is written", func() bool { return a.cluster.Stats().Stream.Sessions.Kept == 0 })
	must(t, b.Emit("n", 0))
	testkit.Eventually(t, "it is read", func() bool { return b.cluster.Stats().Stream.Read == 1 })
	hearsFirst(t, comesBack(t, b, c, true), 0)
}

// A server that was cut off from Redis while another took its client finds out by what it writes,
// and lets go of it; what it wrote is not taken.
func TestSessionOfAServerThatWasCutOff(t *testing.T) {
	redis := redistest.Start(t)
	g := newProxy(t, redis)
	a, b := sessionServer(t, g.URL()), sessionServer(t, redis.URL())
	c := a.join(t)
	must(t, b.Emit("n", 0))
	hearsFirst(t, c, 0)
	g.Refuse()
	away(t, a)
	again := comesBack(t, b, c, true)
	c.Emit("join", "by the one that has lost it")
	g.Reopen()
	c.AwaitDisconnect()
	must(t, b.Emit("n", 1))
	hearsFirst(t, again, 1)
	third := comesBack(t, b, again, true)
	if got := third.Call("rooms")[0].String(); got != text("[%q]", c.ID()) {
		t.Errorf("rooms %s", got)
	}
}

// A session is in Redis for as long as its client is connected, whatever Redis forgets, and then
// for as long as it may come back.
func TestSessionIsRenewed(t *testing.T) {
	redis := redistest.Start(t)
	m := start(t, redis.URL(), streaming, func(_ *cluster.Options, s *socketio.Options) { s.Recovery = 600 * time.Millisecond })
	c := m.join(t)
	keys := func() int { return len(redis.Do("KEYS", "sio:session:*").([]any)) }
	if keys() != 1 {
		t.Fatal("it is not there when CONNECT is answered")
	}
	redis.Do("FLUSHALL")
	testkit.Eventually(t, "it is written again", func() bool { return keys() == 1 })
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // three times as long as Redis keeps it
		if keys() != 1 {
			t.Fatal("it is gone while its client is connected")
		}
	}
	c.Drop()
	testkit.Eventually(t, "it is forgotten", func() bool { return keys() == 0 && m.cluster.Stats().Stream.Sessions.Kept == 0 })
}

// Without Redis clients connect all the same, and their sessions are written when it is back.
func TestSessionsWithoutRedis(t *testing.T) {
	redis := redistest.Start(t)
	g := newProxy(t, redis)
	m := sessionServer(t, g.URL())
	g.Refuse()
	away(t, m)
	first, second := m.join(t), m.join(t)
	first.Call("join", "room")
	if got := m.cluster.Stats().Stream.Sessions; got.Unsaved != 2 || got.Kept != 2 {
		t.Errorf("%+v", got)
	}
	comesBack(t, m, second, false)
	if got := outcomes(m); got[fanout.Unknown] != 1 {
		t.Errorf("outcomes %v", got)
	}
	g.Reopen()
	testkit.Eventually(t, "they are written", func() bool {
		return m.cluster.Stats().Stream.Sessions.Unsaved == 0 && len(redis.Do("KEYS", "sio:session:*").([]any)) == 3
	})
}

// A server that listens and does not answer is waited for, once and not for long.
func TestSessionOfAServerThatIsSilent(t *testing.T) {
	redis := redistest.Start(t)
	m := sessionServer(t, redis.URL())
	const frozen = "hipflask-FROZENFROZEN"
	u, err := redislink.Parse(redis.URL())
	must(t, err)
	link := u.Open()
	t.Cleanup(func() { _ = link.Close() })
	node, err := link.Node(t.Context())
	must(t, err)
	silent := node.Subscribe(t.Context(), "socket.io#session#"+frozen+"#")
	t.Cleanup(func() { _ = silent.Close() })
	redis.AwaitSubscribers("socket.io#session#"+frozen+"#", 1)
	must(t, m.Emit("n", 0))
	for _, pid := range []string{"pid1", "pid2"} {
		s := nodewire.Session{Server: frozen, ID: "id of " + pid, PID: pid, Rooms: []string{"room"},
			Own: &nodewire.OwnSession{Namespace: "/", Since: "0-0", Known: "0-0", Stays: []nodewire.Stay{{Room: "room", From: "0-0"}}}}
		text, err := s.Encode()
		must(t, err)
		redis.Do("SET", "sio:session:"+pid, text)
		c := socketiotest.Connect(t, m.Server, socketiotest.Options{Auth: map[string]string{"pid": pid}})
		if c.Call("back")[0].String() != "true" || c.ID() != s.ID {
			t.Errorf("%s did not come back: %v", pid, outcomes(m))
		}
	}
}

// A user with the rights that SCALING.md lists for a stream is enough.
func TestSessionsLeastRights(t *testing.T) {
	redis := redistest.Start(t)
	page, err := os.ReadFile("../../SCALING.md")
	must(t, err)
	_, rest, _ := strings.Cut(string(page), "ACL SETUSER streams ")
	rights, _, _ := strings.Cut(rest, "\n")
	args := []any{"ACL", "SETUSER", "streams"}
	for _, right := range strings.Fields(rights) {
		args = append(args, right)
	}
	redis.Do(args...)
	url := "redis://streams:SECRET@" + redis.Addr
	a, b := sessionServer(t, url), sessionServer(t, url)
	c := a.join(t)
	must(t, a.Emit("n", 0))
	hearsFirst(t, c, 0)
	comesBack(t, b, c, true)
}
