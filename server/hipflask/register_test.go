package hipflask

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"

	"hipflask/server/internal/config"
	"hipflask/testdata/testkit"
)

func nothing(*gin.Context) {}

// What a registration does wrong is one line that names the place, with exit code 1 at a start and
// 2 with --check, not gin's panic.
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
		"files twice": {func(app *App) error {
			page := fstest.MapFS{"index.html": {}}
			return errors.Join(app.Files(page, "."), app.Files(page, "."))
		}, []string{"register_test.go:", "already registered", "'/'"}},
		"no files": {func(app *App) error { return app.Files(fstest.MapFS{}, "page") }, []string{`"page"`, "not exist"}},
		"a file that is a pattern": {func(app *App) error {
			return app.Files(fstest.MapFS{"page/:name.html": {}}, "page")
		}, []string{`"page"`, "/:name.html"}},
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
	testkit.Await(t, began, "start of the task")
	cancel()
	if err := testkit.Await(t, ended, "end"); err != nil {
		t.Error(err)
	}
}
