package cluster

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
)

// pingInterval is how long Redis may be silent to a subscriber before it is pinged, and then before
// the connection counts as broken, where the URL does not say: long enough for one large message on
// a slow line.
const pingInterval = 10 * time.Second

// persist is a goroutine that receives: it has a session of what receive does, and another whenever
// one has failed. tried is told how the first attempt to connect went, note of what changes.
func (c *Cluster) persist(tried chan<- error, receive func(ready func()) error, note func(error)) {
	var retry backoff
	first := true
	for c.life.Err() == nil {
		var stands time.Time
		err := receive(func() {
			stands = time.Now()
			note(nil)
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
			if !c.opts.Optional || Unfit(err) {
				return // Start reports it
			}
		}
		note(err)
		c.link.LookAgain(c.life)
		// One that Redis cuts again and again is not opened at full speed.
		if !stands.IsZero() && time.Since(stands) > longestPause {
			retry = backoff{}
		}
		retry.wait(c.life)
	}
}

// session subscribes and handles what comes, until the connection breaks. ready is called once all
// subscriptions stand.
func (c *Cluster) session(ready func()) error {
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
	stands := standing()
	missing := len(channels)
	if c.stream == nil {
		missing++
		err = pubsub.PSubscribe(life, nodewire.EveryBroadcast(c.opts.Prefix))
	} else { // broadcasts are in the stream
		err = pubsub.Subscribe(life, c.opts.Channel)
		channels = channels[1:]
	}
	if err != nil {
		return err
	}
	if len(channels) > 0 {
		err = pubsub.Subscribe(stands, channels...)
	}
	if err != nil {
		return err
	}
	guard.Go(func() { keepAlive(life, end, pubsub, &lively, cmp.Or(c.opts.URL.PingInterval(), pingInterval)) })
	for {
		message, err := pubsub.Receive(stands)
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
				ready()
			}
		case *redis.Message:
			c.received.Add(1)
			c.handle(m)
		}
	}
}

// use makes a connection the one that new namespaces are subscribed to on, and returns the channels
// to begin with.
func (c *Cluster) use(pubsub *redis.PubSub) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pubsub = pubsub
	channels := []string{c.opts.Channel} // the first, see session
	if c.sessions != nil {
		channels = append(channels, c.sessions.Channel())
	}
	for _, s := range c.spaces {
		channels = append(channels, c.channels(s)...)
	}
	return channels
}

// keepAlive pings Redis while nothing comes, and ends the connection when there is no answer.
func keepAlive(ctx context.Context, end context.CancelCauseFunc, pubsub *redis.PubSub, lively *atomic.Bool, interval time.Duration) {
	pinged := false
	for {
		pause(ctx, interval)
		switch {
		case ctx.Err() != nil:
			return
		case lively.Swap(false):
			pinged = false
		case pinged:
			end(fmt.Errorf("silent for %v", 2*interval))
			_ = pubsub.Close()
			return
		default:
			pinged = true
			_ = pubsub.Ping(standing()) // one that fails is not answered
		}
	}
}
