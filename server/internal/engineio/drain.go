package engineio

import (
	"context"
	"time"
)

// drainPace is the time between the ends of two sessions in a shutdown, so that the clients connect
// to another server, or again to this one, one after another.
const drainPace = 5 * time.Millisecond

// Shutdown refuses new sessions, closes those there are one after another, with what they were
// still to be sent, and returns once they and all goroutines have ended. What is left shortly
// before ctx's deadline is cut, and ctx's error returned. Goroutines that do not end by that, such
// as those of a Receiver that hangs, are waited for no longer than ctx lasts.
func (srv *Server) Shutdown(ctx context.Context) error {
	if srv.drain() {
		return nil
	}
	cut, cancel := cutBefore(ctx)
	defer cancel()
	srv.retireAll(ctx)
	err := srv.awaitEmpty(cut)
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.workers.Wait()
		close(srv.stop)
		srv.background.Wait()
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitEmpty waits until all sessions have ended. Those that are left when cut ends are cut, and its
// error is returned. That a client does not come back for its close packet is no reason for one: it
// has nine tenths of the time.
func (srv *Server) awaitEmpty(cut context.Context) error {
	last, cancel := lastTime(cut)
	defer cancel()
	select {
	case <-srv.empty:
		return nil
	case <-last.Done():
		for _, s := range srv.all() {
			s.leaveBehind()
		}
	}
	select {
	case <-srv.empty:
		return nil
	case <-cut.Done():
		for _, s := range srv.all() {
			s.abort(ServerShutdown)
		}
		return cut.Err()
	}
}

// lastTime is cut, ended a tenth of what is left of it earlier.
func lastTime(cut context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := cut.Deadline()
	if !ok {
		return context.WithCancel(cut)
	}
	return context.WithTimeout(cut, max(time.Until(deadline), 0)*9/10)
}

// drainSpread is the time over which n sessions are ended: drainPace for each, but no more than two
// fifths of what there is until ctx ends. The rest is for the last one's close packet: a client
// between two polls has to fetch it.
func drainSpread(ctx context.Context, n int) time.Duration {
	spread := time.Duration(n) * drainPace
	if deadline, ok := ctx.Deadline(); ok {
		spread = min(spread, max(time.Until(deadline), 0)*2/5)
	}
	return spread
}

// cutGrace is what the goroutines of sessions that are cut have to end, or a tenth of the time for
// all, if that is less.
const cutGrace = time.Second

// cutBefore is ctx, ended so much earlier.
func cutBefore(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(cutGrace, max(time.Until(deadline), 0)/10)))
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
