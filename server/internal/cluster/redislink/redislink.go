// Package redislink owns how Redis is reached: the forms of its URL, and the client for one server,
// for one behind Sentinels, or for a Cluster. What comes out of the three is the same, and no
// message of this package repeats a URL, which may hold a password.
package redislink

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// readTimeout is how long Redis has for an answer where the URL names no read_timeout: a server
// that saves a large data set can be busy for seconds.
const readTimeout = 10 * time.Second

// defaultKey picks the node of a Cluster that everything is published and received on, where the
// caller names no key. Several would not keep the order of one server's messages.
const defaultKey = "socket.io"

// Link is a client of one Redis. Its methods may be called from any goroutine.
type Link struct {
	conns   *conns
	key     string // picks the node of a Cluster
	client  *redis.Client
	cluster *redis.ClusterClient // instead of client
}

// Open makes a client, which connects when it is used. Nothing is tried twice: what to do when
// Redis is away is the caller's to decide.
func (u *URL) Open() *Link { return u.OpenFor(defaultKey) }

// OpenFor is Open for who works on this key: of a Cluster, Node is the server that has it.
func (u *URL) OpenFor(key string) *Link {
	logging.Disable() // it writes to stderr in a form of its own; errors come back to the caller
	l := &Link{conns: newConns(u), key: key}
	switch {
	case u.failover != nil:
		o := *u.failover
		o.Dialer, o.TLSConfig = l.conns.dial, nil // what dial returns speaks TLS already
		o.MaxRetries, o.DialerRetries, o.PipelinePoolSize = -1, 1, -1
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.ReadTimeout = orDefault(o.ReadTimeout)
		l.client = redis.NewFailoverClient(&o)
	case u.cluster != nil:
		o := *u.cluster
		o.Dialer, o.TLSConfig = l.conns.dial, nil
		o.MaxRetries, o.DialerRetries, o.PipelinePoolSize = -1, 1, -1
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.ReadTimeout = orDefault(o.ReadTimeout)
		o.MaintNotificationsConfig = quiet()
		l.cluster = redis.NewClusterClient(&o)
	default:
		o := *u.single
		o.Dialer, o.TLSConfig = l.conns.dial, nil
		o.MaxRetries, o.DialerRetries, o.PipelinePoolSize = -1, 1, -1
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.ReadTimeout = orDefault(o.ReadTimeout)
		o.MaintNotificationsConfig = quiet()
		l.client = redis.NewClient(&o)
	}
	return l
}

// orDefault is the read timeout that a URL gives, readTimeout without one.
func orDefault(given time.Duration) time.Duration {
	if given == 0 {
		return readTimeout
	}
	return given
}

// quiet leaves out a handshake that only one vendor's servers know.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// Node is the server that messages are published and received on.
func (l *Link) Node(ctx context.Context) (*redis.Client, error) {
	if l.cluster != nil {
		return l.cluster.MasterForKey(ctx, l.key)
	}
	return l.client, nil
}

// LookAgain has a Cluster asked which node has which key, for who got an error: that may be another
// one by now, and would be found out only seconds later.
func (l *Link) LookAgain(ctx context.Context) {
	if l.cluster != nil {
		l.cluster.ReloadState(ctx)
	}
}

// Store is where keys are kept: on a Cluster, each on the node that has it.
func (l *Link) Store() redis.Cmdable {
	if l.cluster != nil {
		return l.cluster
	}
	return l.client
}

// LocalAddr is this end of the latest connection, nil before there was one.
func (l *Link) LocalAddr() net.Addr { return l.conns.localAddr() }

// Subscribers counts the subscribers of a channel, on all servers of a Cluster.
func (l *Link) Subscribers(ctx context.Context, channel string) (int, error) {
	if l.cluster == nil {
		found, err := l.client.PubSubNumSub(ctx, channel).Result()
		return int(found[channel]), err
	}
	var sum atomic.Int64
	err := l.cluster.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
		found, err := node.PubSubNumSub(ctx, channel).Result()
		sum.Add(found[channel])
		return err
	})
	return int(sum.Load()), err
}

// Channels lists the channels with subscribers that match a pattern, on all servers of a Cluster.
func (l *Link) Channels(ctx context.Context, pattern string) ([]string, error) {
	if l.cluster == nil {
		return l.client.PubSubChannels(ctx, pattern).Result()
	}
	var mu sync.Mutex
	var all []string
	err := l.cluster.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
		found, err := node.PubSubChannels(ctx, pattern).Result()
		mu.Lock()
		defer mu.Unlock()
		all = append(all, found...)
		return err
	})
	return all, err
}

// Cut ends every connection and every attempt at one, for good: whoever waits for Redis gets an
// error at once, even if Redis is frozen.
func (l *Link) Cut() { l.conns.cut() }

// Close cuts the connections and frees the client.
func (l *Link) Close() error {
	l.Cut()
	if l.cluster != nil {
		return l.cluster.Close()
	}
	return l.client.Close()
}
