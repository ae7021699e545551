package ops

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/inspect"
	"hipflask/testdata/testkit"
)

// start serves on a free port and returns the address.
func start(t *testing.T, opts Options) (s *Server, url string) {
	t.Helper()
	var log strings.Builder
	opts.Address = "127.0.0.1:0"
	opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s, "http://" + regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(log.String())
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func wants(t *testing.T, url string, status int, body string) {
	t.Helper()
	if gotStatus, got := get(t, url); gotStatus != status || got != body {
		t.Errorf("%s is answered %d %q, want %d %q", url, gotStatus, got, status, body)
	}
}

// What the server depends on makes it ready or not, at any time; draining outdoes that, and checks
// are not asked before the start.
func TestReadinessFollowsTheChecks(t *testing.T) {
	var broken error
	asked := 0
	s, url := start(t, Options{Checks: []Check{
		{Name: "always", Ready: func(context.Context) error { return nil }},
		{Name: "redis", Ready: func(ctx context.Context) error {
			asked++
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a check has no deadline")
			}
			return broken
		}},
	}})
	ready := url + "/readyz"
	wants(t, ready, 503, "starting\n")
	if asked != 0 {
		t.Error("a check was asked before the start")
	}
	s.Started()
	wants(t, ready, 200, "ready\n")
	broken = errors.New("cannot be reached\r\nat all")
	wants(t, ready, 503, "redis: cannot be reached at all\n")
	broken = nil
	wants(t, ready, 200, "ready\n")
	s.Draining()
	wants(t, ready, 503, "draining\n")
	wants(t, url+"/healthz", 200, "alive\n")
}

func TestWithoutAnAddressThereIsNothing(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Error(err)
	}
	s.Started()
	s.Draining()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestMetricsThatDoNotFitAreRefused(t *testing.T) {
	one := func() float64 { return 1 }
	_, err := New(Options{Address: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), Metrics: []prometheus.Collector{
		Counter("redis_reconnects_total", "Times.", one), Gauge("redis_reconnects_total", "Twice the same name.", one),
	}})
	if err == nil {
		t.Error("two metrics of one name were taken")
	}
}

// Handlers' metrics have the event's name, but for what no name was registered for.
func TestHandlersAreMeasured(t *testing.T) {
	h := NewHandlers()
	var o inspect.Hooks
	h.Observe(&o)
	for range 3 {
		o.Handled("/chat", "say", 2*time.Millisecond)
	}
	o.Handled("/chat", "", 20*time.Second)
	o.Handled("/chat", "*", time.Microsecond)
	o.Failed("/chat", "say", true)
	o.Failed("/chat", "", false)
	_, url := start(t, Options{Metrics: []prometheus.Collector{h, Counter("things_total", "Things.", func() float64 { return 7 })}})
	_, text := get(t, url+"/metrics")
	for _, line := range []string{
		`hipflask_handler_duration_seconds_bucket{event="say",namespace="/chat",le="0.001"} 0`,
		`hipflask_handler_duration_seconds_bucket{event="say",namespace="/chat",le="0.005"} 3`,
		`hipflask_handler_duration_seconds_count{event="say",namespace="/chat"} 3`,
		`hipflask_handler_duration_seconds_bucket{event="other",namespace="/chat",le="10"} 1`,
		`hipflask_handler_duration_seconds_count{event="other",namespace="/chat"} 2`,
		`hipflask_handler_failures_total{event="say",kind="panic",namespace="/chat"} 1`,
		`hipflask_handler_failures_total{event="say",kind="error",namespace="/chat"} 0`,
		`hipflask_handler_failures_total{event="other",kind="error",namespace="/chat"} 1`,
		`hipflask_things_total 7`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
}

// An answer that takes too long when the server ends is cut off.
func TestCloseCutsWhatTakesLong(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s, url := start(t, Options{Checks: []Check{{Name: "stuck", Ready: func(context.Context) error {
		close(asked)
		<-release
		return nil
	}}}})
	s.Started()
	cut := make(chan error, 1)
	go func() {
		resp, err := http.Get(url + "/readyz")
		if err == nil {
			resp.Body.Close()
		}
		cut <- err
	}()
	testkit.Await(t, asked, "request")
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := testkit.Await(t, cut, "end of the request"); err == nil {
		t.Error("the request was answered")
	}
	close(release)
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("it still answers")
	}
}

// What an event costs because handlers are measured.
func BenchmarkHandled(b *testing.B) {
	var o inspect.Hooks
	NewHandlers().Observe(&o)
	for b.Loop() {
		o.Handled("/", "message", 20*time.Microsecond)
	}
}
