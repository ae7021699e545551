package engineio

import (
	"context"
	"net/http"
	"time"
)

const (
	// drainPace is the time between the ends of two sessions in a shutdown, so that
	// the clients come to another server, or come back, one after another.
	drainPace = 5 * time.Millisecond
	// finishGrace is how long a session's end waits for its handlers.
	finishGrace = time.Second

	shuttingDown = "The server is shutting down" // what a client is told
)

// drainSpread is the time over which n sessions are ended: drainPace for each, but
// no more than two fifths of what there is until ctx ends. The rest is for the last
// one's goodbye: a client between two polls has closeTimeout to fetch it.
func drainSpread(ctx context.Context, n int) time.Duration {
	spread := time.Duration(n) * drainPace
	if deadline, ok := ctx.Deadline(); ok {
		spread = min(spread, max(time.Until(deadline), 0)*2/5)
	}
	return spread
}

// cutGrace is what the goroutines of sessions that are cut have to end, or a tenth of
// the time for all, if that is less.
const cutGrace = time.Second

// cutBefore is ctx, ended so much earlier.
func cutBefore(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(cutGrace, max(time.Until(deadline), 0)/10)))
}

// Finisher is a [Receiver] that works on messages after it has taken them.
type Finisher interface {
	// Finish calls then once all that came before is done, in whatever goroutine.
	Finish(then func())
}

// retireAll ends all sessions, one after another.
func (srv *Server) retireAll(ctx context.Context) {
	sessions := srv.all()
	spread := drainSpread(ctx, len(sessions))
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i, s := range sessions {
		if !s.IsOpen() {
			continue
		}
		timer.Reset(time.Until(start.Add(spread * time.Duration(i) / time.Duration(len(sessions)))))
		select {
		case <-timer.C:
		case <-srv.empty: // all have gone by themselves
			return
		case <-ctx.Done():
			return
		}
		s.retire()
	}
}

// retire ends a session once its handlers are done with what it has sent, so that
// their answers reach the client. A handler that hangs does not keep it.
func (s *Session) retire() {
	f, ok := s.rcv.(Finisher)
	if !ok {
		s.Close(ServerShutdown)
		return
	}
	late := time.AfterFunc(finishGrace, func() { s.Close(ServerShutdown) })
	f.Finish(func() {
		late.Stop()
		s.Close(ServerShutdown)
	})
}

// IsDraining says whether Shutdown has begun: whoever comes is refused, whoever is
// there is served until its turn to go.
func (srv *Server) IsDraining() bool {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	return srv.draining
}

// unavailable answers what only another server can serve. Proxies can be told to
// ask another one on a 503, which they are not on a 400.
func (srv *Server) unavailable(w http.ResponseWriter) {
	srv.refusals.count(CauseDraining)
	turnAway(w, http.StatusServiceUnavailable, shuttingDown)
}
