// Package cluster owns what makes several servers one: the connection to Redis, and what is told
// and heard through it. It speaks to other Hipflask processes and to Node's in the format of Node's
// Redis adapter and emitter, and to Flask-SocketIO's in that of its message queue. A server's own
// clients never wait for any of it.
//
// All that one process publishes leaves in the order it was emitted, by one goroutine; all that it
// hears is handled in order by another.
package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/cluster/sessions"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/packet"
)

// Options says where the others are. Prefix begins the names of all that servers say to each other,
// as Node's option key does; empty is Node's default. Channel is that of Flask-SocketIO's queue.
type Options struct {
	URL      *redislink.URL
	Prefix   string
	Streams  bool  // servers hear each other through a stream, as with Node's streams adapter
	Length   int64 // entries that it keeps, about; 0 for Node's default
	Channel  string
	Format   Format
	Optional bool // go on without Redis when it is not there at the start

	// Take has, by namespace, who takes what other servers emit to all of its clients, in the place
	// of those; what they emit to some of them is nobody's.
	Take map[string]func(event string, args []packet.Value) error

	Logger *slog.Logger
}

// Cluster is this server's part in a cluster.
type Cluster struct {
	opts Options
	log  *slog.Logger
	uid  string
	link *redislink.Link

	out    *outbox
	stream *stream // nil without one
	// sessions are those of clients that may come back; nil without a stream.
	sessions *sessions.Store
	health   *health
	heard    senders
	asked    pending
	flask    formats

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

	life    context.Context
	end     context.CancelFunc
	work    sync.WaitGroup
	writing sync.WaitGroup // the publisher, and the stream's writer

	started bool         // the goroutines are
	left    atomic.Int64 // how many messages could not be published before the end
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

// questions is the channel on which all servers that know a namespace are asked, and by whose
// subscribers they are counted.
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

// adapters are those of all namespaces that exist here.
func (c *Cluster) adapters() []*fanout.Adapter {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make([]*fanout.Adapter, 0, len(c.spaces))
	for _, s := range c.spaces {
		all = append(all, s.adapter)
	}
	return all
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

// standing is the context for a subscription that stands. It has ended, with which go-redis reads
// and writes, but does not connect: a connection that broke would else be replaced and subscribed
// behind our back, and closed by us, and the others would have published to it in between.
func standing() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// notSent logs what cannot be said to the others. Emits have checked their arguments before, so it
// is about limits of the formats.
func (c *Cluster) notSent(namespace string, err error) {
	c.out.lose(1)
	c.log.Warn("message for other servers not sent", "namespace", namespace, "error", err)
}
