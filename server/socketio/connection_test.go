package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// What a client came with can be asked for at any time, and is let go of afterwards.
func TestAuthIsKept(t *testing.T) {
	s := serve(t, map[string]any{
		"auth": func(c *socketio.Context) socketio.Value { return c.Auth() },
		"about": func(c *socketio.Context) string {
			return fmt.Sprint(c.Transport(), " ", c.Protocol(), " ", c.Address())
		},
	})
	register(t, s.Of("/refuses"), map[string]any{"connect": func() error { return socketio.Refuse("no") }})
	before := s.Held()
	auth := map[string]string{"z": "first", "a": strings.Repeat("long", 100)}
	c := socketiotest.Connect(t, s, socketiotest.Options{Auth: auth})
	if s.Held() <= before {
		t.Error("the auth of a client does not count in what all clients hold")
	}
	answers(t, c.Call("auth"), `{"a":"`+auth["a"]+`","z":"first"}`)
	answers(t, join(t, s).Call("auth"), `{}`)
	answers(t, c.Call("about"), `"polling 4 192.0.2.1"`)
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: "/refuses", Auth: auth}); err == nil {
		t.Error("it was not refused")
	}
	c.Disconnect()
	if err := s.Shutdown(limit(t)); err != nil {
		t.Fatal(err)
	}
	if after := s.Held(); after != before {
		t.Errorf("%d bytes are held, %d were before", after, before)
	}
}

// A client whose auth all clients together have no room for is not served.
func TestAuthIsBounded(t *testing.T) {
	s := socketiotest.NewServer(t, socketio.Options{MaxMemoryForClients: 1 << 20})
	register(t, s.Namespace, nil)
	auth := map[string]string{"token": strings.Repeat("x", 200_000)}
	joined := 0
	for range 6 {
		if _, err := socketiotest.Dial(t, s, socketiotest.Options{Auth: auth}); err == nil {
			joined++
		}
	}
	if joined == 0 || joined > 3 {
		t.Errorf("%d clients with 200 kB each have room in 1 MiB", joined)
	}
}

// Several rooms at once: Join and Leave, of a client and of a choice of them.
func TestSeveralRooms(t *testing.T) {
	s := serve(t, map[string]any{
		"join":  func(c *socketio.Context, rooms ...string) { c.Join(rooms...) },
		"leave": func(c *socketio.Context, rooms ...string) { c.Leave(rooms...) },
		"rooms": func(c *socketio.Context) []string {
			return slices.DeleteFunc(slices.Sorted(slices.Values(c.Rooms())), func(r string) bool { return r == c.ID() })
		},
	})
	c := join(t, s)
	c.Call("join", "a", "b", "c")
	answers(t, c.Call("rooms"), `["a","b","c"]`)
	c.Call("leave", "a", "c")
	answers(t, c.Call("rooms"), `["b"]`)
	s.To("b").Join("d", "e")
	s.To("d").Leave("b", "e")
	answers(t, c.Call("rooms"), `["d"]`)
	c.Call("join")
	c.Call("leave")
	answers(t, c.Call("rooms"), `["d"]`)
}

// Close ends the connection with all its namespaces, where Disconnect ends one, whoever
// asks for it. Each disconnect handler runs once.
func TestCloseEndsTheConnection(t *testing.T) {
	for name, end := range map[string]func(*socketio.Server, *socketiotest.Client){
		"a handler":    func(_ *socketio.Server, c *socketiotest.Client) { c.Emit("close") },
		"its id":       func(s *socketio.Server, c *socketiotest.Client) { s.To(c.ID()).Close() },
		"both at once": func(s *socketio.Server, c *socketiotest.Client) { c.Emit("close"); s.To(c.ID()).Close() },
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan string, 10)
			handlers := map[string]any{
				"close":      func(c *socketio.Context) { c.Close() },
				"disconnect": func(c *socketio.Context, reason string) { gone <- c.Namespace() + " " + reason },
			}
			s := serve(t, handlers)
			register(t, s.Of("/other"), handlers)
			c := join(t, s)
			other := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Over: c})
			bystander := join(t, s)
			end(s, c)
			c.AwaitDisconnect()
			other.AwaitDisconnect()
			got := []string{testkit.Await(t, gone, "disconnect"), testkit.Await(t, gone, "disconnect")}
			slices.Sort(got)
			if want := []string{"/ server disconnect", "/other server disconnect"}; !slices.Equal(got, want) {
				t.Errorf("disconnect handlers were told %q, want %q", got, want)
			}
			if _, err := socketiotest.Dial(t, s, socketiotest.Options{Over: c}); err == nil {
				t.Error("the connection still takes a CONNECT")
			}
			if ids := s.To().Clients(); !slices.Equal(ids, []string{bystander.ID()}) || len(gone) > 0 {
				t.Errorf("connected are %v, want the bystander; %d more disconnect handlers ran", ids, len(gone))
			}
		})
	}
}

// A connect handler may close the connection. Its client connects and disconnects once.
func TestCloseWhileConnecting(t *testing.T) {
	gone := make(chan string, 10)
	s := serve(t, map[string]any{
		"connect":    func(c *socketio.Context) { c.Close() },
		"disconnect": func(reason string) { gone <- reason },
	})
	_, _ = socketiotest.Dial(t, s, socketiotest.Options{}) // refused, or told and then cut
	if reason := testkit.Await(t, gone, "disconnect"); reason != "server disconnect" {
		t.Errorf("the reason is %q", reason)
	}
	if err := s.Shutdown(limit(t)); err != nil || len(gone) > 0 {
		t.Errorf("%v, and %d more disconnects", err, len(gone))
	}
}

// SetData keeps a value for one namespace, Set one for all of a connection.
func TestValuesOfANamespace(t *testing.T) {
	s := socketiotest.NewServer(t, socketio.Options{Recovery: time.Minute})
	handlers := map[string]any{
		"set": func(c *socketio.Context, v string) { c.SetData("v", v); c.Set("all", v) },
		"get": func(c *socketio.Context) (any, any) { return c.Data("v"), c.Get("all") },
	}
	register(t, s.Namespace, handlers)
	register(t, s.Of("/other"), handlers)
	c := join(t, s)
	other := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Over: c})
	c.Call("set", "one")
	other.Call("set", "two")
	answers(t, c.Call("get"), `"one"`, `"two"`)
	answers(t, other.Call("get"), `"two"`, `"two"`)
	answers(t, join(t, s).Call("get"), "null", "null")
	if err := s.To(c.ID()).Emit("hello"); err != nil { // without an event nobody comes back
		t.Fatal(err)
	}
	c.Receive("hello")
	key := c.Key()
	c.Drop()
	again := socketiotest.Connect(t, s, socketiotest.Options{Auth: key})
	answers(t, again.Call("get"), `"one"`, `"two"`)
}

// As returns a value as the type that was asked for, if that can hold it.
func TestAs(t *testing.T) {
	check := func(what string, ok, want bool) {
		t.Helper()
		if ok != want {
			t.Errorf("%s: %v", what, ok)
		}
	}
	text, ok := socketio.As[string]("x")
	check("string", ok && text == "x", true)
	n, ok := socketio.As[int](int64(7))
	check("int64 as int", ok && n == 7, true)
	small, ok := socketio.As[int8](int64(300))
	check("300 as int8", ok || small != 0, false)
	unsigned, ok := socketio.As[uint](int64(7))
	check("int64 as uint", ok && unsigned == 7, true)
	_, ok = socketio.As[uint](-1)
	check("-1 as uint", ok, false)
	_, ok = socketio.As[int](nil)
	check("nil as int", ok, false)
	_, ok = socketio.As[int]("7")
	check("text as int", ok, false)
	list, ok := socketio.As[[]any]([]any{1})
	check("list", ok && len(list) == 1, true)
	err, ok := socketio.As[error](nil)
	check("nil as error", ok || err != nil, false)
}
