package tour

import (
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// serve starts the handlers with a background task that is not due.
func serve(t *testing.T) *socketio.Server {
	t.Helper()
	s := socketiotest.NewServer(t, socketio.Options{})
	if err := RegisterEvery(s, time.Hour); err != nil {
		t.Fatal(err)
	}
	return s
}

// arrive connects a client and takes its greeting.
func arrive(t *testing.T, s *socketio.Server) *socketiotest.Client {
	t.Helper()
	c := socketiotest.Connect(t, s, socketiotest.Options{})
	responds(t, c, `{"data":"Connected","count":0}`)
	return c
}

func responds(t *testing.T, c *socketiotest.Client, want string) {
	t.Helper()
	if got := c.Next().String(); got != "response ["+want+"]" {
		t.Fatalf("received %s, want the response %s", got, want)
	}
}

func TestEchoAndBroadcast(t *testing.T) {
	s := serve(t)
	one, two := arrive(t, s), arrive(t, s)
	one.Emit("echo", "only me")
	responds(t, one, `{"data":"only me","count":1}`)
	one.Emit("broadcast", "all of us")
	responds(t, one, `{"data":"all of us","count":2}`)
	responds(t, two, `{"data":"all of us","count":2}`)
}

func TestRooms(t *testing.T) {
	s := serve(t)
	one, two, outside := arrive(t, s), arrive(t, s), arrive(t, s)
	one.Emit("join", "b")
	responds(t, one, `{"data":"In rooms: b","count":1}`)
	one.Emit("join", "a")
	responds(t, one, `{"data":"In rooms: a, b","count":2}`)
	two.Emit("join", "a")
	responds(t, two, `{"data":"In rooms: a","count":1}`)

	two.Emit("room message", "a", "hi")
	responds(t, one, `{"data":"hi","count":2}`)
	responds(t, two, `{"data":"hi","count":2}`)

	one.Emit("leave", "b")
	responds(t, one, `{"data":"In rooms: a","count":3}`)
	one.Emit("close room", "a")
	responds(t, one, `{"data":"Room a is closing.","count":4}`)
	responds(t, two, `{"data":"Room a is closing.","count":4}`)
	one.Emit("echo", "closed") // handled once the room is
	responds(t, one, `{"data":"closed","count":5}`)
	two.Emit("room message", "a", "is anybody there?")
	two.Emit("leave", "a")
	responds(t, two, `{"data":"In rooms: ","count":4}`)

	outside.Emit("echo", "end")
	responds(t, outside, `{"data":"end","count":1}`)
}

func TestDisconnectRequest(t *testing.T) {
	s := serve(t)
	stays, leaves := arrive(t, s), arrive(t, s)
	leaves.Emit("disconnect request")
	e := leaves.Receive("response")
	if e.String() != `response [{"data":"Disconnected!","count":1}]` {
		t.Errorf("received %s", e)
	}
	e.Ack()
	leaves.AwaitDisconnect()
	if got, want := stays.Next().String(), `left ["`+leaves.ID()+`","server disconnect"]`; got != want {
		t.Errorf("received %s, want %s", got, want)
	}
}

func TestLatency(t *testing.T) {
	c := arrive(t, serve(t))
	c.Emit("latency ping")
	if got := c.Next().String(); got != "latency pong []" {
		t.Errorf("received %s", got)
	}
}

func TestAnythingElse(t *testing.T) {
	c := arrive(t, serve(t))
	if got := c.Call("what is this", "x", 1)[0].String(); got != `"no handler for what is this[x 1]"` {
		t.Errorf("acknowledged with %s", got)
	}
}

func TestBackgroundCounter(t *testing.T) {
	s := socketiotest.NewServer(t, socketio.Options{})
	if err := RegisterEvery(s, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	one := socketiotest.Connect(t, s, socketiotest.Options{})
	two := socketiotest.Connect(t, s, socketiotest.Options{})
	for _, c := range []*socketiotest.Client{one, two} {
		var first, second int
		if err := c.Receive("background").Decode(&first); err != nil {
			t.Fatal(err)
		}
		if err := c.Receive("background").Decode(&second); err != nil || first < 1 || second != first+1 {
			t.Errorf("counted %d, then %d, %v", first, second, err)
		}
	}
}
