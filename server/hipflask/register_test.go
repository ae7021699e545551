package hipflask

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/internal/config"
	"hipflask/server/socketio/socketiotest"
)

func nothing(*gin.Context) {}

// What a registration does wrong is one line that names the place, with exit code 1 at a
// start and 2 with --check, not gin's panic.
func TestRegistrationsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		register func(*App) error
		want     []string
	}{
		"an error": {func(*App) error { return errors.New("no database") }, []string{"no database"}},
		"nil":      {nil, []string{"nil"}},
		"twice": {func(app *App) error {
			app.Router.GET("/rooms", nothing)
			app.Router.GET("/rooms", nothing)
			return nil
		}, []string{"register_test.go:", "already registered", "/rooms"}},
		"twice in a group": {func(app *App) error {
			app.Router.GET("/api/rooms", nothing)
			app.Router.Group("/api").GET("/rooms", nothing)
			return nil
		}, []string{"register_test.go:", "already registered", "/api/rooms"}},
		"two wildcards": {func(app *App) error {
			app.Router.GET("/rooms/:name", nothing)
			app.Router.GET("/rooms/:id", nothing)
			return nil
		}, []string{"register_test.go:", ":id", ":name"}},
		"no path":       {func(app *App) error { app.Router.GET("rooms/*all/x", nothing); return nil }, []string{"register_test.go:"}},
		"Socket.IO":     {func(app *App) error { app.Router.GET("/socket.io", nothing); return nil }, []string{"GET /socket.io", "--path"}},
		"its slash":     {func(app *App) error { app.Router.POST("/socket.io/", nothing); return nil }, []string{"POST /socket.io/", "--path"}},
		"a bundle":      {func(app *App) error { app.Router.GET("/socket.io/socket.io.js", nothing); return nil }, []string{"--path"}},
		"all beneath":   {func(app *App) error { app.Router.Any("/socket.io/*any", nothing); return nil }, []string{"/socket.io/*any", "--path"}},
		"a bad handler": {func(app *App) error { return app.SocketIO.On("message", 1) }, []string{"message", "function"}},
	} {
		t.Run(name, func(t *testing.T) {
			for args, code := range map[string]int{"--port=0": 1, "--check": 2} {
				var stdout, stderr bytes.Buffer
				err := Run(t.Context(), []string{args}, noEnv, &stdout, &stderr, test.register)
				if ExitCode(err) != code {
					t.Fatalf("%s: %v is exit code %d, want %d", args, err, ExitCode(err), code)
				}
				for _, part := range test.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%s: %q does not hold %q", args, err, part)
					}
				}
				if strings.Contains(err.Error(), "\n") || stdout.Len() > 0 {
					t.Errorf("%s: %q, stdout %q", args, err, stdout.String())
				}
			}
		})
	}
}

// A panic that is not gin's stays one: its place is in its stack.
func TestPanicOfARegistration(t *testing.T) {
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("recovered %v", p)
		}
	}()
	_ = Run(t.Context(), []string{"--port=0"}, noEnv, io.Discard, io.Discard, func(*App) error { panic("mine") })
}

// --check runs the registration and ends what it began, and starts nothing.
func TestCheckStartsNothing(t *testing.T) {
	var order []string
	err := Run(t.Context(), []string{"--check"}, noEnv, io.Discard, io.Discard, func(app *App) error {
		order = append(order, "registered")
		app.SocketIO.Go(func(context.Context) { t.Error("a background task began") })
		app.OnShutdown(func(context.Context) { order = append(order, "ended") })
		return nil
	})
	if err != nil || !slices.Equal(order, []string{"registered", "ended"}) {
		t.Errorf("%v %v", order, err)
	}
}

// What is given to Go in a registration begins when clients can come.
func TestTasksBeginWithTheServer(t *testing.T) {
	began := make(chan struct{})
	cfg, err := config.Parse([]string{"--port", "0"}, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newServer(cfg, slog.New(slog.DiscardHandler), io.Discard, func(app *App) error {
		app.SocketIO.Go(func(context.Context) { close(began) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := a.listen(ctx, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-began:
		t.Error("it began before the server serves")
	default:
	}
	ended := make(chan error)
	go func() { ended <- a.serve(ctx, l) }()
	await(t, began, "start of the task")
	cancel()
	if err := await(t, ended, "end"); err != nil {
		t.Error(err)
	}
}

// At the end: disconnect handlers, the context and background tasks, routes under way,
// then OnShutdown's functions, the last one first.
func TestOrderOfTheEnd(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	running := make(chan struct{})
	var app *App
	r := start(t, func(a *App) error {
		app = a
		a.OnShutdown(func(context.Context) { note("first function") })
		a.OnShutdown(func(context.Context) { panic("of a function") })
		a.OnShutdown(func(ctx context.Context) {
			if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
				t.Errorf("its context has no time left, or no end: %v", ctx.Err())
			}
			note("last function")
		})
		a.SocketIO.Go(func(ctx context.Context) {
			<-a.Context.Done() // the same as ctx's
			<-ctx.Done()
			note("task")
		})
		a.Router.GET("/events", func(c *gin.Context) {
			c.Writer.Flush()
			close(running)
			<-a.Context.Done()
			note("task") // at the same time
		})
		return a.SocketIO.On("disconnect", func() {
			if a.Context.Err() != nil {
				t.Error("the context ended before the disconnect handler")
			}
			note("disconnect")
		})
	}, nil)
	socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	answered := make(chan reply, 1)
	go func() { answered <- r.ask(t, "GET", "/events") }()
	await(t, running, "start of the route")
	r.stop(t)
	if got := await(t, answered, "end of the answer"); got.status != 200 {
		t.Errorf("the route was answered %d", got.status)
	}
	want := []string{"disconnect", "task", "task", "last function", "first function"}
	if !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if !strings.Contains(r.log.String(), "of a function") {
		t.Error("the panic is not in the log")
	}
}

// What hangs at the end, a handler or a function, takes neither the other functions'
// turn nor their time.
func TestEndsThatHang(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	ran := make(chan bool, 1)
	var app *App
	r := start(t, func(a *App) error {
		app = a
		a.OnShutdown(func(ctx context.Context) { ran <- ctx.Err() == nil })
		a.OnShutdown(func(context.Context) { <-release })
		return a.SocketIO.On("block", func() { <-release })
	}, nil, "--shutdown-timeout", "1s")
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	c.Emit("block")
	began := time.Now()
	r.stop(t)
	if !await(t, ran, "function") {
		t.Error("a function had no time left")
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("the end took %v, --shutdown-timeout is 1s", took)
	}
	if log := r.log.String(); !strings.Contains(log, "OnShutdown") || !strings.Contains(log, "--shutdown-timeout") {
		t.Errorf("the log does not say so:\n%s", log)
	}
}
