// Package hipflasktest runs a whole application in a unit test: what is registered with
// hipflask.Main, its handlers and its routes. It owns no socket and no port: package socketiotest
// has the clients, net/http/httptest the requests.
//
//	func TestAnnouncement(t *testing.T) {
//		app := hipflasktest.New(t, Register)
//		c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
//		app.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/announce?what=rain", nil))
//		if got := c.Receive("news").String(); got != `news ["rain"]` {
//			t.Errorf("received %s", got)
//		}
//	}
//
// It is a package beside socketiotest, which tests of less than a whole application can import
// without all that belongs to one.
package hipflasktest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// timeout is how long the end may take.
const timeout = 15 * time.Second

// App is a whole application under test: its handlers, routes and files, without a listener.
type App struct {
	SocketIO *socketio.Server // for socketiotest.Connect
	Handler  http.Handler     // everything that is served: for net/http/httptest

	t      testing.TB
	stdout strings.Builder
	end    func()
}

// New registers an application, as hipflask.Main does, with these settings, such as
// --static-folder=pages; the environment does not count. It shuts the server down when
// the test is over. Its log is the test's. Flask: app.test_client().
func New(t testing.TB, register func(*hipflask.App) error, settings ...string) *App {
	t.Helper()
	a := &App{t: t}
	s, err := hipflask.New(t.Context(), hipflask.Options{
		Args:   settings,
		Getenv: func(string) string { return "" },
		Stdout: &a.stdout,
		Logger: socketiotest.Logger(t),
	}, func(app *hipflask.App) error {
		a.SocketIO = app.SocketIO
		return register(app)
	})
	if err != nil {
		t.Fatalf("hipflasktest: %v", err)
	}
	a.Handler = s.Handler()
	a.end = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("hipflasktest: Shutdown: %v; a handler or a background task has not ended", err)
		}
	})
	t.Cleanup(a.end)
	return a
}

// End shuts the server down and returns what the application has printed. Flask: capsys.
func (a *App) End() (printed string) {
	a.t.Helper()
	a.end()
	return a.stdout.String()
}
