package socketio_test

import (
	"context"
	"fmt"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// Node: await io.fetchSockets(). Shows Target.Count.
func ExampleTarget_Sockets() {
	t, s, end := begin()
	defer end()

	check(s.On("connect", func(c *socketio.Context, auth struct{ Name string }) {
		c.SetData("name", auth.Name)
	}))
	check(s.On("who", func(c *socketio.Context) ([]string, error) {
		ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
		defer cancel()
		people, err := c.To().Sockets(ctx)
		var names []string
		for _, p := range people {
			names = append(names, p.Data["name"].String()+" by "+p.Transport)
		}
		return names, err
	}))

	ada := socketiotest.Connect(t, s, socketiotest.Options{Auth: map[string]string{"name": "Ada"}})
	fmt.Println(ada.Call("who"))
	n, err := s.To().Count(context.Background())
	fmt.Println(n, err)
	// Output:
	// [["Ada by polling"]]
	// 1 <nil>
}

// Node: io.of('/').adapter.on('join-room', ...). Shows Namespace.OnLeave.
func ExampleNamespace_OnJoin() {
	t, s, end := begin()
	defer end()

	check(s.On("enter", func(c *socketio.Context, name, room string) {
		c.SetData("name", name)
		c.Join(room)
	}))
	s.OnJoin(func(c *socketio.Context, room string) {
		if room != c.ID() { // its own, which is there before any handler
			_ = c.To(room).Emit("came", c.Data("name"), room)
		}
	})
	s.OnLeave(func(c *socketio.Context, room string) {
		_ = c.To(room).Emit("went", c.Data("name"), room)
	})

	ada := socketiotest.Connect(t, s, socketiotest.Options{})
	ada.Emit("enter", "Ada", "hall")
	fmt.Println(ada.Receive("came"))
	bob := socketiotest.Connect(t, s, socketiotest.Options{})
	bob.Emit("enter", "Bob", "hall")
	fmt.Println(ada.Receive("came"))
	bob.Drop()
	fmt.Println(ada.Receive("went"))
	// Output:
	// came ["Ada","hall"]
	// came ["Bob","hall"]
	// went ["Bob","hall"]
}

// Node: socket.onAnyOutgoing((event, ...args) => { ... }). Shows Context.OnOutgoing.
func ExampleNamespace_OnOutgoing() {
	t, s, end := begin()
	defer end()

	told := make(chan string)
	s.OnOutgoing(func(to *socketio.Target, event string, args []socketio.Value) {
		told <- fmt.Sprintf("%s %v to %d", event, args, len(to.Clients()))
	})
	check(s.On("connect", func(c *socketio.Context) {
		c.OnOutgoing(func(event string, args []socketio.Value) {
			told <- fmt.Sprintf("%s %v to this one", event, args)
		})
	}))

	socketiotest.Connect(t, s, socketiotest.Options{})
	socketiotest.Connect(t, s, socketiotest.Options{})
	check(s.Emit("news", 1))
	lines := map[string]int{}
	for range 3 {
		lines[<-told]++
	}
	fmt.Println(lines)
	// Output: map[news [1] to 2:1 news [1] to this one:2]
}

// Flask: emit('question', to=sid, callback=answered), for one client
func ExampleTarget_Ask() {
	t, s, end := begin()
	defer end()

	told := make(chan string)
	check(s.On("ask", func(c *socketio.Context) error {
		return c.To("hall").Ask(func(answers []socketio.Answer, err error) {
			told <- fmt.Sprint(answers[0].Values, err)
		}, "question", "sure?")
	}))

	ada := socketiotest.Connect(t, s, socketiotest.Options{})
	s.To(ada.ID()).Join("hall")
	ada.Call("ask") // the handler has returned
	ada.Receive("question").Ack("yes")
	fmt.Println(<-told)
	// Output: [yes] <nil>
}
