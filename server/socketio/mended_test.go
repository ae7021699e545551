package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// A single null is no argument in an acknowledgement either, as Flask's None.
func TestAcknowledgementOfNull(t *testing.T) {
	c := join(t, serve(t, map[string]any{
		"nil":  func() any { return nil },
		"echo": func(v socketio.Value) socketio.Value { return v },
	}))
	answers(t, c.Call("nil"))
	answers(t, c.Call("echo", nil))
}

// An event that is named "*" does not pass its first argument off as its name.
func TestEventNamedLikeTheCatchAll(t *testing.T) {
	c := join(t, serve(t, map[string]any{"*": func(event string, args ...socketio.Value) (string, int) { return event, len(args) }}))
	answers(t, c.Call("*", "forged"), `"*"`, "1")
}

// A handler that waits for its client is let go as soon as that leaves.
func TestCallFromAHandlerWhoseClientLeaves(t *testing.T) {
	for name, leave := range map[string]func(*socketiotest.Client){
		"disconnect": (*socketiotest.Client).Disconnect, "drop": (*socketiotest.Client).Drop,
	} {
		t.Run(name, func(t *testing.T) {
			results := make(chan error, 1)
			for _, call := range []func(c *socketio.Context) error{
				func(c *socketio.Context) error { _, err := c.Call(limit(t), "question"); return err },
				func(c *socketio.Context) error { _, err := c.To(c.ID()).Call(limit(t), "question"); return err },
				func(c *socketio.Context) error { <-c.Context().Done(); return context.Cause(c.Context()) },
			} {
				s := serve(t, map[string]any{"ask": func(c *socketio.Context) {
					if err := c.Emit("asking"); err != nil {
						t.Error(err)
					}
					results <- call(c)
				}})
				c := join(t, s)
				c.Emit("ask")
				c.Receive("asking")
				leave(c)
				if err := testkit.Await(t, results, "end of the handler"); !errors.Is(err, socketio.ErrDisconnected) {
					t.Errorf("the handler was let go with %v", err)
				}
			}
		})
	}
}

// A call to several ends when all have answered or left.
func TestTargetCallWhoseClientLeaves(t *testing.T) {
	s := serve(t, nil)
	stays, leaves := join(t, s), join(t, s)
	type result struct {
		answers []socketio.Answer
		err     error
	}
	done := make(chan result, 1)
	go func() {
		got, err := s.To().Call(limit(t), "question")
		done <- result{got, err}
	}()
	stays.Receive("question").Ack("yes")
	leaves.Receive("question")
	leaves.Drop()
	if got := testkit.Await(t, done, "end of Call"); !errors.Is(got.err, socketio.ErrDisconnected) || len(got.answers) != 1 {
		t.Errorf("Call returned %v, %v", got.answers, got.err)
	}
}

// The context of a client that was refused has ended.
func TestContextOfARefusedClient(t *testing.T) {
	contexts := make(chan context.Context, 1)
	s := serve(t, map[string]any{"connect": func(c *socketio.Context) error {
		contexts <- c.Context()
		return socketio.Refuse("no")
	}})
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{}); err == nil {
		t.Fatal("the client was not refused")
	}
	testkit.Await(t, (<-contexts).Done(), "end of the context")
}

// Disconnect in a connect handler lets the client connect and get what it is sent, as
// in Flask, and then ends that; the disconnect handler runs once.
func TestDisconnectInTheConnectHandler(t *testing.T) {
	for name, disconnect := range map[string]func(s *socketio.Server, c *socketio.Context){
		"itself": func(_ *socketio.Server, c *socketio.Context) { c.Disconnect() },
		"by id":  func(s *socketio.Server, c *socketio.Context) { s.To(c.ID()).Disconnect() },
	} {
		t.Run(name, func(t *testing.T) { disconnectsInConnect(t, disconnect) })
	}
}

func disconnectsInConnect(t *testing.T, disconnect func(*socketio.Server, *socketio.Context)) {
	reasons := make(chan string, 2)
	var s *socketio.Server
	s = serve(t, map[string]any{
		"connect": func(c *socketio.Context) error {
			disconnect(s, c)
			return c.Emit("bye", "not today")
		},
		"disconnect": func(reason string) { reasons <- reason },
	})
	c := join(t, s)
	hears(t, c, `bye ["not today"]`)
	c.AwaitDisconnect()
	if reason := testkit.Await(t, reasons, "disconnect handler"); reason != "server disconnect" {
		t.Errorf("the reason is %q", reason)
	}
	if left := s.To().Clients(); len(left) > 0 {
		t.Errorf("%v are still there", left)
	}
	if len(reasons) > 0 {
		t.Error("the disconnect handler ran twice")
	}
}

// A connect handler that both disconnects a client and refuses it refuses it.
func TestDisconnectAndRefusal(t *testing.T) {
	s := serve(t, map[string]any{"connect": func(c *socketio.Context) error {
		c.Disconnect()
		return socketio.Refuse("no")
	}})
	_, err := socketiotest.Dial(t, s, socketiotest.Options{})
	if err == nil || err.Error() != `connection refused: "no"` {
		t.Errorf("Dial returned %v", err)
	}
}

// A refusal whose data cannot be sent is one without, and the error handler is told.
func TestRefusalWithUnwritableData(t *testing.T) {
	for name, data := range map[string]any{"a channel": make(chan int), "binary": []byte("x")} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]any{"connect": func() error { return &socketio.Refusal{Message: "no", Data: data} }})
			failed, told := failures()
			s.OnError(told)
			if _, err := socketiotest.Dial(t, s, socketiotest.Options{}); err == nil || err.Error() != `connection refused: "no"` {
				t.Errorf("Dial returned %v", err)
			}
			testkit.Await(t, failed, "failure")
		})
	}
}

// What can never be called is refused when it is registered.
func TestHandlersThatCouldNeverBeCalled(t *testing.T) {
	s := serve(t, nil)
	var none func(socketio.Value)
	for name, test := range map[string]struct {
		handler any
		want    string
	}{
		"nil function":        {none, "not a function"},
		"context second":      {func(string, *socketio.Context) {}, "has to come first"},
		"context by value":    {func(socketio.Context) {}, "has to come first"},
		"context.Context":     {func(context.Context) {}, "method Context"},
		"channel":             {func(chan int) {}, "nothing can be decoded into"},
		"function, variadic":  {func(...func()) {}, "nothing can be decoded into"},
		"interface with some": {func(error) {}, "nothing can be decoded into"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.On("event", test.handler); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("On returned %v", err)
			}
		})
	}
	if err := s.Handle(nil); err == nil {
		t.Error("Handle took nil")
	}
	if err := s.Handle(struct{ *socketio.Server }{s}); err == nil { // OnError is no handler
		t.Error("Handle took an embedded Server")
	}
}

// The session is the connection's, as in Flask, whatever its namespaces.
func TestSessionIsTheConnections(t *testing.T) {
	handlers := map[string]any{
		"set": func(c *socketio.Context, v string) { c.Set("key", v) },
		"get": func(c *socketio.Context) any { return c.Get("key") },
	}
	s := serve(t, handlers)
	register(t, s.Of("/other"), handlers)
	one, stranger := join(t, s), join(t, s)
	other := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/other", Over: one})
	one.Call("set", "kept")
	answers(t, other.Call("get"), `"kept"`)
	answers(t, stranger.Call("get"))
}

// What is done to Of("*") is done to all clients that came through it.
func TestTargetOfAllNamespaces(t *testing.T) {
	s := serve(t, nil)
	register(t, s.Of("*"), nil)
	one, two := joinAs(t, s, "/one"), joinAs(t, s, "/two")
	all := s.Of("*").To()
	all.Join("room")
	if ids := s.Of("*").To("room").Clients(); len(ids) != 2 {
		t.Errorf("in the room are %v", ids)
	}
	all.To(one.ID()).Leave("room")
	if err := s.Of("*").To("room").Emit("hi"); err != nil {
		t.Fatal(err)
	}
	hears(t, two, "hi []")
	done := make(chan []socketio.Answer, 1)
	go func() {
		got, _ := all.Call(limit(t), "question")
		done <- got
	}()
	one.Receive("question").Ack(1)
	two.Receive("question").Ack(2)
	if got := testkit.Await(t, done, "end of Call"); len(got) != 2 {
		t.Errorf("Call returned %v", got)
	}
	all.Disconnect()
	one.AwaitDisconnect()
	two.AwaitDisconnect()
}

// Text is not taken for the base64 of bytes.
func TestTextForBytes(t *testing.T) {
	s := serve(t, map[string]any{"event": func([]byte) {}, "fine": func() {}})
	failed, told := failures()
	s.OnError(told)
	c := join(t, s)
	c.Emit("event", "aGVsbG8=")
	c.Call("fine")
	if f := testkit.Await(t, failed, "failure"); !strings.Contains(f.err.Error(), "argument 1: not binary") {
		t.Errorf("the error handler was told of %v", f.err)
	}
}

// A Value within something else goes in and out as it came, binary included.
func TestValuesWithinOthers(t *testing.T) {
	type letter struct {
		To   string
		Text socketio.Value
		More map[string]*socketio.Value `json:",omitempty"`
	}
	s := serve(t, map[string]any{
		"wrap":   func(v socketio.Value) any { return map[string]any{"one": v, "list": []socketio.Value{v, v}} },
		"letter": func(l letter) (string, letter) { return l.Text.String(), l },
		"list":   func(l []socketio.Value) []socketio.Value { return l },
	})
	c := join(t, s)
	answers(t, c.Call("wrap", map[string]any{"z": uint64(9007199254740993), "a": nil}),
		`{"list":[{"a":null,"z":9007199254740993},{"a":null,"z":9007199254740993}],"one":{"a":null,"z":9007199254740993}}`)
	answers(t, c.Call("letter", map[string]any{"to": "bob", "text": []any{1, "two"}}),
		`"[1, 'two']"`, `{"To":"bob","Text":[1,"two"]}`)
	answers(t, c.Call("list", []any{1, "two", nil}), `[1,"two",null]`)

	got := c.Call("letter", map[string]any{"text": []byte("raw"), "more": map[string]any{"x": []any{[]byte("deep")}}})
	answers(t, got, `"b'raw'"`, `{"To":"","Text":{"_placeholder":true,"num":0},"More":{"x":[{"_placeholder":true,"num":1}]}}`)
	var back struct {
		Text []byte
		More map[string][][]byte
	}
	if err := got[1].Decode(&back); err != nil || string(back.Text) != "raw" || string(back.More["x"][0]) != "deep" {
		t.Errorf("decoded %q, %v", back, err)
	}
}

// Naming a namespace that clients came to through Of("*"), to emit to it, leaves its
// handlers and its clients as they are.
func TestNamingADynamicNamespace(t *testing.T) {
	s := serve(t, nil)
	if err := s.Of("/early").Emit("nobody"); err != nil { // before anybody is there
		t.Fatal(err)
	}
	register(t, s.Of("*"), map[string]any{
		"connect": func(_ *socketio.Context, auth struct{ Fine bool }) error {
			if !auth.Fine {
				return socketio.Refuse("no")
			}
			return nil
		},
		"who": func(c *socketio.Context) string { return "any " + c.Namespace() },
	})
	for _, name := range []string{"/early", "/late"} {
		fine := socketiotest.Options{Namespace: name, Auth: map[string]bool{"fine": true}}
		first := socketiotest.Connect(t, s, fine)
		if err := s.Of(name).Emit("hi"); err != nil {
			t.Fatal(err)
		}
		hears(t, first, "hi []")
		second := socketiotest.Connect(t, s, fine)
		answers(t, first.Call("who"), `"any `+name+`"`)
		answers(t, second.Call("who"), `"any `+name+`"`)
		if _, err := socketiotest.Dial(t, s, socketiotest.Options{Namespace: name}); err == nil {
			t.Errorf("%s: a client got past the connect handler", name)
		}
		register(t, s.Of(name), map[string]any{"who": func() string { return "own" }})
		answers(t, joinAs(t, s, name).Call("who"), `"own"`)
		answers(t, first.Call("who"), `"any `+name+`"`) // which it connected to
	}
}

// A client that sends everything at once and leaves: what waits for it has no more to
// wait for, neither in its connect handler nor in any other.
func TestContextOfAClientInAHurry(t *testing.T) {
	over := make(chan string, 2)
	wait := func(what string) func(c *socketio.Context) {
		return func(c *socketio.Context) {
			<-c.Context().Done()
			over <- what
		}
	}
	s := serve(t, map[string]any{"connect": wait("connect"), "work": wait("work")})
	do := func(method, query, body string) string {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body)))
		return w.Body.String()
	}
	var opened struct{ SID string }
	if err := json.Unmarshal([]byte(do(http.MethodGet, "", "")[1:]), &opened); err != nil {
		t.Fatal(err)
	}
	do(http.MethodPost, "&sid="+opened.SID, "40\x1e42[\"work\"]\x1e41")
	if got := testkit.Await(t, over, "end of the connect handler") + ", " + testkit.Await(t, over, "end of the handler"); got != "connect, work" {
		t.Error(got)
	}
	do(http.MethodPost, "&sid="+opened.SID, "1")
}
