package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// stage stands where a test has its *testing.T: examples have none.
type stage struct {
	testing.TB // nil: what is not below is not used

	cleanups []func()
}

func (*stage) Helper()                           {}
func (*stage) Logf(string, ...any)               {}
func (*stage) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (*stage) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (t *stage) Cleanup(f func())                { t.cleanups = append(t.cleanups, f) }

func (t *stage) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

// begin makes the server of an example; end disconnects its clients and ends it.
func begin() (t *stage, s *socketio.Server, end func()) {
	t = new(stage)
	return t, socketiotest.NewServer(t, socketio.Options{}), t.end
}

// check ends an example that went wrong.
func check(errs ...error) {
	if err := errors.Join(errs...); err != nil {
		panic(err)
	}
}

// Flask: @socketio.on('greet'), and emit('greeting', ...). Shows Context.Emit.
func ExampleNamespace_On() {
	t, s, end := begin()
	defer end()

	check(s.On("greet", func(c *socketio.Context, name string) error {
		return c.Emit("greeting", "Hello, "+name)
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("greet", "Ada")
	fmt.Println(client.Receive("greeting"))
	// Output: greeting ["Hello, Ada"]
}

// Flask: data['user'], data['text'] of the one argument
func ExampleNamespace_On_typed() {
	t, s, end := begin()
	defer end()

	type Message struct {
		User string `json:"user"`
		Text string `json:"text"`
	}
	check(s.On("chat", func(c *socketio.Context, m Message) error {
		return c.Emit("line", m.User+": "+m.Text)
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("chat", Message{"ada", "hi"})
	fmt.Println(client.Receive("line"))
	// Output: line ["ada: hi"]
}

// Flask: return 3, 'three'
func ExampleNamespace_On_acknowledgement() {
	t, s, end := begin()
	defer end()

	check(s.On("add", func(a, b int) (int, string, error) {
		if a > 1000 || b > 1000 {
			return 0, "", errors.New("too large") // no acknowledgement; logged
		}
		return a + b, "done", nil
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	fmt.Println(client.Call("add", 1, 2))
	// Output: [3 "done"]
}

// Flask: @socketio.on('connect') def connect(auth): ... Shows Refuse.
func ExampleNamespace_On_connect() {
	t, s, end := begin()
	defer end()

	check(s.On("connect", func(c *socketio.Context, auth struct{ Token string }) error {
		if auth.Token != "secret" {
			return socketio.Refuse("wrong token")
		}
		return c.Emit("welcome")
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{Auth: map[string]string{"token": "secret"}})
	fmt.Println(client.Receive("welcome"))
	_, err := socketiotest.Dial(t, s, socketiotest.Options{})
	fmt.Println(err)
	// Output:
	// welcome []
	// connection refused: "wrong token"
}

// Flask: @socketio.on('disconnect') def disconnect(reason): ...
func ExampleNamespace_On_disconnect() {
	t, s, end := begin()
	defer end()

	check(s.On("disconnect", func(c *socketio.Context, reason string) error {
		return s.Emit("left", reason)
	}))

	stays := socketiotest.Connect(t, s, socketiotest.Options{})
	socketiotest.Connect(t, s, socketiotest.Options{}).Disconnect()
	fmt.Println(stays.Receive("left"))
	// Output: left ["client disconnect"]
}

// Flask: @socketio.on('*') def catch_all(event, *args): ...
func ExampleNamespace_On_catchAll() {
	t, s, end := begin()
	defer end()

	check(s.On("*", func(event string, args ...socketio.Value) string {
		return fmt.Sprintf("%s with %v", event, args)
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	fmt.Println(client.Call("anything", "a", 1))
	// Output: ["anything with [a 1]"]
}

// Flask: socketio.emit('news', 'hello', 1)
func ExampleNamespace_Emit() {
	t, s, end := begin()
	defer end()

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	check(s.Emit("news", "hello", map[string]any{"n": 1, "raw": []byte("bytes")}))
	fmt.Println(client.Receive("news"))
	// Output: news ["hello",{"n":1,"raw":{"_placeholder":true,"num":0}}]
}

// Flask: socketio.emit('news', 'hello', to='sport', skip_sid=other).
// Shows Target.Except and Target.Emit.
func ExampleNamespace_To() {
	t, s, end := begin()
	defer end()

	check(s.On("enter", func(c *socketio.Context, room string) { c.Join(room) }))
	one := socketiotest.Connect(t, s, socketiotest.Options{})
	two := socketiotest.Connect(t, s, socketiotest.Options{})
	one.Call("enter", "sport")
	two.Call("enter", "sport")

	check(s.To("sport").Except(two.ID()).Emit("news", "a goal"), s.To(two.ID()).Emit("news", "for two"))
	fmt.Println(one.Receive("news"))
	fmt.Println(two.Receive("news"))
	// Output:
	// news ["a goal"]
	// news ["for two"]
}

// Flask: emit('joined', request.sid, broadcast=True, include_self=False)
func ExampleContext_Others() {
	t, s, end := begin()
	defer end()

	check(s.On("connect", func(c *socketio.Context) error { return c.Others().Emit("joined") }))

	first := socketiotest.Connect(t, s, socketiotest.Options{})
	socketiotest.Connect(t, s, socketiotest.Options{})
	fmt.Println(first.Receive("joined"))
	// Output: joined []
}

// Flask: emit('line', text, to=room), and with include_self=False
func ExampleContext_To() {
	t, s, end := begin()
	defer end()

	check(s.On("say", func(c *socketio.Context, room, text string) error {
		return errors.Join(
			c.To(room).Emit("line", text),
			c.To(room).Except(c.ID()).Emit("beep"),
		)
	}), s.On("connect", func(c *socketio.Context) { c.Join("lobby") }))

	speaker := socketiotest.Connect(t, s, socketiotest.Options{})
	listener := socketiotest.Connect(t, s, socketiotest.Options{})
	speaker.Call("say", "lobby", "hi")
	fmt.Println(speaker.Received(), listener.Next(), listener.Next())
	// Output: [line ["hi"]] line ["hi"] beep []
}

// Flask: join_room(room), rooms(), leave_room(room).
// Shows Context.Rooms and Context.Leave.
func ExampleContext_Join() {
	t, s, end := begin()
	defer end()

	check(s.On("move", func(c *socketio.Context) (before, after int) {
		c.Join("lobby")
		before = len(c.Rooms()) // one is its own, named by its id
		c.Leave("lobby")
		return before, len(c.Rooms())
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	fmt.Println(client.Call("move"))
	// Output: [2 1]
}

// Flask: disconnect()
func ExampleContext_Disconnect() {
	t, s, end := begin()
	defer end()

	check(s.On("leave", func(c *socketio.Context) { c.Disconnect() }))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("leave")
	client.AwaitDisconnect()
	fmt.Println("disconnected")
	// Output: disconnected
}

// Flask: session['visits'] = session.get('visits', 0) + 1. Shows Context.Get.
func ExampleContext_Set() {
	t, s, end := begin()
	defer end()

	check(s.On("visit", func(c *socketio.Context) int {
		visits, _ := c.Get("visits").(int)
		c.Set("visits", visits+1)
		return visits + 1
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Call("visit")
	fmt.Println(client.Call("visit"))
	// Output: [2]
}

// Flask: call('question', to=request.sid, timeout=60)
func ExampleContext_Call() {
	t, s, end := begin()
	defer end()

	check(s.On("ask me", func(c *socketio.Context) error {
		answer, err := c.Call(context.Background(), "question", "sure?")
		if err != nil {
			return err // a minute has passed, or the client has left
		}
		return c.Emit("thanks", answer[0])
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("ask me")
	client.Receive("question").Ack("yes")
	fmt.Println(client.Receive("thanks"))
	// Output: thanks ["yes"]
}
