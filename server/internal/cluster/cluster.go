// Package cluster owns what makes several servers one: the connection to Redis, and
// what is told and heard through it. It speaks to other Hipflask processes and to
// Node's in the format of Node's Redis adapter and emitter, and to Flask-SocketIO's
// in that of its message queue. A server's own clients never wait for any of it.
//
// All that one process publishes leaves in the order it was emitted, by one
// goroutine; all that it hears is handled in order by another.
package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/cluster/streams"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/sparse"
)

// uidPrefix begins the name of every Hipflask process, by which they know each
// other on the Flask queue; so many random digits end it.
const (
	uidPrefix = "hipflask-"
	uidDigits = 12
)

// Options says where the others are. Prefix begins the names of all that servers say to
// each other, as Node's option key does; empty is Node's default. Channel is that of
// Flask-SocketIO's queue.
type Options struct {
	URL      *redislink.URL
	Prefix   string
	Streams  bool  // servers hear each other through a stream, as with Node's streams adapter
	Length   int64 // entries that it keeps, about; 0 for Node's default
	Channel  string
	Format   Format
	Optional bool // go on without Redis when it is not there at the start
	Logger   *slog.Logger
}

// Format is how messages for Flask-SocketIO are written.
type Format string

// The formats. FormatAuto is pickle once all that was heard on the queue was, and
// JSON otherwise.
const (
	FormatAuto   Format = "auto"
	FormatJSON   Format = "json"
	FormatPickle Format = "pickle"
)

// Cluster is this server's part in a cluster.
type Cluster struct {
	opts Options
	log  *slog.Logger
	uid  string
	link *redislink.Link

	out    *outbox
	stream *stream // nil without one
	health *health
	heard  senders
	asked  pending
	flask  formats

	received  atomic.Uint64
	published atomic.Uint64
	servers   atomic.Int64
	refused   atomic.Uint64
	events    chan func() // what other servers want handlers to do

	mu        locks.Cluster
	spaces    map[string]*space
	listeners map[string]listener // by channel
	sharp     bool                // a namespace's name contains #
	pubsub    *redis.PubSub       // nil while there is none

	gone []*space // namespaces whose channels are still to be given up

	adjusting locks.Adjusting // channels are subscribed to or given up; comes before mu

	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	started bool          // the rest is in use
	told    chan struct{} // closed when the publisher has ended
	left    atomic.Int64  // how many messages it could not publish before that
}

// space is a namespace that exists here.
type space struct {
	adapter  *fanout.Adapter
	channels nodewire.Channels
}

// listener is whom a channel of requests, or of answers to them, concerns.
type listener struct {
	space     *space
	isRequest bool
}

// New makes a server's part in a cluster. Nothing is connected before Start.
func New(opts Options) *Cluster {
	opts.Prefix = cmp.Or(opts.Prefix, nodewire.DefaultPrefix)
	c := &Cluster{
		opts:   opts,
		log:    sparse.Logger(opts.Logger),
		uid:    uidPrefix + rand.Text()[:uidDigits],
		link:   opts.URL.OpenFor(opts.Prefix),
		out:    newOutbox(MaxQueued),
		events: make(chan func(), maxEvents),
		told:   make(chan struct{}),

		spaces:    make(map[string]*space),
		listeners: make(map[string]listener),
	}
	c.servers.Store(1)
	c.health = newHealth(c.log, opts.URL.String(), c.dropped)
	if opts.Streams {
		c.stream = newStream(opts.Prefix, opts.Length)
		c.health.stream, c.health.reading = true, errNotYet
	}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// startTimeout is how long Redis has to be there at the start.
const startTimeout = 10 * time.Second

var errNoAnswer = fmt.Errorf("no answer within %v", startTimeout)

// Start connects and returns once the server hears the others. Without Redis it
// fails, or, where it is optional, goes on trying in the background. It is called
// once.
func (c *Cluster) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errNoAnswer)
	defer cancel()
	c.started = true
	tried := make(chan error, 2)
	waits := 1
	c.work.Go(func() { c.persist(tried, c.session, c.health.hears) })
	if c.stream != nil {
		waits++
		c.work.Go(func() { c.persist(tried, c.follow, c.health.reads) })
		go c.writeStream()
	}
	c.work.Go(c.watch)
	c.work.Go(c.handleEvents)
	go c.publish()
	var err error
	for ; waits > 0 && err == nil; waits-- {
		select {
		case err = <-tried:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	switch {
	case Unfit(err):
		return fmt.Errorf("the Redis at %s: %w", c.opts.URL, err)
	case err != nil && !c.opts.Optional:
		return fmt.Errorf("cannot reach Redis at %s: %w", c.opts.URL, err)
	}
	return nil
}

// Unfit reports whether an error of Start says that this Redis cannot be used as it is,
// however long one waits.
func Unfit(err error) bool {
	return errors.Is(err, streams.ErrTooOld) || errors.Is(err, streams.ErrNoStream)
}

// endTime is how long the cluster's goroutines may take to end once nothing that they
// wait for can come any more. One may be in a handler that does not return.
const endTime = time.Second

// Close publishes what is still queued, for as long as ctx lasts, and leaves the
// cluster. It reports how many messages were given up, and returns soon after ctx has
// ended, whatever Redis does.
func (c *Cluster) Close(ctx context.Context) error {
	c.out.close()
	if c.stream != nil {
		c.stream.queue.Close()
	}
	if c.started {
		select {
		case <-c.written():
		case <-ctx.Done():
		}
	}
	c.end()
	c.link.Cut()
	var err error
	if c.started {
		err = c.awaitEnd()
	}
	_ = c.link.Close()
	left := c.left.Load()
	if c.stream != nil {
		left += c.stream.left.Load()
	}
	if left > 0 {
		err = errors.Join(fmt.Errorf("%d messages for other servers were given up: Redis did not take them in time", left), err)
	}
	return err
}

// written is closed when all that was said has been published, and written into the
// stream, or given up.
func (c *Cluster) written() <-chan struct{} {
	if c.stream == nil {
		return c.told
	}
	both := make(chan struct{})
	go func() {
		defer close(both)
		<-c.told
		<-c.stream.ended
	}()
	return both
}

// awaitEnd waits for the goroutines, after they were told to end.
func (c *Cluster) awaitEnd() error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-c.written()
		c.work.Wait()
	}()
	late := time.NewTimer(endTime)
	defer late.Stop()
	select {
	case <-ended:
		return nil
	case <-late.C:
		return errors.New("a handler for an event of another server still runs")
	}
}

// Ready says whether this server hears the others and is heard, or why it does not.
func (c *Cluster) Ready() error { return c.health.err() }

// Attach makes what the others say of a namespace reach its adapter.
func (c *Cluster) Attach(a *fanout.Adapter) {
	s := &space{adapter: a, channels: c.names(a.Name())}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spaces[a.Name()] = s
	c.sharp = c.sharp || strings.Contains(a.Name(), "#")
	for _, channel := range c.channels(s) {
		c.listeners[channel] = listener{s, channel == c.questions(a.Name())}
	}
	if pubsub := c.pubsub; pubsub != nil && c.life.Err() == nil {
		c.work.Go(func() {
			c.adjusting.Lock()
			defer c.adjusting.Unlock()
			// A connection that fails here fails the listener, which begins anew.
			_ = pubsub.Subscribe(standing(), c.channels(s)...)
		})
	}
}

// linger is how long the channels of a namespace that was forgotten are still listened
// to: who was counted among those that hear a question has to answer it.
const linger = time.Second

// Detach ends what Attach began: the namespace is forgotten.
func (c *Cluster) Detach(a *fanout.Adapter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.spaces[a.Name()]
	if s == nil || s.adapter != a || c.life.Err() != nil {
		return
	}
	delete(c.spaces, a.Name())
	if c.gone = append(c.gone, s); len(c.gone) == 1 {
		c.work.Go(c.unlisten)
	}
}

// unlisten gives up the channels of the namespaces that are gone, after a while, unless
// there is one of that name again.
func (c *Cluster) unlisten() {
	select {
	case <-time.After(linger):
	case <-c.life.Done():
		return
	}
	c.adjusting.Lock() // nobody subscribes between the look and the deed
	defer c.adjusting.Unlock()
	c.mu.Lock()
	var channels []string
	for _, s := range c.gone {
		if c.spaces[s.adapter.Name()] == nil {
			channels = append(channels, c.channels(s)...)
		}
	}
	for _, channel := range channels {
		delete(c.listeners, channel)
	}
	c.gone = nil
	pubsub := c.pubsub
	c.mu.Unlock()
	if pubsub != nil && len(channels) > 0 {
		_ = pubsub.Unsubscribe(standing(), channels...) // see Attach
	}
}

// names are the channels of a namespace.
func (c *Cluster) names(namespace string) nodewire.Channels {
	return nodewire.NewChannels(c.opts.Prefix, namespace)
}

// channels are those that a namespace listens to beside the broadcasts.
func (c *Cluster) channels(s *space) []string {
	if c.stream != nil {
		return []string{s.channels.Public(), s.channels.Private(c.uid)}
	}
	return []string{s.channels.Request(), s.channels.Response(), s.channels.ResponseTo(c.uid)}
}

// questions is the channel on which all servers that know a namespace are asked, and by
// whose subscribers they are counted.
func (c *Cluster) questions(namespace string) string {
	if c.stream != nil {
		return c.names(namespace).Public()
	}
	return c.names(namespace).Request()
}

// space returns a namespace that exists here, or nil.
func (c *Cluster) space(name string) *space {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.spaces[name]
}

// listener returns whom a channel concerns; nobody, if its space is nil.
func (c *Cluster) listener(channel string) listener {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.listeners[channel]
}

// maxEvents is how many events of other servers wait for handlers.
const maxEvents = 1024

// later has a handler run beside what is received: it may take its time.
func (c *Cluster) later(run func()) {
	select {
	case c.events <- run:
	default:
		c.refused.Add(1)
		c.log.Warn("event of another server ignored: too many wait for their handlers", "limit", maxEvents)
	}
}

// handleEvents runs handlers, one after another.
func (c *Cluster) handleEvents() {
	for {
		select {
		case run := <-c.events:
			run()
		case <-c.life.Done():
			return
		}
	}
}
