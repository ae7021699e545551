package socketio_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// What a session begins with is asked for once, when somebody wants to know, and as of
// when the connection was opened.
func TestSessionValuesAreMadeWhenTheyAreAskedFor(t *testing.T) {
	var asked atomic.Int32
	opened := make(chan time.Time, 1)
	s := socketiotest.NewServer(t, socketio.Options{SessionValues: func(r *http.Request, at time.Time) map[string]any {
		asked.Add(1)
		opened <- at
		return map[string]any{"name": r.Header.Get("X-Name"), "kept": "page"}
	}})
	err := s.On("get", func(c *socketio.Context, key string) any { return c.Get(key) })
	if err == nil {
		err = s.On("set", func(c *socketio.Context, key, value string) bool { c.Set(key, value); return true })
	}
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	c := socketiotest.Connect(t, s, socketiotest.Options{Header: http.Header{"X-Name": {"Ann"}}})
	connected := time.Now()
	if n := asked.Load(); n != 0 {
		t.Fatalf("asked %d times before anybody wanted to know", n)
	}
	c.Call("set", "kept", "socket")
	for key, want := range map[string]string{"name": "Ann", "kept": "socket"} {
		var got string
		if err := c.Call("get", key)[0].Decode(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	if at := <-opened; at.Before(before) || at.After(connected) {
		t.Errorf("as of %v; it was opened between %v and %v", at, before, connected)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
