package porting

import (
	"encoding/json"
	"strings"
	"testing"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

func serve(t *testing.T) *socketio.Server {
	t.Helper()
	return prepared(t, hipflasktest.New(t, Register))
}

// prepared is an application's server, with an event by which tests wait.
func prepared(t *testing.T, app *hipflasktest.App) *socketio.Server {
	t.Helper()
	s := app.SocketIO
	for _, name := range []string{"/", "/test"} {
		if err := s.Of(name).On("barrier", func() {}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func secret(namespace string) socketiotest.Options {
	return socketiotest.Options{Namespace: namespace, Auth: map[string]string{"token": "secret"}}
}

// runSteps runs steps and returns, for each, the acknowledgement and what the client
// has received, in the form of Flask's test client: one value is not in a list.
func runSteps(t *testing.T, steps []step) (results []string) {
	t.Helper()
	s := serve(t)
	clients := make(map[any]*socketiotest.Client)
	for _, step := range steps {
		_, namespace, _ := strings.Cut(step[0].(string), "/")
		c := clients[step[0]]
		if c == nil {
			c = socketiotest.Connect(t, s, secret("/"+namespace))
			clients[step[0]] = c
		}
		if step[1] == "disconnect" {
			c.Disconnect()
			again := secret("/" + namespace)
			again.Over = c
			socketiotest.Connect(t, s, again) // comes after the disconnect handler
			results = append(results, `[[],"disconnected"]`)
			continue
		}
		ack := c.Call(step[1].(string), step[2:]...)
		answer := "[" + join(ack) + "]"
		if len(ack) == 1 {
			answer = ack[0].String()
		}
		results = append(results, "["+answer+","+received(c)+"]")
	}
	return results
}

// runRow runs one row in a handler of a client and returns who received what. With
// probe it is who is in the room afterwards.
func runRow(t *testing.T, inRoom, probe bool, row func(a *application, c *socketio.Context, sid string) error) string {
	t.Helper()
	s := serve(t)
	var clients []*socketiotest.Client
	for range 3 {
		c := socketiotest.Connect(t, s, secret("/"))
		c.Receive("welcome")
		clients = append(clients, c)
	}
	clients = append(clients, socketiotest.Connect(t, s, secret("/test")))
	if inRoom {
		s.To(clients[0].ID(), clients[1].ID()).Join("room")
	}
	if err := s.On("row", func(c *socketio.Context) error { return row(&application{s: s}, c, clients[1].ID()) }); err != nil {
		t.Fatal(err)
	}
	<-clients[0].Start("row") // closed without an acknowledgement if the row disconnects it
	if probe {
		if err := s.To("room").Emit("member"); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, c := range clients {
		if _, connected := <-c.Start("barrier"); !connected {
			got = append(got, `"disconnected"`)
			continue
		}
		got = append(got, received(c))
	}
	return "[" + strings.Join(got, ",") + "]"
}

func join(values []socketiotest.Value) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return strings.Join(texts, ",")
}

// received takes the events that came, each as a list of its name and arguments.
func received(c *socketiotest.Client) string {
	var events []string
	for _, e := range c.Received() {
		name, _ := json.Marshal(e.Name) // a string always marshals
		events = append(events, strings.TrimSuffix("["+string(name)+","+join(e.Args), ",")+"]")
	}
	return "[" + strings.Join(events, ",") + "]"
}

// What the comparison with Python leaves out: it has no counterpart there, or none
// that Flask's test client could show.
func TestTheRest(t *testing.T) {
	s := serve(t)
	if _, err := socketiotest.Dial(t, s, socketiotest.Options{}); err == nil || err.Error() != `connection refused: "wrong token" with {"code":7}` {
		t.Errorf("Dial returned %v", err)
	}
	c := socketiotest.Connect(t, s, secret("/"))
	for _, test := range []struct{ got, want string }{
		{join(c.Call("upload", "name", []byte("four"))), "4"},
		{join(c.Call("anything", 1, 2)), `"anything",2`},
		{join(socketiotest.Connect(t, s, secret("/somewhere")).Call("who")), `"/somewhere"`},
	} {
		if test.got != test.want {
			t.Errorf("acknowledged with %s, want %s", test.got, test.want)
		}
	}

	failed := c.Start("divide", 1, 0)
	c.Call("nothing")
	if len(failed) > 0 {
		t.Error("a failed event was acknowledged")
	}

	c.Emit("ask")
	c.Receive("question").Ack("yes")
	if got := c.Receive("thanks").String(); got != `thanks ["yes"]` {
		t.Errorf("received %s", got)
	}

	c.Call("tell") // which does not wait
	c.Receive("question").Ack("yes")

	other := socketiotest.Connect(t, s, secret("/"))
	c.Call("tell other", other.ID())
	other.Receive("question").Ack("yes")

	chat := socketiotest.Connect(t, s, secret("/chat"))
	chat.Receive("hello")
	if got := join(chat.Call("my_event", Data{N: 1})); got != "2" {
		t.Errorf("acknowledged with %s", got)
	}
	test := socketiotest.Connect(t, s, secret("/test"))
	test.Emit("my event", Data{N: 1})
	if got := test.Receive("r").String(); got != "r [2]" {
		t.Errorf("received %s", got)
	}

	if _, err := socketiotest.Dial(t, s, secret("/members")); err == nil || err.Error() != `connection refused: "members only"` {
		t.Errorf("Dial returned %v", err)
	}
	member := secret("/members")
	member.Header = map[string][]string{"X-Member": {"yes"}}
	socketiotest.Connect(t, s, member)
}
