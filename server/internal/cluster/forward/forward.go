// Package forward owns the requests for sessions of other servers: behind a load balancer that
// sends each request anywhere, a server that does not have a session passes the request on to the
// one that has, and its answer back.
//
// A session's id begins with the id of its server. Where that one listens stands in Redis
// (registry.go), for as long as it lives. What a server passes on it signs (proof.go), with a key
// that all servers of the cluster read from Redis and that goes nowhere else: the server that gets
// it takes the first one's word that the client was admitted, and for the client's address. It is
// never passed on again.
//
// Whoever can read this cluster's keys in Redis can sign what any server could.
package forward

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/cluster/keyring"
	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/relay"
	"hipflask/server/internal/sparse"
)

// Options says which cluster this is, and how its servers are reached.
type Options struct {
	Redis  *redislink.URL
	Prefix string // of the keys in Redis, as --cluster-prefix names it
	Name   string // of this server, as --server-id names it; may be empty
	URL    string // where other servers reach this one (--cluster-url); empty: find out

	// Timeout is how long nothing may come from a server that a request was passed on to: longer
	// than it may take to answer a poll.
	Timeout  time.Duration
	Stall    time.Duration // how long a client may take for the next bytes of its request or its answer
	Most     int           // requests under way at a time, WebSockets included; 0: no limit
	MostEach int           // of them, to one server; 0: no limit

	// Serve serves what another server has passed on, which was admitted there.
	Serve  func(http.ResponseWriter, *http.Request, engineio.Forwarded)
	Logger *slog.Logger
}

// Forwarder passes requests on, and takes what others pass on.
type Forwarder struct {
	opts     Options
	log      *slog.Logger
	id       string
	link     *redislink.Link
	keys     keyring.Ring
	registry *registry
	relay    *relay.Relay
	dialer   *net.Dialer
	trips    *http.Transport
	counts   counts
	polls    sync.Map // a *poll for each that waits at another server
	peers    peers

	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup
}

// idDigits is how many random digits are in each server's id, which a server has for as long as its
// process runs: sessions of one that has ended are nobody's.
const idDigits = 10

// New makes a Forwarder. Nothing is connected before [Forwarder.Start].
func New(opts Options) *Forwarder {
	f := &Forwarder{opts: opts, log: sparse.Logger(opts.Logger), id: rand.Text()[:idDigits], link: opts.Redis.Open()}
	if opts.Name != "" {
		f.id = opts.Name + "." + f.id
	}
	f.life, f.end = context.WithCancel(context.Background())
	f.registry = newRegistry(f)
	f.dialer = new(net.Dialer)
	f.trips = f.transport()
	f.relay = relay.New(relay.Options{
		Transport: f.trips,
		Rewrite:   f.rewrite,
		Gather:    true, // a poll's answer is whole: one write, of all or nothing
		Upgrades:  true, // a WebSocket for a session that is there
		Stall:     opts.Stall,
		Answered:  answered,
		Broke:     func(error) { f.counts.broken.Add(1) },
		Logger:    f.log,
	})
	return f
}

// ID is what the ids of this server's sessions are to begin with, followed by a dot.
func (f *Forwarder) ID() string { return f.id }

// errLate is that of a Redis that does not answer in time.
var errLate = errors.New("no answer in time")

// Start tells the other servers where this one listens, and goes on to. own is the listener's
// address, nil if that is not known, and secure that it speaks TLS. Without Redis it tries again in
// the background. It is called once.
func (f *Forwarder) Start(ctx context.Context, own net.Addr, secure bool) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errLate)
	defer cancel()
	f.registry.begin(ctx, own, secure)
	f.work.Go(f.registry.keep)
}

// Close ends what is under way, and takes this server's address back: its sessions have to have
// ended before. A nil Forwarder has nothing to end.
func (f *Forwarder) Close(ctx context.Context) error {
	if f == nil {
		return nil
	}
	f.Release()
	err := f.relay.Close(ctx)
	f.end()
	f.work.Wait()
	f.registry.leave(ctx)
	f.trips.CloseIdleConnections()
	return errors.Join(err, f.link.Close())
}

// counts are since the start.
type counts struct {
	// Requests for other servers' sessions, by what became of them.
	answered atomic.Uint64 // by the server that has the session
	unknown  atomic.Uint64 // its server is gone, or there never was one
	refused  atomic.Uint64 // too many were under way
	late     atomic.Uint64 // the server did not answer in time
	broken   atomic.Uint64 // it broke off, or spoke no HTTP
	left     atomic.Uint64 // the client left, or this server went down

	// Requests that other servers, or somebody in their name, have passed on.
	served   atomic.Uint64
	unproven atomic.Uint64 // not by a server of this cluster: their header was removed
	misled   atomic.Uint64 // for another server, such as one that was here before
	skewed   atomic.Uint64 // signed too long ago, or by a clock that is ahead
}

// Passed counts the requests for other servers' sessions, by what became of them.
func (f *Forwarder) Passed() map[string]uint64 {
	c := &f.counts
	return map[string]uint64{"answered": c.answered.Load(), "unknown": c.unknown.Load(), "refused": c.refused.Load(),
		"late": c.late.Load(), "broken": c.broken.Load(), "left": c.left.Load()}
}

// Received counts those that other servers have passed on, as they say, in the same way.
func (f *Forwarder) Received() map[string]uint64 {
	c := &f.counts
	return map[string]uint64{"served": c.served.Load(), "unproven": c.unproven.Load(), "astray": c.misled.Load(), "skewed": c.skewed.Load()}
}

// Active is how many requests for other servers' sessions are under way.
func (f *Forwarder) Active() int { return f.relay.Active() }
