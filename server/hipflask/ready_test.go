package hipflask

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
	"time"

	"hipflask/server/internal/config"
	"hipflask/testdata/testkit"
)

// linesOf is a log whose lines can be waited for.
type linesOf chan string

func (l linesOf) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

var opsAddress = regexp.MustCompile(`health and metrics.*?address=(\S+)`)

// Before the server serves its clients it is alive and not ready.
func TestReadinessAtTheStart(t *testing.T) {
	noEnv := func(string) string { return "" }
	cfg, err := config.Parse([]string{"--port", "0", "--ops-addr", "0"}, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	log := make(linesOf, 100)
	a, err := newServer(cfg, slog.New(slog.NewTextHandler(log, nil)), io.Discard, func(*App) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := a.listen(ctx, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	addr := ""
	for addr == "" {
		if m := opsAddress.FindStringSubmatch(testkit.Await(t, log, "line of the log")); m != nil {
			addr = m[1]
		}
	}
	if alive, ready := status(t, addr, "/healthz"), status(t, addr, "/readyz"); alive != 200 || ready != 503 {
		t.Errorf("before it serves: health %d, readiness %d; want 200 and 503", alive, ready)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.serve(ctx, l) }()
	for deadline := time.Now().Add(15 * time.Second); status(t, addr, "/readyz") != 200; {
		if time.Now().After(deadline) {
			t.Fatal("the server does not get ready")
		}
	}
	cancel()
	if err := testkit.Await(t, ended, "end of the server"); err != nil {
		t.Error(err)
	}
}

func status(t *testing.T, addr, path string) int {
	t.Helper()
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
