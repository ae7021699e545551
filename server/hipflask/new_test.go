package hipflask_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func noEnv(string) string { return "" }

// limit is a context that ends with testkit.Deadline.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	t.Cleanup(cancel)
	return ctx
}

func get(t *testing.T, h http.Handler, path string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(limit(t), "GET", path, nil))
	return w.Code, strings.TrimSpace(w.Body.String())
}

// A program with an http.Server of its own has what go run ./server has.
func TestNew(t *testing.T) {
	gin.SetMode(gin.DebugMode) // the program's own choice, which stays
	var stdout strings.Builder
	began, ended := make(chan struct{}), make(chan string, 3)
	var app *hipflask.App
	s, err := hipflask.New(t.Context(), hipflask.Options{
		Args: []string{"--page=false"},
		Getenv: func(name string) string {
			return map[string]string{"HIPFLASK_PATH": "chat", "HIPFLASK_PAGE": "true"}[name]
		},
		Stdout: &stdout, Logger: quiet(),
	}, func(a *hipflask.App) error {
		app = a
		a.SocketIO.Go(func(ctx context.Context) { close(began); <-ctx.Done(); ended <- "task" })
		a.OnShutdown(func(context.Context) { ended <- "function" })
		a.Router.GET("/mine", func(c *gin.Context) { c.String(200, "mine") })
		return errors.Join(
			a.SocketIO.On("message", func(v socketio.Value) { _, _ = io.WriteString(a.Stdout, v.String()+"\n") }),
			a.SocketIO.On("disconnect", func() { ended <- "client" }),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	if gin.Mode() != gin.DebugMode {
		t.Error("gin's mode is another")
	}
	testkit.Await(t, began, "background task")
	h := s.Handler()
	for path, want := range map[string]string{
		"/mine": "mine", "/": "404", "/chat/socket.io.min.js": "/*!", "/nothing": "404", "/chat/?EIO=9&transport=polling": "{",
	} {
		if _, body := get(t, h, path); !strings.HasPrefix(body, want) {
			t.Errorf("%s: %.60q, want %q", path, body, want)
		}
	}
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	c.Call("message", "hello")
	if status, body := get(t, s.ReadyHandler(), "/anywhere"); status != 200 || body != "ready" {
		t.Errorf("ready: %d %s", status, body)
	}
	if status, body := get(t, s.MetricsHandler(), "/"); status != 200 || !strings.Contains(body, `event="message"`) || !strings.Contains(body, "hipflask_") {
		t.Errorf("metrics: %d %.200s", status, body)
	}
	if err := s.Shutdown(limit(t)); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"client", "task", "function"} {
		if got := testkit.Await(t, ended, "end"); got != want {
			t.Errorf("%s ended, want %s", got, want)
		}
	}
	if status, body := get(t, s.ReadyHandler(), "/"); status != 503 || body != "draining" {
		t.Errorf("ready at the end: %d %s", status, body)
	}
	if stdout.String() != "hello\n" {
		t.Errorf("stdout: %q", stdout.String())
	}
}

// What is wrong is an error before anything begins.
func TestNewRefuses(t *testing.T) {
	nothing := func(*hipflask.App) error { return nil }
	for want, test := range map[string]struct {
		args     []string
		register func(*hipflask.App) error
	}{
		"--ping-timeout":  {[]string{"--ping-timeout=never"}, nothing},
		"--static-folder": {[]string{"--static-folder=/nowhere/at/all"}, nothing},
		"--check":         {[]string{"--check"}, nothing},
		"nil":             {nil, nil},
		"no database":     {nil, func(*hipflask.App) error { return errors.New("no database") }},
	} {
		s, err := hipflask.New(t.Context(), hipflask.Options{Args: test.args, Getenv: noEnv, Logger: quiet()}, test.register)
		if s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Behind an http.Server whose limits are far shorter than a poll, clients that poll stay connected,
// and lose nothing.
func TestForeignTimeouts(t *testing.T) {
	const short = 100 * time.Millisecond
	s := socketio.New(socketio.Options{PingInterval: 5 * short, Logger: quiet()})
	entered := make(chan struct{}, 1)
	err := errors.Join(
		s.On("echo", func(v socketio.Value) socketio.Value { return v }),
		s.On("slow", func() { entered <- struct{}{}; time.Sleep(5 * short) }), // longer than the limits
	)
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Any("/socket.io/*any", gin.WrapH(s))
	web := httptest.NewUnstartedServer(r)
	web.Config.ReadTimeout, web.Config.WriteTimeout = short, short
	web.Start()
	t.Cleanup(func() {
		if err := s.Shutdown(limit(t)); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	url := web.URL + "/socket.io/?EIO=4&transport=polling"
	exchange := func(method, body string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(limit(t), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %d %s %v", method, resp.StatusCode, text, err)
		}
		return string(text)
	}
	var hello struct{ SID string }
	if err := json.Unmarshal([]byte(exchange("GET", "")[1:]), &hello); err != nil {
		t.Fatal(err)
	}
	url += "&sid=" + hello.SID
	exchange("POST", "40")
	if got := exchange("GET", ""); !strings.HasPrefix(got, "40") {
		t.Errorf("received %s", got)
	}
	for range 2 { // each waits for longer than the limits
		if got := exchange("GET", ""); got != "2" {
			t.Errorf("received %s, want a ping", got)
		}
		exchange("POST", "3")
	}
	exchange("POST", `42["slow"]`)
	testkit.Await(t, entered, "event") // the next event waits for it for longer than the limits
	exchange("POST", `420["echo","kept"]`)
	for {
		got := exchange("GET", "")
		if strings.Contains(got, `430["kept"]`) {
			exchange("POST", "1")
			return
		}
		if got != "2" {
			t.Fatalf("received %s", got)
		}
		exchange("POST", "3")
	}
}

// The bundles are there as well, for pages of any origin.
func TestBundlesOfSocketIO(t *testing.T) {
	s := socketio.New(socketio.Options{Logger: quiet()})
	defer func() { _ = s.Shutdown(limit(t)) }()
	want, err := os.ReadFile("../../static/client/socket.io.min.js")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/socket.io/socket.io.min.js", nil))
	if w.Code != 200 || w.Body.String() != string(want) || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("answered %d with %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
}
