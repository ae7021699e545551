package cluster

import (
	"context"
	"time"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/streams"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet/jsonval"
)

// Peers are the cluster as the adapters see it.
func (c *Cluster) Peers() fanout.Peers {
	if c.stream == nil {
		return c
	}
	return sequence{c, c.sessions}
}

// sequence is a cluster whose servers share one order.
type sequence struct {
	*Cluster
	fanout.Sessions
}

var _ fanout.Sequence = sequence{}

// After calls fn once what was emitted before has been delivered: see [fanout.Sequence].
func (s sequence) After(bytes int, fn func()) { s.stream.queue.After(bytes, fn) }

// Position is how far the stream is read: see [fanout.Sequence].
func (s sequence) Position() fanout.Position { return s.stream.positions.get() }

// pastTime is how long Redis has to say what a client has missed.
const pastTime = 10 * time.Second

// Past reads broadcasts that are in the stream: see [fanout.Sequence].
func (s sequence) Past(namespace string, from, upTo offset.ID, fn func(e fanout.Event, to fanout.Selection, at offset.ID) bool) error {
	ctx, cancel := context.WithTimeout(s.life, pastTime)
	defer cancel()
	store := s.link.Store()
	log := s.stream.log
	if from.Compare(upTo) <= 0 {
		err := log.Range(ctx, store, from.Before(), func(e streams.Stored) bool {
			if e.ID.Compare(upTo) > 0 {
				return false
			}
			if e.Namespace != namespace {
				return true
			}
			b, _, err := e.Decode(jsonval.Limits{})
			if err != nil || b == nil || b.Flags.Volatile {
				return true // nobody was sent it, or it is not for who comes later
			}
			event, err := eventOf(b.Event, b.Args)
			return err != nil || fn(event, here(b.Target), e.ID)
		})
		if err != nil {
			return err
		}
	}
	tail, err := log.Tail(ctx, store) // what is there now was there before
	if err == nil && tail.After(from.Before()) != streams.NoHole {
		err = fanout.ErrForgotten
	}
	return err
}

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
