package hipflasktest_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// register is an application with a handler and a route that emits.
func register(app *hipflask.App) error {
	app.Router.POST("/announce", func(c *gin.Context) {
		if err := app.SocketIO.Emit("news", c.Query("what")); err != nil {
			c.String(500, err.Error())
			return
		}
		c.String(200, "announced")
	})
	return errors.Join(
		app.SocketIO.On("message", func(v socketio.Value) error {
			fmt.Fprintln(app.Stdout, "Received message:", v)
			return app.SocketIO.Emit("message", v)
		}),
		app.SocketIO.On("disconnect", func() { fmt.Fprintln(app.Stdout, "Client disconnected") }),
	)
}

// Handlers and routes of one application, in one test.
func TestApp(t *testing.T) {
	app := hipflasktest.New(t, register)
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	c.Emit("message", "hello")
	if got := c.Receive("message").String(); got != `message ["hello"]` {
		t.Errorf("received %s", got)
	}
	w := httptest.NewRecorder()
	app.Handler.ServeHTTP(w, httptest.NewRequest("POST", "/announce?what=rain", nil))
	if w.Body.String() != "announced" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if got := c.Receive("news").String(); got != `news ["rain"]` {
		t.Errorf("received %s", got)
	}
	if printed := app.End(); printed != "Received message: hello\nClient disconnected\n" {
		t.Errorf("printed %q", printed)
	}
}

// Settings are those of the command line.
func TestAppWithSettings(t *testing.T) {
	app := hipflasktest.New(t, register, "--path=chat", "--page=false")
	for path, want := range map[string]int{"/": 404, "/chat/socket.io.js": 200, "/socket.io/socket.io.js": 404} {
		w := httptest.NewRecorder()
		app.Handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// A registration that fails ends the test and says why.
func TestAppThatFails(t *testing.T) {
	failed := make(chan string, 1)
	go func() {
		f := &fatal{TB: t, failed: failed}
		hipflasktest.New(f, func(*hipflask.App) error { return errors.New("no database") })
	}()
	if why := <-failed; !strings.Contains(why, "no database") {
		t.Errorf("failed with %q", why)
	}
}

// fatal takes the place of a test that ends.
type fatal struct {
	testing.TB
	failed chan string
}

func (f *fatal) Fatalf(format string, args ...any) {
	f.failed <- fmt.Sprintf(format, args...)
	runtime.Goexit()
}
