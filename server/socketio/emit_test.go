package socketio_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// crowd is a server with three clients in "/", one in "/other", and rooms: a and b
// are in "left", b and c in "right".
type crowd struct {
	*socketio.Server
	a, b, c, other *socketiotest.Client
}

func gather(t *testing.T) *crowd {
	t.Helper()
	s := serve(t, map[string]any{
		"join":  func(c *socketio.Context, room string) { c.Join(room) },
		"leave": func(c *socketio.Context, room string) { c.Leave(room) },
		"rooms": func(c *socketio.Context) []string {
			rooms := c.Rooms()
			slices.Sort(rooms)
			return slices.DeleteFunc(rooms, func(r string) bool { return r == c.ID() })
		},
		"whisper": func(c *socketio.Context, text string) error { return c.Emit("heard", text) },
		"others":  func(c *socketio.Context, text string) error { return c.Others().Emit("heard", text) },
		"all":     func(c *socketio.Context, text string) error { return c.To().Emit("heard", text) },
		"room":    func(c *socketio.Context, room, text string) error { return c.To(room).Emit("heard", text) },
		"room others": func(c *socketio.Context, room, text string) error {
			return c.To(room).Except(c.ID()).Emit("heard", text)
		},
	})
	register(t, s.Of("/other"), nil)
	g := &crowd{Server: s, a: join(t, s), b: join(t, s), c: join(t, s), other: joinAs(t, s, "/other")}
	for room, members := range map[string][]*socketiotest.Client{"left": {g.a, g.b}, "right": {g.b, g.c}} {
		for _, m := range members {
			m.Call("join", room)
		}
	}
	return g
}

// heard checks who, of a, b, c and other, got the event "heard", and that each got
// it once. The end that follows it shows that nothing more is under way.
func (g *crowd) heard(t *testing.T, want string) {
	t.Helper()
	got := ""
	for name, client := range map[string]*socketiotest.Client{"a": g.a, "b": g.b, "c": g.c, "other": g.other} {
		if err := g.To(client.ID()).Emit("end"); err != nil {
			t.Fatal(err)
		}
		if err := g.Of("/other").To(client.ID()).Emit("end"); err != nil {
			t.Fatal(err)
		}
		for e := client.Next(); e.Name != "end"; e = client.Next() {
			got += " " + name
		}
	}
	sorted := strings.Fields(got)
	slices.Sort(sorted)
	if got = strings.Join(sorted, " "); got != want {
		t.Errorf("heard by %q, want %q", got, want)
	}
}

// Whom an emit reaches, from outside of handlers and from within.
func TestEmitReaches(t *testing.T) {
	g := gather(t)
	tests := []struct {
		name string
		emit func() error
		want string
	}{
		{"all", func() error { return g.Emit("heard") }, "a b c"},
		{"namespace", func() error { return g.Of("/other").Emit("heard") }, "other"},
		{"namespace without slash", func() error { return g.Of("other").Emit("heard") }, "other"},
		{"sid", func() error { return g.To(g.b.ID()).Emit("heard") }, "b"},
		{"sid of another namespace", func() error { return g.To(g.other.ID()).Emit("heard") }, ""},
		{"room", func() error { return g.To("left").Emit("heard") }, "a b"},
		{"rooms, once each", func() error { return g.To("left", "right").Emit("heard") }, "a b c"},
		{"rooms, added", func() error { return g.To("left").To(g.c.ID()).Emit("heard") }, "a b c"},
		{"unknown room", func() error { return g.To("nobody").Emit("heard") }, ""},
		{"except a room", func() error { return g.Except("left").Emit("heard") }, "c"},
		{"except sids", func() error { return g.Except(g.a.ID(), g.c.ID()).Emit("heard") }, "b"},
		{"room except a room", func() error { return g.To("left").Except("right").Emit("heard") }, "a"},
		{"context", func() error { g.a.Call("whisper", "x"); return nil }, "a"},
		{"context, others", func() error { g.a.Call("others", "x"); return nil }, "b c"},
		{"context, broadcast", func() error { g.a.Call("all", "x"); return nil }, "a b c"},
		{"context, its room", func() error { g.a.Call("room", "left", "x"); return nil }, "a b"},
		{"context, its room without itself", func() error { g.a.Call("room others", "left", "x"); return nil }, "b"},
		{"context, another room", func() error { g.a.Call("room", "right", "x"); return nil }, "b c"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.emit(); err != nil {
				t.Fatal(err)
			}
			g.heard(t, test.want)
		})
	}
}

// A Target is a value: what is derived from it leaves it as it is.
func TestTargetDoesNotChange(t *testing.T) {
	g := gather(t)
	left := g.To("left")
	left.To("right")
	left.Except("right")
	if err := left.Emit("heard"); err != nil {
		t.Fatal(err)
	}
	g.heard(t, "a b")
}

// Arguments of an emit as the client gets them.
func TestEmitArguments(t *testing.T) {
	tests := map[string]struct {
		args []any
		want string
	}{
		"none":                {nil, `r []`},
		"nil is none":         {[]any{nil}, `r []`},
		"null is none":        {[]any{socketio.Value{}}, `r []`},
		"nil beside another":  {[]any{nil, 1}, `r [null,1]`},
		"several":             {[]any{"a", 1, 1.5, true}, `r ["a",1,1.5,true]`},
		"a list is one":       {[]any{[]int{1, 2}}, `r [[1,2]]`},
		"struct":              {[]any{message{User: "b"}}, `r [{"user":"b","n":0,"tags":null,"blob":null}]`},
		"bytes":               {[]any{[]byte("x")}, `r [{"_placeholder":true,"num":0}]`},
		"bytes within":        {[]any{map[string]any{"a": []any{[]byte("x"), []byte("y")}}}, `r [{"a":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}]`},
		"text as it is":       {[]any{"<é & \u2028>"}, "r [\"<é & \u2028>\"]"},
		"the largest integer": {[]any{uint64(1<<64 - 1)}, `r [18446744073709551615]`},
	}
	s := serve(t, nil)
	c := join(t, s)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := s.Emit("r", test.args...); err != nil {
				t.Fatal(err)
			}
			hears(t, c, test.want)
		})
	}
}

// What cannot be sent is an error for whoever emits, by any way, and nothing is sent.
func TestEmitErrors(t *testing.T) {
	contexts := make(chan *socketio.Context, 1)
	s := serve(t, map[string]any{"connect": func(c *socketio.Context) { contexts <- c }})
	client := join(t, s)
	c := testkit.Await(t, contexts, "connect")
	emits := map[string]func(event string, args ...any) error{
		"server": s.Emit, "target": s.To(client.ID()).Emit, "context": c.Emit, "others": c.Others().Emit,
		"call":        func(e string, a ...any) error { _, err := c.Call(limit(t), e, a...); return err },
		"target call": func(e string, a ...any) error { _, err := s.To().Call(limit(t), e, a...); return err },
	}
	for name, emit := range emits {
		t.Run(name, func(t *testing.T) {
			if err := emit("event", "fine", make(chan int)); err == nil || !strings.Contains(err.Error(), "argument 2") {
				t.Errorf("a channel as argument: %v", err)
			}
			for _, event := range []string{"connect", "connect_error", "disconnect", "disconnecting"} {
				if err := emit(event); err == nil || !strings.Contains(err.Error(), event) {
					t.Errorf("event %q: %v", event, err)
				}
			}
		})
	}
	if err := s.Emit("end"); err != nil {
		t.Fatal(err)
	}
	hears(t, client, "end []")
}

// What is emitted is what the argument was then, whatever becomes of it later.
func TestEmitKeepsNoReference(t *testing.T) {
	values := map[string]int{"a": 1}
	bytes := []byte("before")
	s := serve(t, map[string]any{"connect": func(c *socketio.Context) error {
		err := c.Emit("r", values, bytes) // waits until the client is told that it is connected
		values["a"], bytes[0] = 2, 'X'
		return err
	}})
	var got []byte
	e := join(t, s).Receive("r")
	if err := e.Decode(&map[string]int{}, &got); err != nil || string(got) != "before" {
		t.Errorf("received %s with %q, %v", e, got, err)
	}
	if e.Args[0].String() != `{"a":1}` {
		t.Errorf("received %s", e)
	}
}

// Rooms: joining and leaving, by the client and by the server, and closing.
func TestRooms(t *testing.T) {
	g := gather(t)
	answers(t, g.b.Call("rooms"), `["left","right"]`)
	g.b.Call("leave", "left")
	answers(t, g.b.Call("rooms"), `["right"]`)
	answers(t, g.a.Call("rooms"), `["left"]`)

	g.To(g.a.ID()).Join("extra") // join_room(room, sid)
	g.To("right").Join("extra")
	answers(t, g.a.Call("rooms"), `["extra","left"]`)
	ids := g.To("extra").Clients()
	slices.Sort(ids)
	want := []string{g.a.ID(), g.b.ID(), g.c.ID()}
	slices.Sort(want)
	if !slices.Equal(ids, want) {
		t.Errorf("the room has %v, want %v", ids, want)
	}
	g.To("right").Leave("extra")
	if ids := g.To("extra").Clients(); !slices.Equal(ids, []string{g.a.ID()}) {
		t.Errorf("the room has %v, want %v", ids, g.a.ID())
	}
	g.To("extra").Leave("extra") // close_room
	if ids := g.To("extra").Clients(); len(ids) > 0 {
		t.Errorf("the closed room has %v", ids)
	}
	answers(t, g.a.Call("rooms"), `["left"]`)
}

// Disconnect ends the namespace and leaves the connection: the other namespace of
// the same connection goes on, and so can this one.
func TestDisconnectLeavesTheConnection(t *testing.T) {
	reasons := make(chan string, 1)
	s := serve(t, map[string]any{
		"go":         func(c *socketio.Context) { c.Disconnect() },
		"disconnect": func(reason string) { reasons <- reason },
	})
	register(t, s.Of("/other"), map[string]any{"event": func() int { return 1 }})
	c := join(t, s)
	other := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Over: c})
	c.Emit("go")
	c.AwaitDisconnect()
	if reason := testkit.Await(t, reasons, "disconnect"); reason != "server disconnect" {
		t.Errorf("the reason is %q", reason)
	}
	answers(t, other.Call("event"), "1")
	again := socketiotest.Connect(t, s, socketiotest.Options{Over: other})
	if again.ID() == c.ID() {
		t.Error("the client came back under its old id")
	}
}

// Target.Disconnect disconnects all that it names, and nobody else.
func TestDisconnectRoom(t *testing.T) {
	g := gather(t)
	g.To("left").Disconnect()
	g.a.AwaitDisconnect()
	g.b.AwaitDisconnect()
	g.c.Call("whisper", "x")
	hears(t, g.c, `heard ["x"]`)
	if ids := g.To().Clients(); !slices.Equal(ids, []string{g.c.ID()}) {
		t.Errorf("connected are %v, want %s", ids, g.c.ID())
	}
}

// A value is itself in JSON that a route writes, and in what it reads.
func TestValueAsJSON(t *testing.T) {
	const text = `{"z":1,"a":[9007199254740993,null],"t":"é"}`
	got := make(chan socketio.Value, 1)
	s := serve(t, map[string]any{"keep": func(v socketio.Value) { got <- v }})
	join(t, s).Emit("keep", json.RawMessage(text))
	type page struct{ Kept, None socketio.Value }
	written, err := json.Marshal(page{Kept: testkit.Await(t, got, "event")})
	if want := `{"Kept":` + text + `,"None":null}`; err != nil || string(written) != want {
		t.Errorf("written as %s, %v", written, err)
	}
	var read page
	if err := json.Unmarshal(written, &read); err != nil || fmt.Sprint(read.Kept) != "{'z': 1, 'a': [9007199254740993, None], 't': 'é'}" {
		t.Errorf("read as %v, %v", read.Kept, err)
	}
}
