package cluster

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// publish is the goroutine that publishes. It ends when the outbox is closed and empty, or with the
// cluster's life.
func (c *Cluster) publish() {
	for batch := c.out.take(); batch != nil; batch = c.out.take() {
		if left := c.deliver(batch); left > 0 {
			waiting, _, _ := c.out.state()
			c.left.Add(int64(left + waiting))
			c.out.lose(left + waiting)
			return
		}
	}
}

// maxTries is how often a message is published that Redis does not take though it answers
// otherwise. The pauses in between add up to a second or two.
const maxTries = 5

// deliver publishes a batch, however often Redis goes away meanwhile. When the cluster's life ends
// before, it returns how many messages are left.
func (c *Cluster) deliver(batch []entry) (left int) {
	var retry backoff
	tries := 0
	for c.health.awaitResumed(c.life) == nil {
		rest, err := c.send(batch)
		if c.life.Err() != nil {
			return len(rest)
		}
		if len(rest) < len(batch) {
			tries = 0
		}
		if batch = rest; isRefusal(err) {
			if tries++; tries == maxTries {
				c.giveUp(&batch[0], err)
				batch, tries, err = batch[1:], 0, nil
			}
		}
		c.health.speaks(err)
		if err != nil {
			c.link.LookAgain(c.life)
			retry.wait(c.life)
		} else if len(batch) == 0 {
			return 0
		}
	}
	return len(batch)
}

// giveUp counts a message that Redis does not take, so that those behind it go on.
func (c *Cluster) giveUp(e *entry, why error) {
	c.out.lose(1)
	c.log.Warn("message given up: Redis does not take it", "channel", shown(e.channel), "bytes", len(e.payload),
		"error", withoutArgs(why), "redis_setting", "proto-max-bulk-len, client-query-buffer-limit, ACL")
}

// send publishes a batch and returns what has to be published again, with the reason.
func (c *Cluster) send(batch []entry) ([]entry, error) {
	node, err := c.link.Node(c.life)
	if err != nil {
		return batch, err
	}
	if len(batch) == 1 && batch[0].size() >= loneBytes {
		return c.sendLarge(node, &batch[0])
	}
	pipe := node.Pipeline()
	results := make([]*redis.IntCmd, len(batch))
	for i := range batch {
		results[i] = pipe.Publish(c.life, batch[i].channel, batch[i].payload)
	}
	_, _ = pipe.Exec(c.life) // each result has its error
	took := 0
	for _, result := range results {
		if result.Err() == nil {
			took++
		}
	}
	c.published.Add(uint64(took))
	var rest []entry
	for i, result := range results {
		failure := result.Err()
		switch {
		case failure == nil:
			continue
		case isHopeless(failure) || took > 0 && isGeneric(failure):
			c.giveUp(&batch[i], failure)
			continue
		case batch[i].once && inDoubt(failure):
			c.out.lose(1)
		case isGeneric(failure):
			rest, failure = append(rest, batch[i]), refusal{failure}
		default:
			rest = append(rest, batch[i])
		}
		if err == nil {
			err = failure
		}
	}
	return rest, err
}

// sendLarge publishes a message that is alone in its batch, over a connection on which Redis has
// just answered. If that breaks, the message may be the reason: Redis hangs up on who sends it more
// than it takes, often before its answer can be read.
func (c *Cluster) sendLarge(node *redis.Client, e *entry) ([]entry, error) {
	conn := node.Conn()
	defer conn.Close()
	rest := []entry{*e}
	if err := conn.Ping(c.life).Err(); err != nil && !isHopeless(err) {
		return rest, err
	}
	err := conn.Publish(c.life, e.channel, e.payload).Err()
	switch {
	case err == nil:
		c.published.Add(1)
		return nil, nil
	case isHopeless(err):
		c.giveUp(e, err)
		return nil, nil
	case e.once && inDoubt(err):
		c.out.lose(1)
		return nil, err
	case isGeneric(err) || hungUp(err):
		err = refusal{err}
	}
	return rest, err
}

// resumeTime is how long the other servers have to come back after an outage before what has waited
// is published: nobody keeps it for those that are later.
const resumeTime = 5 * time.Second

// watchInterval is how often the servers are counted.
const watchInterval = time.Second

// watch knows how many servers there are. After an outage it lets the publisher go on once as many
// are back as there were.
func (c *Cluster) watch() {
	for {
		epoch, err := c.health.awaitConnection(c.life)
		if err != nil {
			return
		}
		c.awaitOthers()
		c.health.resume(epoch)
		for over := false; !over && c.life.Err() == nil; {
			c.count()
			c.tellMissed()
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
		c.log.Info("cluster", "servers", n, "this", c.uid)
	}
}

// tellMissed logs how many broadcasts of other Hipflask servers did not come, once their next ones
// have shown it.
func (c *Cluster) tellMissed() {
	if n := c.heard.untold(); n > 0 {
		c.log.Warn("broadcasts of other Hipflask servers never came", "missed", n, "redis_setting", pubsubLimit)
	}
}

// awaitOthers waits until as many servers are there as before.
func (c *Cluster) awaitOthers() {
	ctx, cancel := context.WithTimeout(c.life, resumeTime)
	defer cancel()
	for want := c.Servers(); ctx.Err() == nil; pause(ctx, resumeTime/100) {
		if n, err := c.countServers(); err == nil && n >= want {
			return
		}
	}
}

// countServers asks Redis how many servers listen to requests for the main namespace, as Node's
// adapter does.
func (c *Cluster) countServers() (int, error) {
	ctx, cancel := context.WithTimeout(c.life, resumeTime)
	defer cancel()
	return c.link.Subscribers(ctx, c.questions("/"))
}
