package hipflask

import (
	"context"
	"errors"
	"time"
)

// silentGrace is how long a connection that has not asked for anything may hold the end of the
// server up. Browsers open such connections to have them ready, and net/http would wait for five
// seconds.
const silentGrace = 300 * time.Millisecond

// stopHTTP shuts the HTTP server down. What has connected before is answered: net/http closes a
// connection without an answer whose request it reads later, and a load balancer that has sent a
// POST does not repeat it. Only what is silent for too long is closed.
func (a *server) stopHTTP(ctx context.Context) error {
	grace, cancel := context.WithTimeout(ctx, silentGrace)
	defer cancel()
	if a.listener != nil {
		_ = a.listener.Close()
		select {
		case <-a.served: // now conns has all there are
		case <-grace.Done():
		}
	}
	a.conns.AwaitRequests(grace)
	a.conns.CloseSilent()
	return errors.Join(a.http.Shutdown(ctx), a.front.http1.Shutdown(ctx))
}
