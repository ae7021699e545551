package cluster

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"hipflask/server/internal/causes"
)

// errNotYet is the state before the first connection.
var errNotYet = errors.New("not connected yet")

// health knows whether Redis is there, in both directions, and logs when that changes: once for the
// beginning of an outage, once for its end.
type health struct {
	log     *slog.Logger
	address string
	dropped func() uint64 // how many messages were given up so far

	stream bool // emits wait for Redis, and lose nothing by that

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced with every change
	hearing  error         // why nothing is received; nil while it is
	speaking error         // the same for publishing
	reading  error         // the same for reading the stream, if there is one
	writing  error         // the same for writing into it
	resumed  bool          // the other servers had time to come back as well
	epoch    uint64        // changes whenever resumed has to be found out anew

	begun      bool // something was logged
	failures   int  // of this outage
	deaf       bool // in this outage, subscriptions were lost
	since      time.Time
	before     uint64    // dropped when the outage began
	turned     time.Time // when an outage began or ended for the last time
	reconnects uint64
}

func newHealth(log *slog.Logger, address string, dropped func() uint64) *health {
	return &health{log: log, address: address, dropped: dropped, hearing: errNotYet, changed: make(chan struct{})}
}

// err says what is wrong; nil when all is well.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.errLocked()
}

func (h *health) errLocked() error { return cmp.Or(h.hearing, h.reading, h.speaking, h.writing) }

func (h *health) wellLocked() bool { return h.errLocked() == nil }

// hears notes that the subscriptions stand, or why they do not.
func (h *health) hears(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change(func() {
		h.hearing, h.resumed = err, false
		h.epoch++
	})
}

// resume notes that the other servers are back in this epoch, or have had their time.
func (h *health) resume(epoch uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.epoch == epoch {
		h.change(func() { h.resumed = true })
	}
}

// speaks notes that something was published, or why it could not be. Whoever cannot publish may be
// deaf as well, without having noticed, and so may the others: it begins a new epoch.
func (h *health) speaks(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.speaking == nil && err == nil {
		return
	}
	h.change(func() {
		h.speaking = err
		if err != nil {
			h.resumed = false
			h.epoch++
		}
	})
}

// reads notes that the stream is read, or why it is not.
func (h *health) reads(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change(func() { h.reading = err })
}

// writes notes that something was written into the stream, or why it could not be.
func (h *health) writes(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writing != nil || err != nil {
		h.change(func() { h.writing = err })
	}
}

// awaitStream waits until the stream is read.
func (h *health) awaitStream(ctx context.Context) error {
	_, err := h.await(ctx, func() bool { return h.reading == nil })
	return err
}

// change tells whoever waits, and logs what begins or ends by it. The mutex is held.
func (h *health) change(set func()) {
	was, first := h.wellLocked(), !h.begun
	set()
	close(h.changed)
	h.changed = make(chan struct{})
	if first && h.startingLocked() {
		return
	}
	if !h.wellLocked() {
		h.failures++
		h.deaf = h.deaf || h.hearing != nil
	}
	h.begun = true
	switch now := h.wellLocked(); {
	case was && !now || first && !now:
		h.turned = time.Now()
		h.since, h.before = h.turned, h.dropped()
		what := "this server's clients go on, and what they say waits for the others"
		if h.stream {
			what = "what is emitted waits"
		}
		h.log.Warn("Redis is away: "+what, "redis", h.address, "error", h.faultsLocked(), "cause", causes.Away)
	case first:
		h.failures, h.deaf = 0, false
		h.log.Info("connected to Redis", "redis", h.address)
	case !was && now:
		h.turned = time.Now()
		h.reconnects++
		h.backLocked()
		h.failures, h.deaf = 0, false
	}
}

// startingLocked reports whether all that is missing is not there yet.
func (h *health) startingLocked() bool {
	return h.faultsLocked() == nil && !h.wellLocked()
}

// faultsLocked is all that is wrong, but what is only not there yet.
func (h *health) faultsLocked() error {
	var all []error
	for _, err := range []error{h.hearing, h.reading, h.speaking, h.writing} {
		if err != errNotYet {
			all = append(all, withoutArgs(err))
		}
	}
	return errors.Join(all...)
}

// pubsubLimit is Redis' setting for what may queue up for a subscriber.
const pubsubLimit = "client-output-buffer-limit pubsub"

// backLocked logs the end of an outage. What others published meanwhile did not come, and only
// those of them who number what they publish let us know how much that is, by what they publish
// next: [Cluster.tellMissed] says so then.
func (h *health) backLocked() {
	args := []any{"redis", h.address, "after", time.Since(h.since).Round(time.Millisecond), "dropped", h.dropped() - h.before}
	if h.stream {
		h.log.Info("Redis is back", args...)
		return
	}
	if h.deaf {
		args = append(args, "missed", "unknown")
	}
	if h.deaf && h.failures == 1 { // it took the first new connection: it was there all the time
		h.log.Warn("Redis is back: it had cut the subscription, perhaps because this server read too slowly",
			append(args, "redis_setting", pubsubLimit)...)
		return
	}
	h.log.Info("Redis is back", args...)
}

// await waits until ready is true of h, and returns the epoch then.
func (h *health) await(ctx context.Context, ready func() bool) (epoch uint64, err error) {
	for {
		h.mu.Lock()
		done, changed, epoch := ready(), h.changed, h.epoch
		h.mu.Unlock()
		if err := ctx.Err(); err != nil || done {
			return epoch, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// awaitConnection waits until the subscriptions stand.
func (h *health) awaitConnection(ctx context.Context) (epoch uint64, err error) {
	return h.await(ctx, func() bool { return h.hearing == nil })
}

// awaitOutage waits until that epoch is over, even if the outage that ended it is over as well, and
// reports false if ctx ends before.
func (h *health) awaitOutage(ctx context.Context, epoch uint64) bool {
	_, err := h.await(ctx, func() bool { return h.epoch != epoch })
	return err == nil
}

// awaitResumed waits until this server hears, and the other servers had time to come back.
func (h *health) awaitResumed(ctx context.Context) error {
	_, err := h.await(ctx, func() bool { return h.hearing == nil && h.resumed })
	return err
}

func (h *health) count() (reconnects uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reconnects
}

// outage reports whether there is one now, and when one began or ended for the last time.
func (h *health) outage() (away bool, turned time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.wellLocked(), h.turned
}

// Between two attempts to connect passes a random part of a time that doubles. It ends low: the
// sooner all servers are back, the less is lost.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// backoff makes each pause longer than the one before.
type backoff struct{ next time.Duration }

// wait pauses, or ends with ctx.
func (b *backoff) wait(ctx context.Context) { pause(ctx, b.step()) }

// step is how long the next pause takes.
func (b *backoff) step() time.Duration {
	b.next = min(max(2*b.next, firstPause), longestPause)
	return b.next/2 + rand.N(b.next/2+1)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
