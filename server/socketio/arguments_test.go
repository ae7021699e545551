package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

type message struct {
	User string   `json:"user"`
	N    int      `json:"n"`
	Tags []string `json:"tags"`
	Blob []byte   `json:"blob"`
}

// Each form of a handler gets the arguments as it declares them.
func TestArguments(t *testing.T) {
	got := make(chan string, 1)
	show := func(args ...any) { got <- fmt.Sprintf("%v", args) }
	tests := map[string]struct {
		handler any
		send    []any
		want    string
	}{
		"nothing":         {func() { show() }, nil, "[]"},
		"context alone":   {func(c *socketio.Context) { show(c.Namespace()) }, nil, "[/]"},
		"raw":             {func(v socketio.Value) { show(v) }, []any{map[string]any{"a": true}}, "[{'a': True}]"},
		"context and raw": {func(_ *socketio.Context, v socketio.Value) { show(v) }, []any{nil}, "[None]"},
		"raw, twice":      {func(a, b socketio.Value) { show(a, b) }, []any{1, "x"}, "[1 x]"},
		"string":          {func(s string) { show(s) }, []any{"it's"}, "[it's]"},
		"numbers":         {func(i int, f float64) { show(i, f) }, []any{7, 1.5}, "[7 1.5]"},
		"bool and list":   {func(b bool, l []int) { show(b, l) }, []any{true, []int{1, 2}}, "[true [1 2]]"},
		"bytes":           {func(b []byte) { show(string(b)) }, []any{[]byte("raw")}, "[raw]"},
		"any":             {func(v any) { show(v) }, []any{map[string]any{"a": 1}}, "[map[a:1]]"},
		"pointer":         {func(m *message) { show(m.User) }, []any{message{User: "bob"}}, "[bob]"},
		"struct with bytes": {func(_ *socketio.Context, m message) { show(m.User, m.N, m.Tags, string(m.Blob)) },
			[]any{message{"bob", 3, []string{"x"}, []byte("b")}}, "[bob 3 [x] b]"},
		"variadic, none": {func(rest ...int) { show(len(rest)) }, nil, "[0]"},
		"variadic, some": {func(first string, rest ...int) { show(first, rest) }, []any{"a", 1, 2}, "[a [1 2]]"},
		"variadic, raw":  {func(rest ...socketio.Value) { show(rest) }, []any{1, "two"}, "[[1 two]]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := join(t, serve(t, map[string]any{"event": test.handler}))
			c.Emit("event", test.send...)
			if text := testkit.Await(t, got, "call of the handler"); text != test.want {
				t.Errorf("the handler got %s, want %s", text, test.want)
			}
		})
	}
}

// An event that does not fit its handler fails: the handler is not called, the
// error handler is told, nothing is acknowledged, and the connection stays.
func TestArgumentsThatDoNotFit(t *testing.T) {
	tests := map[string]struct {
		handler any
		send    []any
		want    string // part of the error
	}{
		"too few":             {func(string, int) {}, []any{"a"}, "came with 1 arguments, its handler takes 2"},
		"too many":            {func(string) {}, []any{"a", 1}, "came with 2 arguments, its handler takes 1"},
		"none for raw":        {func(socketio.Value) {}, nil, "came with 0 arguments, its handler takes 1"},
		"two for context raw": {func(*socketio.Context, socketio.Value) {}, []any{1, 2}, "came with 2 arguments, its handler takes 1"},
		"some for none":       {func(*socketio.Context) {}, []any{1}, "came with 1 arguments, its handler takes 0"},
		"too few, variadic":   {func(string, ...int) {}, nil, "came with 0 arguments, its handler takes at least 1"},
		"number for string":   {func(string) {}, []any{1}, "argument 1: "},
		"text for number":     {func(string, int) {}, []any{"a", "b"}, "argument 2: "},
		"fraction for int":    {func(int) {}, []any{1.5}, "argument 1: "},
		"large for int8":      {func(int8) {}, []any{300}, "argument 1: "},
		"list for struct":     {func(message) {}, []any{[]int{1}}, "argument 1: "},
		"wrong in struct":     {func(message) {}, []any{map[string]any{"n": "x"}}, "argument 1: "},
		"text for bytes":      {func([]byte) {}, []any{"not base64!"}, "argument 1: "},
		"bytes for string":    {func(string) {}, []any{[]byte("x")}, "argument 1: "},
		"wrong, variadic":     {func(...int) {}, []any{1, 2, "x"}, "argument 3: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]any{"event": test.handler, "fine": func() {}})
			failed, told := failures()
			s.OnError(told)
			c := join(t, s)
			unanswered := c.Start("event", test.send...)
			answers(t, c.Call("fine"))
			f := testkit.Await(t, failed, "failure")
			if f.sid != c.ID() || f.event != "event" || !strings.Contains(f.err.Error(), test.want) {
				t.Errorf("the error handler was told of %q: %v, want %q", f.event, f.err, test.want)
			}
			select {
			case values := <-unanswered:
				t.Errorf("the failed event was acknowledged with %v", values)
			default:
			}
		})
	}
}

// What a handler returns is the acknowledgement.
func TestAcknowledgements(t *testing.T) {
	tests := map[string]struct {
		handler any
		want    []string
	}{
		"nothing":           {func() {}, nil},
		"no error":          {func() error { return nil }, nil},
		"one":               {func() string { return "ok" }, []string{`"ok"`}},
		"several":           {func() (int, string, bool) { return 1, "two", true }, []string{"1", `"two"`, "true"}},
		"one and no error":  {func() (any, error) { return map[string]int{"a": 1}, nil }, []string{`{"a":1}`}},
		"a list is one":     {func() []int { return []int{1, 2} }, []string{"[1,2]"}},
		"bytes":             {func() []byte { return []byte("x") }, []string{`{"_placeholder":true,"num":0}`}},
		"null beside other": {func() (any, int) { return nil, 1 }, []string{"null", "1"}},
		"typed struct":      {func() message { return message{User: "bob"} }, []string{`{"user":"bob","n":0,"tags":null,"blob":null}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := join(t, serve(t, map[string]any{"event": test.handler}))
			answers(t, c.Call("event"), test.want...)
		})
	}
}

// A value goes back as it came: key order, big integers, binary.
func TestAcknowledgementOfTheArgument(t *testing.T) {
	c := join(t, serve(t, map[string]any{"echo": func(v socketio.Value) socketio.Value { return v }}))
	type ordered struct {
		Z   int    `json:"z"`
		A   uint64 `json:"a"`
		Raw []byte `json:"raw"`
	}
	got := c.Call("echo", ordered{1, 9007199254740993, []byte{0, 255}})
	answers(t, got, `{"z":1,"a":9007199254740993,"raw":{"_placeholder":true,"num":0}}`)
	var back ordered
	if err := got[0].Decode(&back); err != nil || string(back.Raw) != "\x00\xff" {
		t.Errorf("decoded %v, %v", back, err)
	}
}

// An event that asks for no acknowledgement gets none, whatever the handler returns.
func TestNoAcknowledgementUnasked(t *testing.T) {
	c := join(t, serve(t, map[string]any{"event": func() string { return "unasked" }}))
	c.Emit("event")
	answers(t, c.Call("event"), `"unasked"`)
	if more := c.Received(); len(more) > 0 {
		t.Errorf("received %v", more)
	}
}

// A return value that cannot be written fails the event.
func TestAcknowledgementThatCannotBeWritten(t *testing.T) {
	s := serve(t, map[string]any{"event": func() any { return make(chan int) }, "fine": func() {}})
	failed, told := failures()
	s.OnError(told)
	c := join(t, s)
	c.Start("event")
	c.Call("fine")
	if f := testkit.Await(t, failed, "failure"); f.event != "event" {
		t.Errorf("the error handler was told of %q: %v", f.event, f.err)
	}
}

// What cannot be a handler is refused when it is registered.
func TestHandlersThatAreNone(t *testing.T) {
	s := serve(t, nil)
	var none func()
	tests := map[string]struct {
		event   string
		handler any
	}{
		"nil":                         {"event", nil},
		"a nil function":              {"event", none},
		"a string":                    {"event", "handler"},
		"connect with two arguments":  {"connect", func(a, b socketio.Value) {}},
		"disconnect with two reasons": {"disconnect", func(a, b string) {}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := s.On(test.event, test.handler); err == nil || !strings.Contains(err.Error(), test.event) {
				t.Errorf("On returned %v", err)
			}
		})
	}
}

// The last registration of an event holds: there is one handler each.
func TestLaterHandlerReplacesTheEarlier(t *testing.T) {
	s := serve(t, map[string]any{"event": func() int { return 1 }})
	c := join(t, s)
	answers(t, c.Call("event"), "1")
	if err := s.On("event", func() int { return 2 }); err != nil {
		t.Fatal(err)
	}
	answers(t, c.Call("event"), "2")
}

// An error fails the event even beside values.
func TestErrorBesideValues(t *testing.T) {
	want := errors.New("no")
	s := serve(t, map[string]any{"event": func() (string, error) { return "value", want }, "fine": func() {}})
	failed, told := failures()
	s.OnError(told)
	c := join(t, s)
	unanswered := c.Start("event")
	c.Call("fine")
	if f := testkit.Await(t, failed, "failure"); !errors.Is(f.err, want) {
		t.Errorf("the error handler was told of %v", f.err)
	}
	if len(unanswered) > 0 {
		t.Error("a failed event was acknowledged")
	}
}
