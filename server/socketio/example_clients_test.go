package socketio_test

import (
	"context"
	"fmt"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// Flask: close_room(room), socketio.server.manager.get_participants('/', room).
// Shows Target.Clients.
func ExampleNamespace_CloseRoom() {
	t, s, end := begin()
	defer end()

	check(s.On("connect", func(c *socketio.Context) { c.Join("lobby") }))
	socketiotest.Connect(t, s, socketiotest.Options{})

	fmt.Println(len(s.To("lobby").Clients()))
	s.CloseRoom("lobby")
	fmt.Println(len(s.To("lobby").Clients()))
	// Output:
	// 1
	// 0
}

// Flask: socketio.emit('news', 'hello', skip_sid=sid)
func ExampleNamespace_Except() {
	t, s, end := begin()
	defer end()

	one := socketiotest.Connect(t, s, socketiotest.Options{})
	two := socketiotest.Connect(t, s, socketiotest.Options{})
	check(s.Except(one.ID()).Emit("news", "not for one"), s.Emit("news", "for all"))
	fmt.Println(one.Next(), two.Next(), two.Next())
	// Output: news ["for all"] news ["not for one"] news ["for all"]
}

// Flask: join_room(room, sid=sid), leave_room(room, sid=sid), emit(..., to=[room, sid]),
// disconnect(sid=sid). Shows Target.To, Target.Leave and Target.Disconnect.
func ExampleTarget_Join() {
	t, s, end := begin()
	defer end()

	one := socketiotest.Connect(t, s, socketiotest.Options{})
	two := socketiotest.Connect(t, s, socketiotest.Options{})
	s.To(one.ID()).Join("staff")
	check(s.To("staff").To(two.ID()).Emit("news", "for both"))
	s.To(one.ID()).Leave("staff")
	check(s.To("staff").Emit("news", "for nobody"))
	fmt.Println(one.Next(), two.Next())
	s.To(one.ID()).Disconnect()
	one.AwaitDisconnect()
	fmt.Println("disconnected")
	// Output:
	// news ["for both"] news ["for both"]
	// disconnected
}

// Flask: socketio.call('question', 'sure?', to=sid, timeout=10)
func ExampleTarget_Call() {
	t, s, end := begin()
	defer end()

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	go func() { client.Receive("question").Ack("yes") }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answers, err := s.To(client.ID()).Call(ctx, "question", "sure?")
	for _, a := range answers {
		fmt.Println(a.Client == client.ID(), a.Values)
	}
	fmt.Println(err)
	// Output:
	// true [yes]
	// <nil>
}

// Flask: request.sid
func ExampleContext_ID() {
	t, s, end := begin()
	defer end()

	check(s.On("who am I", func(c *socketio.Context) string { return c.ID() }))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	var id string
	check(client.Call("who am I")[0].Decode(&id))
	fmt.Println(id == client.ID())
	// Output: true
}

// What waits for a client ends when the client leaves. Flask has none.
func ExampleContext_Context() {
	t, s, end := begin()
	defer end()

	over := make(chan error)
	check(s.On("work", func(c *socketio.Context) {
		select {
		case <-time.After(time.Hour):
			over <- nil
		case <-c.Context().Done():
			over <- context.Cause(c.Context())
		}
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("work")
	client.Disconnect()
	fmt.Println(<-over)
	// Output: client disconnected
}

// A client is cut off, and comes back to its rooms and to what it missed, which is
// followed by the offset that tells the server what it has received. Flask has none.
func ExampleContext_Recovered() {
	t := new(stage)
	defer t.end()
	s := socketiotest.NewServer(t, socketio.Options{Recovery: time.Minute})
	check(s.On("connect", func(c *socketio.Context) {
		if !c.Recovered() {
			c.Join("lobby")
		}
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Drop()
	check(s.To("lobby").Emit("news", "while it was away"))
	client = socketiotest.Connect(t, s, socketiotest.Options{Auth: client.Key()})
	fmt.Println(client.Receive("news").Args[0])
	// Output: "while it was away"
}

// Flask: the auth of the connect handler, and request.remote_addr. Shows Context.Auth,
// Context.Address, Context.Transport and Context.Protocol.
func ExampleContext_Auth() {
	t, s, end := begin()
	defer end()

	check(s.On("about me", func(c *socketio.Context) error {
		var auth struct{ Name string }
		if err := c.Auth().Decode(&auth); err != nil {
			return err
		}
		return c.Emit("you", auth.Name, c.Address(), c.Transport(), c.Protocol())
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{Auth: map[string]string{"name": "Ann"}})
	client.Emit("about me")
	fmt.Println(client.Next())
	// Output: you ["Ann","192.0.2.1","polling",4]
}

// Flask has no counterpart; in Node it is socket.data. Shows Context.Data and As.
func ExampleContext_SetData() {
	t, s, end := begin()
	defer end()

	check(s.On("visit", func(c *socketio.Context) int {
		visits, _ := socketio.As[int](c.Data("visits"))
		c.SetData("visits", visits+1)
		return visits + 1
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	fmt.Println(client.Call("visit"), client.Call("visit"))
	// Output: [1] [2]
}

// Flask: disconnect() and socketio.server.eio.disconnect(eio_sid). Shows Target.Close.
func ExampleContext_Close() {
	t, s, end := begin()
	defer end()

	check(s.On("bye", func(c *socketio.Context) { c.Close() }))
	check(s.On("bye all", func(c *socketio.Context) { c.To().Close() }))
	check(s.On("disconnect", func(reason string) { fmt.Println(reason) }))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("bye")
	client.AwaitDisconnect()
	// Output: server disconnect
}

// Flask: emit('question', 'sure?', callback=answered)
func ExampleContext_Ask() {
	t, s, end := begin()
	defer end()

	answered := make(chan []socketio.Value)
	check(s.On("begin", func(c *socketio.Context) error {
		return c.Ask(func(answer []socketio.Value, err error) { answered <- answer }, "question", "sure?")
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Call("begin") // which is acknowledged before the question is
	client.Receive("question").Ack("yes")
	fmt.Println(<-answered)
	// Output: [yes]
}

// Flask has no counterpart; in Node it is io.volatile.local.emit. Shows Target.Local.
func ExampleTarget_Volatile() {
	_, s, end := begin()
	defer end()

	fmt.Println(s.To().Volatile().Local().Emit("position", 12, 7))
	// Output: <nil>
}

// Flask has no counterpart; in Node it is io.compress(false).emit.
func ExampleTarget_Compress() {
	_, s, end := begin()
	defer end()

	picture := []byte("\xff\xd8\xff ...")
	fmt.Println(s.To("album").Compress(false).Emit("picture", picture))
	// Output: <nil>
}

// Flask has no counterpart; in Node it is io.serverSideEmitWithAck.
func ExampleNamespace_CallServers() {
	_, s, end := begin()
	defer end()

	answers, err := s.CallServers(context.Background(), "load") // nobody: it is alone
	fmt.Println(len(answers), err)
	// Output: 0 <nil>
}
