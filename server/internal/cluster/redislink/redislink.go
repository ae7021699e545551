// Package redislink owns how Redis is reached: the forms of its URL, and the client
// for one server, for one behind Sentinels, or for a Cluster. What comes out of the
// three is the same, and no message of this package repeats a URL, which may hold a
// password.
package redislink

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// patience is how long Redis has for an answer where the URL names no read_timeout:
// a server that saves a large data set can be busy for seconds.
const patience = 10 * time.Second

// clusterKey picks the node of a Cluster that everything is published and received
// on. Several would not keep the order of one server's messages.
const clusterKey = "socket.io"

var (
	errForm = errors.New("must be redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, unix://PATH, " +
		"redis+sentinel://HOST:PORT?master_name=NAME or redis+cluster://HOST:PORT; " +
		"in a password write %2F for / and so on")
	errMaster = errors.New("names no master_name, which Sentinel is asked for: redis+sentinel://HOST:PORT?master_name=NAME")
)

// URL is the checked address of a Redis.
type URL struct {
	address  string // to show: without user, password and options
	single   *redis.Options
	failover *redis.FailoverOptions
	cluster  *redis.ClusterOptions
}

// Parse reads a URL. Its options are those of go-redis, such as ?dial_timeout=3s or
// ?skip_verify=true. Errors continue a sentence that begins with the setting.
func Parse(text string) (*URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errForm // url.Parse repeats the URL
	}
	out := &URL{address: u.Scheme + "://" + u.Host + u.Path}
	base, kind, _ := strings.Cut(u.Scheme, "+")
	plain := base + strings.TrimPrefix(text, u.Scheme)
	switch kind {
	case "":
		out.single, err = redis.ParseURL(text)
	case "sentinel":
		out.failover, err = redis.ParseFailoverURL(plain)
		if err == nil && out.failover.MasterName == "" {
			return nil, errMaster
		}
	case "cluster":
		out.cluster, err = redis.ParseClusterURL(plain)
	default:
		err = errForm
	}
	if err != nil {
		return nil, errForm // their errors repeat parts of it
	}
	return out, nil
}

// String is the address without what is secret in the URL.
func (u *URL) String() string { return u.address }

// Link is a client of one Redis. Its methods may be called from any goroutine.
type Link struct {
	client  *redis.Client
	cluster *redis.ClusterClient // instead of client
}

// Open makes a client, which connects when it is used. Nothing is tried twice: what
// to do when Redis is away is the caller's to decide.
func (u *URL) Open() *Link {
	logging.Disable() // it writes to stderr in a form of its own; errors come back to the caller
	switch {
	case u.failover != nil:
		o := *u.failover
		o.MaxRetries, o.DialerRetries, o.PipelinePoolSize = -1, 1, -1
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.ReadTimeout = orPatience(o.ReadTimeout)
		return &Link{client: redis.NewFailoverClient(&o)}
	case u.cluster != nil:
		o := *u.cluster
		o.MaxRetries, o.DialerRetries, o.PipelinePoolSize = -1, 1, -1
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.ReadTimeout = orPatience(o.ReadTimeout)
		o.MaintNotificationsConfig = quiet()
		return &Link{cluster: redis.NewClusterClient(&o)}
	}
	o := *u.single
	o.MaxRetries, o.DialerRetries, o.PipelinePoolSize = -1, 1, -1
	o.ContextTimeoutEnabled, o.DisableIdentity = true, true
	o.ReadTimeout = orPatience(o.ReadTimeout)
	o.MaintNotificationsConfig = quiet()
	return &Link{client: redis.NewClient(&o)}
}

func orPatience(given time.Duration) time.Duration {
	if given == 0 {
		return patience
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
		return l.cluster.MasterForKey(ctx, clusterKey)
	}
	return l.client, nil
}

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

// Close closes the connections.
func (l *Link) Close() error {
	if l.cluster != nil {
		return l.cluster.Close()
	}
	return l.client.Close()
}
