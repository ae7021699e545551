package hipflask

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ending is something that the end of the server waits for. end gives up when its context ends.
type ending struct {
	what  string
	end   func(context.Context) error
	grace time.Duration // that it has beyond the end of its context, at least
	early bool          // it has not the time of the functions of OnShutdown
}

// endings lists, in order, all that the end waits for. What was never made has nothing to end.
func (a *server) endings() []ending {
	return []ending{
		{what: "clients and their handlers", end: a.sio.Shutdown, early: true},
		{what: "requests to the backend", end: a.backend.Close, early: true},
		{what: "requests", end: a.endHTTP, early: true},
		{what: "requests for sessions of other servers", end: a.forwarder.Close, early: true},
		{what: "logins to the Admin UI", end: a.signer.Close, early: true},
		{what: "functions of OnShutdown", end: a.runOnShutdown},
		{what: "messages for other servers", end: a.leaveCluster},
		{what: "lines on stdout", end: a.closeLines, grace: flushTimeout},
		{what: "the operators' address", end: a.ops.Close}, // last: until then it says that the server is draining
	}
}

const (
	// endShare is what of the time for everything is kept back for each thing that comes later: a
	// twentieth, and at most endReserve.
	endShare   = 20
	endReserve = time.Second
)

// close ends everything that newServer and serve started, by ctx's deadline if it has one: whatever
// hangs has the time that is not kept back for the rest.
func (a *server) close(ctx context.Context) error {
	deadline, limited := ctx.Deadline()
	reserve := min(endReserve, max(time.Until(deadline), 0)/endShare)
	early, cancel := a.onShutdown.reserve(ctx)
	defer cancel()
	all := a.endings()
	var err error
	for i, e := range all {
		limit, cancel := ctx, context.CancelFunc(func() {})
		if e.early {
			limit = early
		}
		if limited {
			limit, cancel = context.WithDeadline(limit, deadline.Add(-time.Duration(len(all)-1-i)*reserve-reserve/2))
		}
		err = errors.Join(err, e.within(limit, max(reserve/2, e.grace)))
		cancel()
	}
	return err
}

// within ends something, and leaves it behind if it does not give up within grace of ctx's end: the
// process is about to end.
func (e ending) within(ctx context.Context, grace time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- e.end(ctx) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case err = <-ended:
		case <-late.C:
			err = ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", e.what, err)
	}
	return nil
}

// endHTTP ends the HTTP server, nil if it was never made.
func (a *server) endHTTP(ctx context.Context) error {
	if a.http == nil {
		return nil
	}
	if stop := a.stopHTTP(ctx); stop != nil {
		return errors.Join(stop, a.http.Close())
	}
	return nil
}

// runOnShutdown runs what the application wants done at the end.
func (a *server) runOnShutdown(ctx context.Context) error { return a.onShutdown.run(ctx, a.log) }

// giveUp ends a server that was never served.
func (a *server) giveUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.ShutdownTimeout)
	defer cancel()
	return a.close(ctx)
}
