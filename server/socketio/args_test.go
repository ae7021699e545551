package socketio_test

import (
	"testing"

	"hipflask/server/socketio"
)

// A handler can acknowledge with one null, and with any number of values.
func TestArgsAsAcknowledgement(t *testing.T) {
	s := serve(t, map[string]any{
		"nil":       func() any { return nil },
		"null":      func() socketio.Args { return socketio.Args{nil} },
		"none":      func() socketio.Args { return nil },
		"empty":     func() any { return socketio.Args{} },
		"several":   func(n int) any { return socketio.Args{n, nil, []byte("x")} },
		"with more": func() (int, socketio.Args) { return 1, socketio.Args{2} },
		"failing":   func() (socketio.Args, error) { return socketio.Args{1}, nil },
		"given":     func(v ...socketio.Value) socketio.Args { return socketio.Args{v} },
	})
	c := join(t, s)
	answers(t, c.Call("nil"))
	answers(t, c.Call("null"), "null")
	answers(t, c.Call("none"))
	answers(t, c.Call("empty"))
	answers(t, c.Call("several", 3), "3", "null", `{"_placeholder":true,"num":0}`)
	answers(t, c.Call("with more"), "1", "[2]")
	answers(t, c.Call("failing"), "1")
	answers(t, c.Call("given", 1, nil), "[1,null]")
}

// Emit sends Args as so many arguments, one null among them.
func TestArgsAsArguments(t *testing.T) {
	s := serve(t, nil)
	c := join(t, s)
	for _, args := range [][]any{{nil}, {socketio.Args{nil}}, {socketio.Args{}}, {socketio.Args{1, "two"}}, {1, socketio.Args{2}}} {
		if err := s.Emit("r", args...); err != nil {
			t.Fatal(err)
		}
	}
	hears(t, c, "r []", "r [null]", "r []", `r [1,"two"]`, "r [1,[2]]")
}

// A handler, or middleware, can leave an event unacknowledged, which is no failure.
func TestNoAcknowledgement(t *testing.T) {
	s := serve(t, map[string]any{
		"quiet": func() error { return socketio.ErrNoAck },
		"end":   func() {},
	})
	failed, told := failures()
	s.OnErrorDefault(told)
	c := join(t, s)
	quiet := c.Start("quiet")
	c.Call("end")
	if len(quiet) > 0 || len(failed) > 0 {
		t.Error("the event was acknowledged, or told as a failure")
	}
}
