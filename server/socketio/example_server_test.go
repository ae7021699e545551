package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"time"

	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// Flask: @socketio.on('who', namespace='/admin'). Shows Context.Namespace.
func ExampleServer_Of() {
	t, s, end := begin()
	defer end()

	check(s.Of("/admin").On("who", func(c *socketio.Context) string { return c.Namespace() }))

	client := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/admin"})
	fmt.Println(client.Call("who"))
	// Output: ["/admin"]
}

// Flask: @socketio.on('who', namespace='*')
func ExampleServer_Of_catchAll() {
	t, s, end := begin()
	defer end()

	check(s.Of("*").On("who", func(c *socketio.Context) string { return c.Namespace() }))

	client := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/any/name"})
	fmt.Println(client.Call("who"))
	// Output: ["/any/name"]
}

// Flask has no counterpart; in Node it is io.of(/^\/room-\d+$/).
func ExampleServer_OfFunc() {
	t, s, end := begin()
	defer end()

	rooms := s.OfFunc(regexp.MustCompile(`^/room-\d+$`).MatchString)
	check(rooms.On("who", func(c *socketio.Context) string { return c.Namespace() }))

	client := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/room-12"})
	fmt.Println(client.Call("who"))
	// Output: ["/room-12"]
}

// Flask has no counterpart. Shows Namespace.EmitServers, too: a server that is alone
// has nobody to tell.
func ExampleNamespace_OnServers() {
	_, s, end := begin()
	defer end()

	s.OnServers("reload", func(args []socketio.Value) (any, error) {
		fmt.Println("reload", args)
		return nil, nil
	})
	fmt.Println(s.EmitServers("reload", "prices"))
	// Output: <nil>
}

// Flask: raise ConnectionRefusedError('unauthorized', {'code': 7})
func ExampleRefusal() {
	t, s, end := begin()
	defer end()

	check(s.On("connect", func() error {
		return &socketio.Refusal{Message: "unauthorized", Data: map[string]int{"code": 7}}
	}))

	_, err := socketiotest.Dial(t, s, socketiotest.Options{})
	fmt.Println(err)
	// Output: connection refused: "unauthorized" with {"code":7}
}

// Flask: @socketio.on_error()
func ExampleNamespace_OnError() {
	t, s, end := begin()
	defer end()

	s.OnError(func(c *socketio.Context, event string, err error) {
		_ = c.Emit("failed", event, err.Error())
	})
	check(s.On("save", func() error { return errors.New("disk full") }))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("save")
	fmt.Println(client.Receive("failed"))
	// Output: failed ["save","disk full"]
}

// Flask: @socketio.on_error_default
func ExampleServer_OnErrorDefault() {
	t, s, end := begin()
	defer end()

	s.OnErrorDefault(func(c *socketio.Context, event string, err error) {
		var panicked *socketio.PanicError
		_ = c.Emit("failed", c.Namespace(), event, errors.As(err, &panicked))
	})
	check(s.Of("/shop").On("buy", func() { panic("no stock") }))

	client := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/shop"})
	client.Emit("buy")
	fmt.Println(client.Receive("failed"))
	// Output: failed ["/shop","buy",true]
}

// Flask: socketio.start_background_task(count), socketio.sleep(1)
func ExampleServer_Go() {
	t, s, end := begin()
	defer end() // ends the task as well

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	s.Go(func(ctx context.Context) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = s.Emit("tick", n)
			}
		}
	})
	fmt.Println(client.Receive("tick"), client.Receive("tick"))
	// Output: tick [1] tick [2]
}

// chat is what in Python is a class with the base Namespace.
type chat struct{ greeting string }

func (h *chat) OnConnect(c *socketio.Context) error { return c.Emit("welcome", h.greeting) }
func (h *chat) OnMyEvent(n int) int                 { return n + 1 }

// Flask: socketio.on_namespace(Chat('/chat'))
func ExampleNamespace_Handle() {
	t, s, end := begin()
	defer end()

	check(s.Of("/chat").Handle(&chat{greeting: "hello"}))

	client := socketiotest.Connect(t, s, socketiotest.Options{Namespace: "/chat"})
	fmt.Println(client.Receive("welcome"), client.Call("my_event", 1))
	// Output: welcome ["hello"] [2]
}

// Flask: a decorator around each handler, as for @authenticated_only.
// Shows Context.Request.
func ExampleNamespace_Use() {
	t, s, end := begin()
	defer end()

	s.Use(func(next socketio.Handler) socketio.Handler {
		return func(c *socketio.Context, event string, args []socketio.Value) ([]any, error) {
			if event == "connect" && c.Request().Header.Get("Authorization") == "" {
				return nil, socketio.Refuse("authenticated only")
			}
			return next(c, event, args)
		}
	})

	_, err := socketiotest.Dial(t, s, socketiotest.Options{})
	fmt.Println(err)
	// Output: connection refused: "authenticated only"
}

// Flask: print(data), data['n'], isinstance(data, bytes), data is None.
// Shows Value.String, Value.Decode, Value.Bytes and Value.IsNull.
func ExampleValue() {
	t, s, end := begin()
	defer end()

	check(s.On("raw", func(v socketio.Value) (string, int, error) {
		if raw, ok := v.Bytes(); ok || v.IsNull() {
			return v.String(), len(raw), nil
		}
		var data struct{ N int }
		err := v.Decode(&data)
		return v.String(), data.N, err
	}))

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	fmt.Println(client.Call("raw", map[string]any{"n": 1, "ok": true}))
	fmt.Println(client.Call("raw", []byte("ab")))
	fmt.Println(client.Call("raw", nil))
	// Output:
	// ["{'n': 1, 'ok': True}" 1]
	// ["b'ab'" 2]
	// ["None" 0]
}

// Flask: socketio = SocketIO(app), socketio.run(app), socketio.stop().
// Shows Options.Validate, Server.ServeHTTP, Server.ServePlain and Server.Shutdown.
func ExampleNew() {
	options := socketio.Options{
		CORSAllowedOrigins: []string{"https://example.com"},
		PingTimeout:        10 * time.Second,
		Logger:             slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	check(options.Validate())
	s := socketio.New(options)
	check(s.On("message", func(message socketio.Value) error { return s.Emit("message", message) }))

	mux := http.NewServeMux() // for an http.Server
	mux.HandleFunc("/socket.io/", s.ServeHTTP)
	mux.HandleFunc("/", s.ServePlain)

	t := new(stage)
	client := socketiotest.Connect(t, s, socketiotest.Options{})
	client.Emit("message", "hello")
	fmt.Println(client.Receive("message"))
	t.end() // the client leaves

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(s.Shutdown(ctx))
	// Output:
	// message ["hello"]
	// <nil>
}

// Flask has no counterpart; in Node it is allowRequest.
func ExampleServer_OnRequest() {
	t, s, end := begin()
	defer end()

	s.OnRequest(func(w http.ResponseWriter, r *http.Request) bool {
		return r.Header.Get("X-Robot") == ""
	})

	_, err := socketiotest.Dial(t, s, socketiotest.Options{Header: http.Header{"X-Robot": {"yes"}}})
	fmt.Println(err != nil)
	// Output: true
}

// Flask has no counterpart; in Node it is off.
func ExampleNamespace_Off() {
	t, s, end := begin()
	defer end()

	check(s.On("add", func(a, b int) int { return a + b }))
	check(s.On("*", func(event string, _ ...socketio.Value) string { return "nobody handles " + event }))
	s.Off("add")

	client := socketiotest.Connect(t, s, socketiotest.Options{})
	fmt.Println(client.Call("add", 1, 2))
	// Output: ["nobody handles add"]
}
