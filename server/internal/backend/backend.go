// Package backend passes on to another web server, such as the Flask process with the pages that
// are not ported yet, what this one does not answer itself. It owns that conversation alone: which
// requests come here is decided elsewhere.
//
// A request arrives as it was sent: method, path and query byte for byte, Host, cookies, body. What
// is changed are the headers that tell where it came from, see rewrite. An answer arrives as the
// backend gave it; redirects are the browser's business, and no header of this server is added.
// Both bodies are passed on as they come and never held, WebSockets and server-sent events too.
//
// What is bounded: a backend that is not there (5 s to connect), one that does not begin its answer
// (60 s, from the request's end), its header (256 KiB), and a client that does not read its answer
// or send its body on (60 s for the next bytes). How long an answer takes as a whole is not.
package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"hipflask/server/internal/relay"
)

// Options says which backend there is and how it is spoken to.
type Options struct {
	// Target is where the backend listens.
	Target relay.Target
	// Trusted reports whether the sender of a request is a proxy whose X-Forwarded headers are
	// believed; nil is nobody. Its RemoteAddr has to be that of the connection, "unix" for a Unix
	// socket.
	Trusted func(r *http.Request) bool
	// Logger has a line when the backend is away and when it is back; nil for none.
	Logger *slog.Logger

	// Shorter times than those below, in tests.
	headerTimeout, stallTimeout time.Duration
}

const (
	// headerTimeout is how long the backend may take to begin its answer: as nginx's
	// proxy_read_timeout. stallTimeout is how long a client may take for the next bytes of an
	// answer or a body: as its send_timeout.
	headerTimeout = 60 * time.Second
	stallTimeout  = 60 * time.Second
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 10 * time.Second
	maxHeader     = 256 << 10
	// idleTimeout is less than the 2 s of gunicorn, so that this side ends idle connections and no
	// request meets one that is just being closed.
	idleTimeout = time.Second
	maxIdle     = 64
	lookUpTime  = 2 * time.Second
)

// Backend is the handler. ServeHTTP may be called until Close was.
type Backend struct {
	target  relay.Target
	trusted func(r *http.Request) bool
	log     *slog.Logger
	mark    string // see loopHeader
	relay   *relay.Relay
	idle    func() // closes idle connections
	health  health
	unnamed sync.Once // the log's line on a proxy that is not named
	counts  counts
}

// ErrLoop is the error of a backend that is this server.
var ErrLoop = errors.New("it is this server's own address: name the one the application behind listens on")

// CheckLoop is an error if the backend is what this server itself listens on. It is for an address
// that is known only once it listens.
func (b *Backend) CheckLoop(ctx context.Context, own net.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	if b.target.Is(ctx, own) {
		return ErrLoop
	}
	return nil
}

// Stats are counted since the start; Active is how many requests are under way.
type Stats struct {
	Requests  uint64 // passed on
	Failed    uint64 // answered with 502: the backend was away or wrote no HTTP
	TimedOut  uint64 // answered with 504
	BrokenOff uint64 // answers that the backend began and did not finish
	Cancelled uint64 // by the client or by the server's end, before the answer began
	Upgraded  uint64 // WebSockets that the backend accepted
	Active    int
}

// Stats reads the counters.
func (b *Backend) Stats() Stats {
	return Stats{
		Requests:  b.counts.requests.Load(),
		Failed:    b.counts.failed.Load(),
		TimedOut:  b.counts.timedOut.Load(),
		BrokenOff: b.counts.brokenOff.Load(),
		Cancelled: b.counts.cancelled.Load(),
		Upgraded:  b.counts.upgraded.Load(),
		Active:    b.relay.Active(),
	}
}

// Close refuses further requests with 503, ends WebSockets and server-sent events, which have no
// end of their own, and waits for the others until ctx ends; then they are cut, and ctx's error is
// returned. A nil Backend has nothing to end.
func (b *Backend) Close(ctx context.Context) error {
	if b == nil {
		return nil
	}
	defer b.idle()
	if err := b.relay.Close(ctx); err != nil {
		return fmt.Errorf("requests to the backend were cut: %w", err)
	}
	return nil
}
