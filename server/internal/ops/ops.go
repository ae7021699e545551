// Package ops serves what operators and their machines look at, on an address of its own: whether
// the server is alive and ready, its metrics, and profiles if asked for.
//
// What it shows it is given: it reads counters when it is asked for metrics, and asks readiness
// checks when it is asked for readiness. It is the only package that knows Prometheus.
package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hipflask/server/internal/accepted"
	"hipflask/server/internal/sparse"
)

const (
	// These bound one request. A profile is gathered over as long as its request asks for.
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	pprofTimeout  = 5 * time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10

	// maxConnections is how many connections there may be: more would take files from the clients.
	// For one more, the one that is idle for longest is closed.
	maxConnections = 32

	// closeTimeout is how long answers under way may take when the server ends.
	closeTimeout = time.Second
)

// Options set what a [Server] shows.
type Options struct {
	Address string       // host:port to listen on; port 0 picks a free one; empty: no listener
	Pprof   bool         // serve /debug/pprof as well
	Logger  *slog.Logger // nil: none

	// Admit reports whether a request may be served, or writes the refusal; nil: all may.
	Admit func(w http.ResponseWriter, r *http.Request) bool

	Metrics []prometheus.Collector // beside those of the Go runtime and the process
	Checks  []Check                // that readiness depends on, once the server has started
}

// Server serves /healthz, /readyz and /metrics. One without an address leaves that to others.
type Server struct {
	opts    Options
	ready   readiness
	metrics http.Handler
	http    *http.Server // nil without an address
	conns   *accepted.Conns
	done    chan struct{} // closed when serving has ended; nil before it began
}

// New makes a server. It fails when metrics do not fit together.
func New(opts Options) (*Server, error) {
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	s := &Server{opts: opts, ready: readiness{checks: opts.Checks}}
	metrics, err := registry(opts.Metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s.metrics = promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		ErrorLog: sparse.ErrorLog(opts.Logger, slog.LevelError, "metrics failed"),
	})
	if opts.Address == "" {
		return s, nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.Handle("GET /readyz", s.ReadyHandler())
	mux.Handle("GET /metrics", s.MetricsHandler())
	s.conns = accepted.New(accepted.Options{Limit: maxConnections})
	s.http = &http.Server{
		ConnState:         s.conns.Track,
		Handler:           s.admitted(mux),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          sparse.ErrorLog(opts.Logger, slog.LevelDebug, "ops HTTP server"),
	}
	if opts.Pprof {
		s.http.WriteTimeout = pprofTimeout
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return s, nil
}

// admitted serves what may be served.
func (s *Server) admitted(next http.Handler) http.Handler {
	if s.opts.Admit == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.opts.Admit(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// MetricsHandler serves the metrics.
func (s *Server) MetricsHandler() http.Handler { return s.metrics }

// ReadyHandler serves readiness.
func (s *Server) ReadyHandler() http.Handler { return http.HandlerFunc(s.ready.serve) }

// Listen opens the address, logs it, and serves until Close.
func (s *Server) Listen(ctx context.Context) error {
	if s.http == nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.opts.Address)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	s.opts.Logger.Info("health and metrics", "address", l.Addr().String(), "pprof", s.opts.Pprof)
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		if err := s.http.Serve(s.conns.Listen(l)); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Logger.Error("health and metrics are served no more", "error", err)
		}
	}()
	return nil
}

// Started says that clients are served from now on.
func (s *Server) Started() { s.ready.started.Store(true) }

// Draining says that the server is going down: it is not ready any more.
func (s *Server) Draining() { s.ready.draining.Store(true) }

// Close ends the server, also one that is nil. Answers under way are cut off when ctx ends, or after
// a second.
func (s *Server) Close(ctx context.Context) error {
	if s == nil || s.done == nil {
		return nil
	}
	soon, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if s.http.Shutdown(soon) != nil {
		_ = s.http.Close() // whoever profiles still is cut off
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
