package hipflask

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/internal/config"
	"hipflask/testdata/testkit"
)

func noEnv(string) string { return "" }

// journal is what a server writes.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// running is a server under test.
type running struct {
	*server

	url    string
	log    *journal
	cancel context.CancelFunc
	ended  chan error
}

// start runs a server with these settings. prepare, if not nil, changes it before anybody is
// served.
func start(t testing.TB, register func(*App) error, prepare func(*server), args ...string) *running {
	t.Helper()
	gin.SetMode(gin.ReleaseMode) // as Run does
	cfg, err := config.Parse(append([]string{"--port", "0"}, args...), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{log: new(journal), ended: make(chan error, 1)}
	r.server, err = newServer(cfg, slog.New(slog.NewTextHandler(r.log, nil)), io.Discard, register)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	l, err := r.listen(ctx, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(r.server)
	}
	r.url = "http://" + l.Addr().String()
	go func() { r.ended <- r.serve(ctx, l) }()
	t.Cleanup(func() { r.stop(t) })
	return r
}

// stop ends the server. It can be called again.
func (r *running) stop(t testing.TB) {
	t.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		r.ended <- nil
		if err != nil {
			t.Error(err)
		}
	case <-time.After(testkit.Deadline):
		t.Fatal("the server does not end")
	}
}

// reply is a response, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r *running) ask(t *testing.T, method, path string, header ...string) reply {
	t.Helper()
	return ask(t, r.url, method, path, header...)
}

func ask(t *testing.T, url, method, path string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{resp.StatusCode, resp.Header, strings.TrimSpace(string(body))}
}
