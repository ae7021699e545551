package hipflask_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// program is a server that runs as Main has it run, but for the process.
type program struct {
	url  string
	log  *journal
	stop func() // waits for its end, and can be called again
}

// journal is a log that tells of each line.
type journal struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan string
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.lines <- string(p):
	default: // nobody waits any more
	}
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func run(t *testing.T, register func(*hipflask.App) error, args ...string) program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, ended := &journal{lines: make(chan string, 100)}, make(chan error, 1)
	go func() {
		ended <- hipflask.Run(ctx, append([]string{"--port=0"}, args...), noEnv, io.Discard, log, register)
	}()
	p := program{log: log, stop: sync.OnceFunc(func() {
		cancel()
		if err := testkit.Await(t, ended, "end of the server"); err != nil {
			t.Error(err)
		}
	})}
	t.Cleanup(p.stop)
	address := regexp.MustCompile(`http://[^"\s]+`)
	for p.url == "" {
		p.url = address.FindString(testkit.Await(t, log.lines, "address"))
	}
	return p
}

// At the end: disconnect handlers, the context and background tasks, routes under way, then
// OnShutdown's functions, the last one first.
func TestOrderOfTheEnd(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	running := make(chan struct{})
	var app *hipflask.App
	r := run(t, func(a *hipflask.App) error {
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
	})
	socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Get(r.url + "/events")
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			err = errors.Join(err, resp.Body.Close())
		}
		answered <- err
	}()
	testkit.Await(t, running, "start of the route")
	r.stop()
	if err := testkit.Await(t, answered, "end of the answer"); err != nil {
		t.Errorf("the route was cut: %v", err)
	}
	want := []string{"disconnect", "task", "task", "last function", "first function"}
	if !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if !strings.Contains(r.log.String(), "of a function") {
		t.Error("the panic is not in the log")
	}
}

// What hangs at the end, a handler or a function, takes neither the other functions' turn nor their
// time.
func TestEndsThatHang(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	ran := make(chan bool, 1)
	var app *hipflask.App
	r := run(t, func(a *hipflask.App) error {
		app = a
		a.OnShutdown(func(ctx context.Context) { ran <- ctx.Err() == nil })
		a.OnShutdown(func(context.Context) { <-release })
		return a.SocketIO.On("block", func() { <-release })
	}, "--shutdown-timeout", "1s")
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	c.Emit("block")
	began := time.Now()
	r.stop()
	if !testkit.Await(t, ran, "function") {
		t.Error("a function had no time left")
	}
	if took := time.Since(began); took > testkit.Deadline/2 {
		t.Errorf("the end took %v, --shutdown-timeout is 1s", took)
	}
	if log := r.log.String(); !strings.Contains(log, "OnShutdown") || !strings.Contains(log, "--shutdown-timeout") {
		t.Errorf("the log does not say so:\n%s", log)
	}
}
