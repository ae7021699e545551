package hipflask

import (
	"context"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/backend"
	"hipflask/server/internal/config"
	"hipflask/server/internal/ops"
	"hipflask/server/internal/relay"
)

// newBackend makes the way to the server behind, nil without one.
func (a *server) newBackend() (*backend.Backend, error) {
	if a.cfg.Backend == (relay.Target{}) {
		return nil, nil
	}
	return backend.New(backend.Options{
		Target:  a.cfg.Backend,
		Trusted: func(r *http.Request) bool { return a.view.Trusts(r) },
		Logger:  a.log,
	})
}

// checkBackend refuses a backend that is this server itself.
func (a *server) checkBackend(ctx context.Context, own net.Addr) error {
	if a.backend == nil {
		return nil
	}
	if err := a.backend.CheckLoop(ctx, own); err != nil {
		return &config.Error{Source: "--backend", Problem: err.Error()}
	}
	return nil
}

// backendMetrics counts what goes to the backend.
func (a *server) backendMetrics() []prometheus.Collector {
	if a.backend == nil {
		return nil
	}
	read := func(field func(backend.Stats) uint64) func() float64 {
		return func() float64 { return float64(field(a.backend.Stats())) }
	}
	return []prometheus.Collector{
		ops.Counter("backend_requests_total", "Requests that were passed on to the backend.",
			read(func(s backend.Stats) uint64 { return s.Requests })),
		ops.Counter("backend_failed_total", "Requests that were answered with 502 or 504: the backend was away, too slow, or spoke no HTTP.",
			read(func(s backend.Stats) uint64 { return s.Failed + s.TimedOut })),
		ops.Counter("backend_broken_off_total", "Answers that the backend began and did not finish.",
			read(func(s backend.Stats) uint64 { return s.BrokenOff })),
		ops.Counter("backend_websockets_total", "WebSockets that the backend accepted.",
			read(func(s backend.Stats) uint64 { return s.Upgraded })),
		ops.Gauge("backend_active", "Requests and WebSockets of the backend that are under way.",
			func() float64 { return float64(a.backend.Stats().Active) }),
	}
}
