package forward

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/cluster/keyring"
	"hipflask/server/internal/freeze"
	"hipflask/server/internal/relay"
)

const (
	// renewEvery is how often a server tells its address again, and looks for those of the servers
	// that it knows; lifetime is how long Redis keeps an address.
	renewEvery = keyring.RenewEvery
	lifetime   = 4 * renewEvery

	startTimeout = 3 * time.Second // how long the start waits for Redis
	redisTimeout = time.Second     // how long a client's request, or a renewal, does

	// maxAge is how old an address is at most: one that is older was put back.
	maxAge = lifetime + maxSkew

	maxLookups   = 16          // at a time
	maxMissing   = 1024        // ids that are remembered as nobody's
	missingFor   = time.Second // and for how long
	goneAfter    = 2           // renewals without an address, after which a server is forgotten
	maxAddress   = 1024        // bytes of what is read from Redis
	addressParts = 6
)

// registry knows where the servers of the cluster listen.
type registry struct {
	f     *Forwarder
	store redis.Cmdable
	slots chan struct{} // one for each look-up

	own     *endpoint // nil: nobody can reach this server
	written string    // what stood in Redis of it last; empty: nothing yet
	away    bool      // the last renewal failed
	twin    string    // another server with the same --server-id, of which the log knows

	mu      sync.RWMutex
	known   map[string]*endpoint
	missing map[string]time.Time
}

// endpoint is where a server listens.
type endpoint struct {
	id      string
	address string
	target  relay.Target
	machine string // the only one that can reach it; empty: all can
	apart   bool   // this machine is not that one

	mu     sync.Mutex
	active int // requests that were passed on and are under way
	absent int // renewals that have not found it
}

func newRegistry(f *Forwarder) *registry {
	return &registry{f: f, store: f.link.Store(), slots: make(chan struct{}, maxLookups),
		known: make(map[string]*endpoint), missing: make(map[string]time.Time)}
}

// The keys in Redis.
func (r *registry) secretKey() string           { return r.f.opts.Prefix + ":forward-key" }
func (r *registry) addressKey(id string) string { return r.f.opts.Prefix + ":server:" + id }
func (r *registry) nameKey(name string) string  { return r.f.opts.Prefix + ":server-id:" + name }

// begin tells this server's address for the first time.
func (r *registry) begin(ctx context.Context, own net.Addr, secure bool) {
	err := r.f.keys.Renew(ctx, r.store, r.secretKey())
	r.own = r.f.ownEndpoint(own, secure)
	if err == nil {
		err = r.write(ctx)
	}
	r.note(err)
}

// keep renews what Redis forgets, until the end.
func (r *registry) keep() {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-r.f.life.Done():
			return
		}
		r.note(freeze.Within(r.f.life, redisTimeout, r.renew))
	}
}

func (r *registry) renew(ctx context.Context) error {
	if err := r.f.keys.Renew(ctx, r.store, r.secretKey()); err != nil {
		return err
	}
	if err := r.write(ctx); err != nil {
		return err
	}
	return r.look(ctx)
}

// note logs that Redis does not keep this server's address, and that it does again.
func (r *registry) note(err error) {
	switch {
	case r.f.life.Err() != nil:
	case err != nil && !r.away:
		r.f.log.Warn("the other servers cannot be told where this one listens: requests for its sessions may not find it",
			"error", err, "cause", causes.Away)
	case err == nil && r.away:
		r.f.log.Info("the other servers know again where this one listens")
	}
	r.away = err != nil
}

// write tells this server's address.
func (r *registry) write(ctx context.Context) error {
	if r.own == nil {
		return nil
	}
	text := r.own.sign(r.f.keys.Signing(), r.f.keys.Now())
	if err := r.store.Set(ctx, r.addressKey(r.f.id), text, lifetime).Err(); err != nil {
		return err
	}
	if r.f.opts.Name != "" {
		if err := r.writeName(ctx, text); err != nil {
			return err
		}
	}
	r.written = text
	return nil
}

// leave takes it back.
func (r *registry) leave(ctx context.Context) {
	if r.own == nil || r.written == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	_ = r.store.Del(ctx, r.addressKey(r.f.id)).Err() // else Redis forgets it by itself
}

// writeName tells this server's address under its --server-id as well, and warns of another one
// that has told its own there since this one did. Their sessions are told apart, as they have more
// in their ids; a load balancer that goes by the name cannot.
func (r *registry) writeName(ctx context.Context, text string) error {
	name := r.nameKey(r.f.opts.Name)
	var before *redis.StringCmd
	_, err := r.store.TxPipelined(ctx, func(both redis.Pipeliner) error {
		before = both.Get(ctx, name)
		return both.Set(ctx, name, text, lifetime).Err()
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	if r.written == "" || before.Err() != nil {
		return nil // it may be that of this server's last process
	}
	if p, err := r.read(before.Val()); err == nil && p.id != r.f.id && p.id != r.twin {
		r.twin = p.id
		r.f.log.Error("another server has the same id: each needs one of its own",
			"cause", causes.Twin, "id", r.f.opts.Name, "other", p.address)
	}
	return nil
}

// look reads the addresses of the servers that are known anew.
func (r *registry) look(ctx context.Context) error {
	r.mu.RLock()
	ids := make([]string, 0, len(r.known))
	for id := range r.known {
		ids = append(ids, id)
	}
	r.mu.RUnlock()
	for _, id := range ids {
		if _, err := r.ask(ctx, id); err != nil && !errors.Is(err, errNobody) {
			return err
		}
	}
	return nil
}

// find returns where a server listens, nil for one that is not there. While Redis is away those
// that are known stay so.
func (r *registry) find(ctx context.Context, id string) *endpoint {
	if p, known := r.recall(id); known {
		return p
	}
	var p *endpoint
	err := freeze.Within(ctx, redisTimeout, func(ctx context.Context) (err error) {
		p, err = r.lookFor(ctx, id)
		return err
	})
	if err != nil && !errors.Is(err, errNobody) {
		r.f.log.Warn("a session's server cannot be looked for", "error", err, "cause", causes.Away)
	}
	return p
}

// lookFor asks Redis for a server, after others that do.
func (r *registry) lookFor(ctx context.Context, id string) (*endpoint, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, errNobody
	}
	if p, known := r.recall(id); known { // by another request meanwhile
		return p, nil
	}
	return r.ask(ctx, id)
}

// recall returns what is known of a server, nil with true if it was looked for in vain a moment
// ago.
func (r *registry) recall(id string) (p *endpoint, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if p := r.known[id]; p != nil {
		return p, true
	}
	return nil, time.Since(r.missing[id]) < missingFor
}

// errNobody is that of an id which no server has.
var errNobody = errors.New("there is no such server")

// ask asks Redis where a server listens. What stands there and no server of this cluster has signed
// is ignored.
func (r *registry) ask(ctx context.Context, id string) (*endpoint, error) {
	text, err := r.store.Get(ctx, r.addressKey(id)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	var found *endpoint
	if err == nil {
		var wrong error
		if found, wrong = r.read(text); wrong == nil && found.id != id {
			wrong = errForged
		}
		if wrong != nil {
			r.f.log.Warn("a server's address in Redis is ignored", "reason", wrong, "key", r.addressKey(id), "cause", causes.Away)
			found = nil
		}
	}
	return r.keepFound(id, found)
}

// keepFound notes what was found of a server.
func (r *registry) keepFound(id string, found *endpoint) (*endpoint, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.known[id]
	switch {
	case found != nil && p != nil && p.address == found.address && p.machine == found.machine:
		p.absent = 0
		return p, nil
	case found != nil:
		r.known[id] = found
		delete(r.missing, id)
		return found, nil
	case p != nil && p.absent+1 < goneAfter: // Redis may have lost its memory, and the server not told it yet
		p.absent++
		return p, nil
	}
	delete(r.known, id)
	if len(r.missing) >= maxMissing {
		clear(r.missing)
	}
	r.missing[id] = time.Now()
	return nil, errNobody
}

// sign is the endpoint as it stands in Redis.
func (p *endpoint) sign(key []byte, now time.Time) string {
	at := strconv.FormatInt(now.UnixMilli(), 10)
	machine := cmp.Or(p.machine, "-")
	mac := keyring.MAC(key, "server", p.id, at, machine, p.address)
	return strings.Join([]string{proofVersion, p.id, at, machine, base64.RawURLEncoding.EncodeToString(mac), p.address}, " ")
}

var (
	errForged = errors.New("it was not written by a server of this cluster")
	errOld    = errors.New("it is too old")
)

// read reads an endpoint that stands in Redis.
func (r *registry) read(text string) (*endpoint, error) {
	fields := strings.SplitN(text, " ", addressParts)
	if len(text) > maxAddress || len(fields) != addressParts || fields[0] != proofVersion {
		return nil, errForged
	}
	id, at, machine, address := fields[1], fields[2], fields[3], fields[5]
	mac, err := base64.RawURLEncoding.Strict().DecodeString(fields[4])
	if err != nil || !keyring.IsMAC(mac, r.f.keys.Accepted(), "server", id, at, machine, address) {
		return nil, errForged
	}
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil, errForged
	}
	if r.f.keys.Now().Sub(time.UnixMilli(ms)).Abs() > maxAge {
		return nil, errOld
	}
	target, err := relay.Parse(address)
	if err != nil {
		return nil, err
	}
	if machine == "-" {
		machine = ""
	}
	p := &endpoint{id: id, address: address, target: target, machine: machine}
	p.apart = !p.isHere()
	return p, nil
}

// isID reports whether text can be a server's id.
func isID(text string) bool {
	const longestName = 32 // of --server-id
	name, digits, named := strings.Cut(text, ".")
	if !named {
		name, digits = "", text
	}
	return len(digits) == idDigits && len(name) <= longestName && strings.IndexFunc(name+digits, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_'
	}) < 0
}
