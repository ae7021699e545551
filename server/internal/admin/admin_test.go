package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/cluster/keyring"
	"hipflask/server/internal/extras"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/users"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

const password = "correct horse"

func hashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// root is a user who may do everything. Each has a hash of his own.
func root(t *testing.T) users.User { return users.User{Name: "root", Hash: hashOf(t, password)} }

// start makes a server with the UI's side and a few handlers.
func start(t *testing.T, opts Options) *socketio.Server {
	t.Helper()
	if opts.Users == nil {
		all := []users.User{root(t)}
		opts.Users = func() ([]users.User, error) { return all, nil }
	}
	opts.Sign = keyring.NewSigner(nil, "", "session")
	if opts.StatsInterval == 0 {
		opts.StatsInterval = time.Hour
	}
	a, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	var hooks inspect.Hooks
	var view inspect.View
	a.Observe(&hooks)
	s := socketiotest.NewServer(t, socketio.Options{
		Context: extras.With(context.Background(), extras.Extras{Hooks: hooks, View: func(v inspect.View) { view = v }}),
	})
	handle := func(event string, fn any) {
		if err := s.On(event, fn); err != nil {
			t.Fatal(err)
		}
	}
	handle("enter", func(c *socketio.Context, room string) { c.Join(room) })
	handle("exit", func(c *socketio.Context, room string) { c.Leave(room) })
	handle("say", func(c *socketio.Context, what socketio.Value) error { return c.Emit("said", what) })
	handle("shout", func(c *socketio.Context, what socketio.Value) error { return c.To().Emit("heard", what) })
	s.Of("/other")
	s.Of("*")
	if err := a.Attach(s, view); err != nil {
		t.Fatal(err)
	}
	return s
}

// watch connects a UI and takes what it is told first.
func watch(t *testing.T, s *socketio.Server) *socketiotest.Client {
	t.Helper()
	ui := socketiotest.Connect(t, s, socketiotest.Options{
		Namespace: Namespace, Auth: map[string]any{"username": "root", "password": password},
	})
	var told []socketiotest.Event
	for _, event := range []string{"session", "config", "server_stats", "socket_connected", "all_sockets"} {
		got := ui.Next()
		if got.Name != event {
			t.Fatalf("told %s, want %s", got, event)
		}
		told = append(told, got)
	}
	// It is told of itself like of anybody else.
	if got := described(t, told[3]); got.ID != ui.ID() || got.Namespace != Namespace {
		t.Fatalf("told of %+v, want itself", got)
	}
	return ui
}

type client struct {
	ID, ClientID, Transport string
	Namespace               string `json:"nsp"`
	Rooms                   []string
	Handshake               struct {
		Address, URL   string
		Issued         int64
		Headers, Query map[string]string
	}
}

func described(t *testing.T, e socketiotest.Event) client {
	t.Helper()
	var c client
	if err := e.Args[0].Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// told wants an event with these arguments, and the time after them.
func told(t *testing.T, ui *socketiotest.Client, event string, want ...string) {
	t.Helper()
	e := ui.Receive(event)
	var got []string
	for _, arg := range e.Args[:len(e.Args)-1] {
		got = append(got, arg.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s %v, want %v", event, got, want)
	}
	var at time.Time
	if err := e.Args[len(e.Args)-1].Decode(&at); err != nil || time.Since(at) > time.Minute {
		t.Errorf("%s: no time: %v", e, err)
	}
}

func quoted(s string) string { return `"` + s + `"` }

func TestAUIIsToldWhoIsThere(t *testing.T) {
	s := start(t, Options{})
	before := socketiotest.Connect(t, s, socketiotest.Options{
		Header: http.Header{"Cookie": {"id=secret"}, "Authorization": {"Bearer secret"}, "User-Agent": {"a", "b"}},
		Query:  url.Values{"from": {"here"}},
	})
	before.Emit("enter", "lobby")
	before.Call("say", "handled")
	other := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Over: before})
	dynamic := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/dynamic"})

	ui := socketiotest.Connect(t, s, socketiotest.Options{
		Namespace: Namespace, Auth: map[string]any{"username": "root", "password": password},
	})
	ui.Receive("session")
	if got := ui.Receive("config").String(); got != `config [{"supportedFeatures":["EMIT","JOIN","LEAVE","DISCONNECT","MJOIN","MLEAVE","MDISCONNECT"]}]` {
		t.Error(got)
	}
	var stats struct {
		ServerID, Hostname                string
		PID, ClientsCount                 int
		PollingClientsCount, SocketsCount int
		Uptime                            float64
		Namespaces                        []struct {
			Name         string
			SocketsCount int
		}
	}
	if err := ui.Receive("server_stats").Decode(&stats); err != nil {
		t.Fatal(err)
	}
	// The UI itself is in no namespace yet.
	if got := fmt.Sprint(stats.Namespaces); got != "[{/ 1} {/admin 0} {/dynamic 1} {/other 1}]" {
		t.Errorf("namespaces %s", got)
	}
	if stats.ClientsCount != 3 || stats.PollingClientsCount != 3 || stats.PID == 0 || stats.Uptime <= 0 || stats.ServerID == "" {
		t.Errorf("stats %+v", stats)
	}
	var all []client
	if err := ui.Receive("all_sockets").Decode(&all); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]client)
	for _, c := range all {
		found[c.ID] = c
	}
	// Itself as well: without any the UI would choose no namespace to show.
	if len(all) != 4 || found[ui.ID()].Namespace != Namespace || found[other.ID()].Namespace != "/other" || found[dynamic.ID()].Namespace != "/dynamic" {
		t.Errorf("all_sockets %+v", all)
	}
	c := found[before.ID()]
	slices.Sort(c.Rooms)
	rooms := []string{before.ID(), "lobby"}
	slices.Sort(rooms)
	if c.Namespace != "/" || c.Transport != "polling" || !slices.Equal(c.Rooms, rooms) || c.ClientID == "" || c.ClientID != found[other.ID()].ClientID {
		t.Errorf("told %+v", c)
	}
	h := c.Handshake
	if h.Headers["user-agent"] != "a, b" || h.Query["from"] != "here" || time.Since(time.UnixMilli(h.Issued)) > time.Minute {
		t.Errorf("handshake %+v", h)
	}
	if strings.Contains(fmt.Sprint(all), "secret") {
		t.Errorf("a secret is told: %+v", all)
	}
}

func TestAUIIsToldWhatHappens(t *testing.T) {
	s := start(t, Options{})
	ui := watch(t, s)
	c := socketiotest.Connect(t, s, socketiotest.Options{})
	id := c.ID()
	told(t, ui, "room_joined", quoted("/"), quoted(id), quoted(id))
	if got := described(t, ui.Receive("socket_connected")); got.ID != id || !slices.Equal(got.Rooms, []string{id}) {
		t.Errorf("told of %+v", got)
	}
	c.Emit("enter", "lobby")
	told(t, ui, "room_joined", quoted("/"), quoted("lobby"), quoted(id))
	c.Emit("exit", "lobby")
	told(t, ui, "room_left", quoted("/"), quoted("lobby"), quoted(id))
	d := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/dynamic"})
	told(t, ui, "room_joined", quoted("/dynamic"), quoted(d.ID()), quoted(d.ID()))
	c.Call("say", "something")
	c.Disconnect()
	told(t, ui, "room_left", quoted("/"), quoted(id), quoted(id))
	told(t, ui, "socket_disconnected", quoted("/"), quoted(id), quoted("client disconnect"))
	for _, e := range ui.Received() {
		if strings.HasPrefix(e.Name, "event_") {
			t.Errorf("told %s in production", e)
		}
	}
}

func TestEventsInDevelopment(t *testing.T) {
	s := start(t, Options{Events: true})
	ui := watch(t, s)
	c := socketiotest.Connect(t, s, socketiotest.Options{})
	id := c.ID()
	c.Emit("say", map[string]any{"n": 12345678901234567, "data": []byte("x")})
	const shownAs = `{"data":{"_placeholder":true,"num":0},"n":12345678901234567}`
	told(t, ui, "event_received", quoted("/"), quoted(id), `["say",`+shownAs+`]`)
	told(t, ui, "event_sent", quoted("/"), quoted(id), `["said",`+shownAs+`]`)

	second := socketiotest.Connect(t, s, socketiotest.Options{})
	c.Emit("shout", strings.Repeat("x", maxShown))
	told(t, ui, "event_received", quoted("/"), quoted(id), `["shout","(1 arguments are too long to show)"]`)
	var to []string
	for range 2 {
		var namespace, id string
		var args, at any
		if err := ui.Receive("event_sent").Decode(&namespace, &id, &args, &at); err != nil {
			t.Fatal(err)
		}
		to = append(to, id)
	}
	want := []string{id, second.ID()}
	slices.Sort(to)
	slices.Sort(want)
	if !slices.Equal(to, want) {
		t.Errorf("sent to %v, want %v", to, want)
	}
	if got := c.Receive("heard"); len(got.Args[0].String()) != maxShown+2 {
		t.Errorf("the client received %.100s", got)
	}
}

func TestCommands(t *testing.T) {
	s := start(t, Options{})
	ui := watch(t, s)
	a := socketiotest.Connect(t, s, socketiotest.Options{})
	b := socketiotest.Connect(t, s, socketiotest.Options{})
	other := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Over: a})
	dynamic := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/dynamic", Over: b})
	in := func(room string) int { return len(s.To(room).Clients()) }

	ui.Call("join", "/", "one", a.ID())
	ui.Call("join", "/", "all")
	ui.Call("join", "/", "every", nil)
	if in("one") != 1 || in("all") != 2 || in("every") != 2 {
		t.Errorf("%d, %d and %d in the rooms, want 1, 2 and 2", in("one"), in("all"), in("every"))
	}
	ui.Call("emit", "/", "one", "hello", "a", map[string]any{"bytes": []byte{1}})
	ui.Call("emit", "/", nil, "end")
	if got := a.Next().String(); got != `hello ["a",{"bytes":{"_placeholder":true,"num":0}}]` {
		t.Errorf("a received %s", got)
	}
	if got := b.Next().String(); got != `end []` {
		t.Errorf("b received %s", got)
	}
	ui.Call("leave", "/", "all", a.ID())
	ui.Call("leave", "/", "every")
	if in("all") != 1 || in("every") != 0 {
		t.Errorf("%d and %d in the rooms, want 1 and 0", in("all"), in("every"))
	}

	// Each of these fails, costs nobody anything, and makes no namespace.
	for _, args := range [][]any{{"/nowhere", "x"}, {"nowhere"}, {}, {1, 2}, {"/", "x", []string{"y"}}} {
		ui.Emit("join", args...)
	}
	ui.Emit("emit", "/", nil, "disconnect")
	ui.Emit("_disconnect", "/", "yes", a.ID())
	ui.Call("_disconnect", "/other", false, other.ID())
	other.AwaitDisconnect()
	ui.Call("_disconnect", "/dynamic", false)
	dynamic.AwaitDisconnect()
	a.Call("say", "still here")
	again := socketiotest.Connect(t, s, socketiotest.Options{
		Namespace: Namespace, Auth: map[string]any{"username": "root", "password": password},
	})
	if stats := again.Receive("server_stats").String(); strings.Contains(stats, "nowhere") {
		t.Error("a command made a namespace:", stats)
	}
	ui.Call("_disconnect", "/", true, a.ID())
	a.AwaitDisconnect()
	b.Call("say", "still here")
}

func TestStatisticsComeAgain(t *testing.T) {
	s := start(t, Options{StatsInterval: time.Millisecond})
	ui := socketiotest.Connect(t, s, socketiotest.Options{
		Namespace: Namespace, Auth: map[string]any{"username": "root", "password": password},
	})
	for range 3 {
		ui.Receive("server_stats")
	}
}

func TestNobodyElseGetsIn(t *testing.T) {
	s := start(t, Options{Events: true})
	for _, auth := range []any{
		nil, map[string]any{}, map[string]any{"username": "root"}, map[string]any{"username": "Root", "password": password},
		map[string]any{"username": "root", "password": password + " "}, map[string]any{"username": 1, "password": []string{}},
		map[string]any{"sessionId": "made up"}, map[string]any{"sessionId": map[string]any{}},
	} {
		c, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: Namespace, Auth: auth})
		var refused *socketiotest.RefusedError
		if c != nil || !errors.As(err, &refused) || refused.Message != invalid {
			t.Errorf("%v: %v, want %q", auth, err, invalid)
		}
	}
}

func TestASessionSparesThePassword(t *testing.T) {
	s := start(t, Options{})
	first := socketiotest.Connect(t, s, socketiotest.Options{
		Namespace: Namespace, Auth: map[string]any{"username": "root", "password": password},
	})
	var session string
	if err := first.Receive("session").Decode(&session); err != nil || len(session) < 20 {
		t.Fatalf("session %q, %v", session, err)
	}
	first.Disconnect()
	again := socketiotest.Connect(t, s, socketiotest.Options{Namespace: Namespace, Auth: map[string]any{"sessionId": session}})
	again.Receive("config")
	for _, e := range again.Received() { // it would have come before the config
		if e.Name == "session" {
			t.Errorf("told %s again", e)
		}
	}
}

func TestWhatNewRefuses(t *testing.T) {
	for _, list := range [][]users.User{nil, {{}}, {{Name: "root"}}, {{Name: "root", Hash: "plain"}}, {{Hash: root(t).Hash}}} {
		if _, err := New(Options{Users: func() ([]users.User, error) { return list, nil }}); err == nil {
			t.Errorf("New with %+v made something", list)
		}
	}
	if _, err := New(Options{Users: func() ([]users.User, error) { return nil, errors.New("gone") }}); err == nil {
		t.Error("New without users made something")
	}
}
