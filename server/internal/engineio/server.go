package engineio

import (
	"net/http"
	"sync"
)

// Server serves Engine.IO over HTTP. It is made by [NewServer] and ended by [Server.Shutdown].
type Server struct {
	common
	registry
	flusher  flusher
	idPrefix string // of every sid

	stop       chan struct{}
	background sync.WaitGroup // heartbeat, flusher, and the watch over idle connections
}

// NewServer starts a server. cfg.Open must be set.
func NewServer(cfg Config) *Server {
	srv := newServer(cfg)
	srv.start()
	return srv
}

// newServer makes a server without its goroutines.
func newServer(cfg Config) *Server {
	cfg.setDefaults()
	srv := &Server{stop: make(chan struct{})}
	srv.common.init(cfg, srv)
	srv.registry.init(&srv.workers)
	srv.flusher.init(&srv.outlet.lag)
	srv.resume = func(s *Session) { srv.flusher.add(s) }
	if cfg.ServerID != "" {
		srv.idPrefix = cfg.ServerID + "."
	}
	return srv
}

func (srv *Server) start() {
	srv.background.Go(func() { srv.heart.run(srv.stop) })
	srv.background.Go(func() { srv.flusher.run(srv.stop) })
	srv.background.Go(func() {
		if err := srv.upgrader.Watch(srv.stop); err != nil {
			srv.cfg.Logger.Warn("idle connections take more memory than they need to", "error", err)
		}
	})
}

// Begin starts a round. The round must be ended.
func (srv *Server) Begin() *Round { return srv.flusher.begin() }

// Copies is how many messages broadcasts have queued so far, one for each session.
func (srv *Server) Copies() uint64 { return srv.flusher.copies.Load() }

// Warn logs something that was not accepted before it came to a session, and counts it. A flood of
// one cause is cut short.
func (srv *Server) Warn(cause Cause, msg string, args ...any) { srv.refusals.warn(cause, msg, args...) }

// Trusts reports whether a trusted proxy made the request, which has not been located yet.
func (srv *Server) Trusts(r *http.Request) bool { return srv.cfg.Proxies.speaksFor(r) }
