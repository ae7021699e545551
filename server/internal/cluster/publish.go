package cluster

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
)

// publish is the goroutine that publishes. It ends when the outbox is closed and
// empty, or with the cluster's life.
func (c *Cluster) publish() {
	defer close(c.told)
	for batch := c.out.take(); batch != nil; batch = c.out.take() {
		if left := c.deliver(batch); left > 0 {
			waiting, _, _ := c.out.state()
			c.left = left + waiting
			c.out.lose(c.left)
			return
		}
	}
}

// deliver publishes a batch, however often Redis goes away meanwhile. When the
// cluster's life ends before, it returns how many messages are left.
func (c *Cluster) deliver(batch []entry) (left int) {
	var retry backoff
	for c.health.awaitSettled(c.life) == nil {
		var err error
		batch, err = c.send(batch)
		if c.life.Err() != nil {
			break
		}
		c.health.speaks(err)
		if err == nil {
			return 0
		}
		retry.wait(c.life)
	}
	return len(batch)
}

// send publishes a batch and returns what has to be published again.
func (c *Cluster) send(batch []entry) ([]entry, error) {
	node, err := c.link.Node(c.life)
	if err != nil {
		return batch, err
	}
	pipe := node.Pipeline()
	results := make([]*redis.IntCmd, len(batch))
	for i := range batch {
		results[i] = pipe.Publish(c.life, batch[i].channel, batch[i].payload)
	}
	_, _ = pipe.Exec(c.life) // each result has its error
	var rest []entry
	for i, result := range results {
		failure := result.Err()
		switch {
		case failure == nil:
			c.published.Add(1)
			continue
		case isForbidden(failure):
			c.out.lose(1)
			c.log.Warn("Redis does not let this server publish", "channel", shown(batch[i].channel), "error", failure)
			continue
		case batch[i].once && inDoubt(failure):
			c.out.lose(1)
		default:
			rest = append(rest, batch[i])
		}
		err = withoutArgs(failure)
	}
	return rest, err
}

// isForbidden says whether trying again cannot help.
func isForbidden(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "NOPERM")
}

// withoutArgs leaves out what Redis repeats of a command that it does not know: the
// channel, which may be named by a session's id, and the message.
func withoutArgs(err error) error {
	if text, _, found := strings.Cut(err.Error(), ", with args beginning with"); found {
		return errors.New(text)
	}
	return err
}

// inDoubt says whether the message may have been published all the same: the
// connection broke after it was sent and before Redis had answered.
func inDoubt(err error) bool {
	var reply redis.Error
	var failed *net.OpError
	return !errors.As(err, &reply) && !(errors.As(err, &failed) && failed.Op == "dial")
}

// settleTime is how long the other servers have to come back after an outage before
// what has waited is published: nobody keeps it for those that are later.
const settleTime = 5 * time.Second

// watchInterval is how often the servers are counted.
const watchInterval = time.Second

// watch knows how many servers there are. After an outage it lets the publisher
// go on once as many are back as there were.
func (c *Cluster) watch() {
	for {
		epoch, err := c.health.awaitConnection(c.life)
		if err != nil {
			return
		}
		c.awaitOthers()
		c.health.settle(epoch)
		for over := false; !over && c.life.Err() == nil; {
			c.count()
			tick, cancel := context.WithTimeout(c.life, watchInterval)
			over = c.health.awaitOutage(tick, epoch)
			cancel()
		}
	}
}

// count updates the number of servers.
func (c *Cluster) count() {
	n, err := c.countServers()
	if err != nil || n < 1 {
		return
	}
	if was := c.servers.Swap(int64(n)); was != int64(n) {
		c.log.Info("cluster", "servers", n)
	}
}

// awaitOthers waits until as many servers are there as before.
func (c *Cluster) awaitOthers() {
	ctx, cancel := context.WithTimeout(c.life, settleTime)
	defer cancel()
	for want := c.Servers(); ctx.Err() == nil; pause(ctx, settleTime/100) {
		if n, err := c.countServers(); err == nil && n >= want {
			return
		}
	}
}

// countServers asks Redis how many servers listen to requests for the main
// namespace, as Node's adapter does.
func (c *Cluster) countServers() (int, error) {
	ctx, cancel := context.WithTimeout(c.life, settleTime)
	defer cancel()
	return c.link.Subscribers(ctx, nodewire.NewChannels("", "/").Request())
}
