package cluster_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/cluster"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

func TestBroadcastsReachEveryServerOnceAndInOrder(t *testing.T) {
	_, servers := several(t, 3)
	var clients []*socketiotest.Client
	for _, s := range servers {
		clients = append(clients, s.join(t), s.join(t))
	}
	for i, s := range servers {
		for n := range 50 {
			must(t, s.Emit("n", i, n))
		}
		must(t, s.Emit("values", "é", []byte{1, 2}, map[string]any{"b": []byte("x"), "a": 1.5}, nil))
		for _, c := range clients {
			for n := range 50 {
				hears(t, c, text(`n [%d,%d]`, i, n))
			}
			e := c.Next()
			var bytes []byte
			var object struct {
				A float64
				B []byte
			}
			var word string
			must(t, e.Decode(&word, &bytes, &object, new(any)))
			if word != "é" || string(bytes) != "\x01\x02" || object.A != 1.5 || string(object.B) != "x" || !e.Args[3].IsNull() {
				t.Errorf("received %s", e)
			}
		}
	}
}

func TestSelectionsHoldOnEveryServer(t *testing.T) {
	_, servers := several(t, 2)
	a, b := servers[0], servers[1]
	here, there, other := a.join(t), b.join(t), b.join(t)
	a.To(there.ID()).Join("room")
	a.To(here.ID()).Join("room")
	// What one server is told comes in order, so the join has come before this.
	must(t, a.To("room").Emit("room", 1))
	must(t, a.To("room", there.ID()).Emit("rooms", 1))
	must(t, a.To("nobody").Emit("nobody"))
	must(t, a.To("room").Except(there.ID()).Emit("except"))
	must(t, a.Except("room").Emit("others"))
	must(t, a.To(there.ID()).Emit("alone"))
	must(t, a.Emit("end"))
	hears(t, here, "room [1]", "rooms [1]", "except []", "end []")
	hears(t, there, "room [1]", "rooms [1]", "alone []", "end []")
	hears(t, other, "others []", "end []")

	a.To("room").Leave("room")
	must(t, a.To("room").Emit("room", 2))
	must(t, a.Emit("end"))
	for _, c := range []*socketiotest.Client{here, there, other} {
		hears(t, c, "end []")
	}

	a.To(other.ID()).Disconnect()
	other.AwaitDisconnect()
	must(t, a.Emit("end"))
	hears(t, there, "end []")
}

// A handler's answer to its own client is nobody else's business.
func TestDirectEmitsAreNotPublished(t *testing.T) {
	for name, set := range map[string]func(*cluster.Options, *socketio.Options){
		"": func(*cluster.Options, *socketio.Options) {}, "with recovery": func(_ *cluster.Options, o *socketio.Options) { o.Recovery = time.Minute },
	} {
		t.Run(name, func(t *testing.T) {
			redis, _ := several(t, 1)
			s := start(t, redis.URL(), set)
			must(t, s.On("ask", func(c *socketio.Context) error {
				c.Join("room")
				return c.Emit("answer")
			}))
			c := s.join(t)
			before := s.cluster.Stats().Published
			c.Call("ask")
			c.Receive("answer")
			must(t, s.Emit("end"))
			c.Receive("end")
			testkit.Eventually(t, "the broadcast is published, on two channels", func() bool {
				return s.cluster.Stats().Published >= before+2
			})

			if n := s.cluster.Stats().Published; n != before+2 {
				t.Errorf("%d messages were published, want 2", n-before)
			}
		})
	}
}

func TestClientsOfAllServersAreListed(t *testing.T) {
	_, servers := several(t, 3)
	var want []string
	for _, s := range servers {
		want = append(want, s.join(t).ID())
	}
	servers[0].To(want[1], want[2]).Join("room")
	if got := servers[0].To("room").Clients(); len(got) != 2 {
		t.Errorf("clients in the room: %q", got)
	}
	if got := servers[0].To(want[0]).Except(want[0]).Clients(); len(got) != 0 {
		t.Errorf("no client is meant, but listed are %q", got)
	}
	got := servers[0].To().Clients()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("clients %q, want %q", got, want)
	}
	for _, s := range servers {
		testkit.Eventually(t, "three servers are counted", func() bool { return s.cluster.Stats().Servers == 3 })
	}
}

func TestCallsAreAnsweredByAllServers(t *testing.T) {
	_, servers := several(t, 3)
	var ids []string
	for i, s := range servers {
		for range 2 {
			c := s.join(t)
			ids = append(ids, c.ID())
			go func() {
				if e := c.Receive("ask"); e.String() == `ask ["what"]` {
					e.Ack(i, nil, []byte("x"))
				}
				if i == 0 {
					c.Receive("ask").Ack()
				}
			}()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	answers, err := servers[0].To().Call(ctx, "ask", "what")
	must(t, err)
	var got []string
	for _, a := range answers {
		if a.Client == "" || !slices.Contains(ids, a.Client) {
			t.Errorf("%q has answered", a.Client)
		}
		got = append(got, text("%v", a.Values))
	}
	slices.Sort(got)
	if want := []string{"[0 None b'x']", "[0 None b'x']", "[1 None b'x']", "[1 None b'x']", "[2 None b'x']", "[2 None b'x']"}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
	if answers, err := servers[0].To().Local().Call(ctx, "ask", "who"); err != nil || len(answers) != 2 {
		t.Errorf("of this server %v answered, %v", answers, err)
	}
	if answers, err := servers[0].To("nobody").Call(ctx, "ask"); err != nil || len(answers) != 0 {
		t.Errorf("nobody answered %v, %v", answers, err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	_, servers := several(t, 2)
	servers[0].join(t)
	silent := servers[1].join(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		silent.Receive("ask")
		cancel()
	}()
	if answers, err := servers[0].To(silent.ID()).Call(ctx, "ask"); !errors.Is(err, context.Canceled) || len(answers) != 0 {
		t.Errorf("answers %v, %v", answers, err)
	}
}

func TestServersTellEachOther(t *testing.T) {
	_, servers := several(t, 3)
	heard := make(chan string, 10)
	for i, s := range servers {
		s.OnServers("reload", func(args []socketio.Value) (any, error) {
			heard <- text("%d %v", i, args)
			return nil, nil
		})
		s.OnServers("panic", func([]socketio.Value) (any, error) { panic("a handler's") })
	}
	must(t, servers[0].EmitServers("panic"))
	must(t, servers[0].EmitServers("unknown"))
	must(t, servers[0].EmitServers("reload", "x", 1))
	must(t, servers[1].EmitServers("reload", "y"))
	var got []string
	for range 4 {
		select {
		case line := <-heard:
			got = append(got, line)
		case <-time.After(testkit.Deadline):
			t.Fatalf("heard %q", got)
		}
	}
	slices.Sort(got)
	if want := []string{"0 [y]", "1 [x 1]", "2 [x 1]", "2 [y]"}; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if err := servers[0].EmitServers("disconnect"); err == nil {
		t.Error("a reserved name was taken")
	}
}

func TestNamespacesAreKeptApart(t *testing.T) {
	redis, servers := several(t, 2)
	names := []string{"/", "/a", "/a#b", "/dynamic"}
	for _, s := range servers {
		must(t, s.Of("/a").On("x", func() {}))
		must(t, s.Of("/a#b").On("x", func() {}))
		must(t, s.Of("*").On("x", func() {}))
	}
	clients := map[string]*socketiotest.Client{}
	for _, name := range names {
		clients[name] = socketiotest.Connect(t, servers[1].Server, socketiotest.Options{Namespace: name})
		socketiotest.Connect(t, servers[0].Server, socketiotest.Options{Namespace: name})
		redis.AwaitSubscribers("socket.io-request#"+name+"#", 2)
	}
	for name, c := range clients {
		n := servers[0].Of(name)
		n.To(c.ID()).Join("b")
		must(t, n.To("b").Emit("to", name))
		must(t, n.Emit("all", name))
	}
	for name, c := range clients {
		hears(t, c, text("to [%q]", name), text("all [%q]", name))
	}
}

func TestStatsAndReadiness(t *testing.T) {
	redis, servers := several(t, 2)
	must(t, servers[0].cluster.Ready())
	c := servers[1].join(t)
	must(t, servers[0].Emit("x"))
	hears(t, c, "x []")
	redis.Publish("socket.io#/#", "rubbish")
	testkit.Eventually(t, "what is no message is counted", func() bool { return servers[1].cluster.Stats().Refused == 1 })
	if s := servers[1].cluster.Stats(); s.Received < 2 || !s.Connected || s.Dropped != 0 || s.Queued != 0 || s.Missed != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWithoutRedisAtTheStart(t *testing.T) {
	m := prepare(t, "redis://user:secret@127.0.0.1:1/0")
	err := m.cluster.Start(t.Context())
	if err == nil {
		t.Fatal("started without Redis")
	}
	for _, part := range []string{"127.0.0.1:1", "refused"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("%q repeats the password", err)
	}
	if m.cluster.Ready() == nil {
		t.Error("it is ready")
	}
}

// A namespace that is forgotten on one server and comes back hears the others again, and what they
// ask meanwhile waits for nobody.
func TestNamespacesThatComeAndGo(t *testing.T) {
	_, servers := several(t, 2)
	a, b := servers[0], servers[1]
	for _, s := range servers {
		must(t, s.Of("*").On("event", func() {}))
	}
	in := func(s *member) *socketiotest.Client {
		return socketiotest.Connect(t, s.Server, socketiotest.Options{Namespace: "/x"})
	}
	stays := in(b)
	for range 20 {
		in(a).Drop()
	}
	comes := in(a)
	testkit.Eventually(t, "both clients are listed", func() bool { return len(b.Of("*").To().Clients()) == 2 })
	testkit.Eventually(t, "a client of the other server joins", func() bool {
		b.Of("*").To(comes.ID()).Join("room")
		return len(a.Of("*").To("room").Clients()) == 1
	})

	must(t, b.Of("*").To("room").Emit("hi"))
	hears(t, comes, "hi []")
	must(t, a.Of("*").Emit("all"))
	hears(t, stays, "all []")
	comes.Drop()
	testkit.Eventually(t, "the other server knows of one client", func() bool { return len(b.Of("*").To().Clients()) == 1 })
}

// Events for the handlers of the other servers can be answered, and the answers collected.
func TestAnswersOfServers(t *testing.T) {
	_, servers := several(t, 3)
	for i, s := range servers {
		s.OnServers("load", func(args []socketio.Value) (any, error) { return text("%d %v", i, args), nil })
	}
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	answers, err := servers[0].CallServers(ctx, "load", "now")
	must(t, err)
	got := []string{}
	for _, a := range answers {
		got = append(got, a.String())
	}
	slices.Sort(got)
	if want := []string{"1 [now]", "2 [now]"}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
	if _, err := servers[0].CallServers(ctx, "disconnect"); err == nil {
		t.Error("a reserved name was taken")
	}
}

// Local reaches the clients of one server of a cluster, Volatile those of all.
func TestLocalAndVolatile(t *testing.T) {
	_, servers := several(t, 2)
	here, there := servers[0].join(t), servers[1].join(t)
	must(t, servers[0].To().Local().Emit("local"))
	servers[0].To().Local().Join("room")
	must(t, servers[0].To("room").Emit("room"))
	must(t, servers[0].Emit("end"))
	hears(t, here, "local []", "room []", "end []")
	hears(t, there, "end []")
	if ids := servers[0].To().Local().Clients(); !slices.Equal(ids, []string{here.ID()}) {
		t.Errorf("of this server are %v", ids)
	}
}
