package hipflask

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// silentGrace is how long a connection that has not asked for anything may hold the
// end of the server up. Browsers open such connections to have them ready, and
// net/http would wait for five seconds.
const silentGrace = 300 * time.Millisecond

// silentConns are the connections on which no request has come yet.
type silentConns struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// track is the HTTP server's ConnState.
func (s *silentConns) track(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.open, conn)
		return
	}
	if s.open == nil {
		s.open = make(map[net.Conn]struct{})
	}
	s.open[conn] = struct{}{}
}

// shutdown shuts the HTTP server down and closes what is silent for too long.
func (s *silentConns) shutdown(ctx context.Context, server *http.Server) error {
	late := time.AfterFunc(silentGrace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for conn := range s.open {
			_ = conn.Close()
		}
	})
	defer late.Stop()
	return server.Shutdown(ctx)
}
