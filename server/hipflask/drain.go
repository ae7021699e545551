package hipflask

import (
	"context"
	"time"
)

// silentGrace is how long a connection that has not asked for anything may hold the end of the
// server up. Browsers open such connections to have them ready, and net/http would wait for five
// seconds.
const silentGrace = 300 * time.Millisecond

// stopHTTP shuts the HTTP server down and closes what is silent for too long.
func (a *server) stopHTTP(ctx context.Context) error {
	late := time.AfterFunc(silentGrace, a.conns.CloseSilent)
	defer late.Stop()
	return a.http.Shutdown(ctx)
}
