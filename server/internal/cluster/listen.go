package cluster

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
)

// everyBroadcast matches the channels of all namespaces' broadcasts. A pattern for
// each namespace would cost Redis a comparison each, for every message.
const everyBroadcast = nodewire.DefaultPrefix + "#*"

// pingInterval is how long Redis may be silent to a subscriber before it is pinged,
// and then before the connection counts as broken: long enough for one large
// message on a slow line.
const pingInterval = 10 * time.Second

var errSilent = fmt.Errorf("silent for %v", 2*pingInterval)

// listen is the goroutine that receives. tried is told how the first attempt to
// connect went.
func (c *Cluster) listen(tried chan<- error) {
	var retry backoff
	first := true
	for c.life.Err() == nil {
		err := c.session(func() {
			retry = backoff{}
			c.health.hears(nil)
			if first {
				first = false
				tried <- nil
			}
		})
		if c.life.Err() != nil {
			return
		}
		if first {
			first = false
			tried <- err
			if !c.opts.Optional {
				return // Start reports it
			}
		}
		c.health.hears(err)
		retry.wait(c.life)
	}
}

// session subscribes and handles what comes, until the connection breaks. stands is
// called once all subscriptions do.
func (c *Cluster) session(stands func()) error {
	node, err := c.link.Node(c.life)
	if err != nil {
		return err
	}
	life, end := context.WithCancelCause(c.life)
	pubsub := node.Subscribe(life)
	var lively atomic.Bool
	var guard sync.WaitGroup
	defer guard.Wait()
	defer end(nil)
	defer c.use(nil)
	defer pubsub.Close()

	channels := c.use(pubsub)
	if err := pubsub.PSubscribe(life, everyBroadcast); err != nil {
		return err
	}
	if err := pubsub.Subscribe(life, channels...); err != nil {
		return err
	}
	guard.Go(func() { keepAlive(life, end, pubsub, &lively) })
	for missing := len(channels) + 1; ; {
		message, err := pubsub.Receive(life)
		if err != nil {
			if cause := context.Cause(life); cause != nil {
				return cause
			}
			return err
		}
		lively.Store(true)
		switch m := message.(type) {
		case *redis.Subscription:
			if missing--; missing == 0 {
				stands()
			}
		case *redis.Message:
			c.received.Add(1)
			c.handle(m)
		}
	}
}

// use makes a connection the one that new namespaces are subscribed to on, and
// returns the channels to begin with.
func (c *Cluster) use(pubsub *redis.PubSub) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pubsub = pubsub
	channels := []string{c.opts.Channel}
	for _, s := range c.spaces {
		channels = append(channels, c.channels(s)...)
	}
	return channels
}

// keepAlive pings Redis while nothing comes, and ends the connection when there is
// no answer.
func keepAlive(ctx context.Context, end context.CancelCauseFunc, pubsub *redis.PubSub, lively *atomic.Bool) {
	pinged := false
	for {
		pause(ctx, pingInterval)
		switch {
		case ctx.Err() != nil:
			return
		case lively.Swap(false):
			pinged = false
		case pinged:
			end(errSilent)
			_ = pubsub.Close()
			return
		default:
			pinged = true
			_ = pubsub.Ping(ctx) // one that fails is not answered
		}
	}
}
