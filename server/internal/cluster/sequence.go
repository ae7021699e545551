package cluster

import (
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
)

// Peers are the cluster as the adapters see it.
func (c *Cluster) Peers() fanout.Peers {
	if c.stream == nil {
		return c
	}
	return sequence{c}
}

// sequence is a cluster whose servers share one order.
type sequence struct{ *Cluster }

// After calls fn once what was emitted before has been delivered: see [fanout.Sequence].
func (s sequence) After(bytes int, fn func()) { s.stream.queue.After(bytes, fn) }

// broadcastInOrder puts a broadcast into the stream.
func (c *Cluster) broadcastInOrder(b *nodewire.Broadcast) {
	e, err := nodewire.BroadcastEntry(b)
	if err != nil {
		c.notSent(b.Namespace, err)
		return
	}
	c.enter(e, b.Flags.Volatile)
}

// enter puts an entry into the stream. What is volatile does not wait for Redis.
func (c *Cluster) enter(e nodewire.Entry, volatile bool) {
	if volatile && c.health.err() != nil {
		return
	}
	c.stream.queue.Put(e, volatile)
}
