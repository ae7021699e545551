package cluster

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/cluster/streams"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet/jsonval"
)

// How the stream is read: so many entries at once, and so much of them, after waiting so long for
// the first.
const (
	fewestRead  = 1
	mostRead    = 1000
	firstRead   = 100
	enoughBytes = 1 << 20
	blockTime   = 5 * time.Second
)

// follow reads the stream, from its end on or from where it was left, until that fails. ready is
// called once it is clear what comes next.
func (c *Cluster) follow(ready func()) error {
	s := c.stream
	node, err := c.link.Node(c.life)
	if err != nil {
		return err
	}
	conn := node.Conn()
	defer conn.Close()
	pace := c.newPacer(conn)
	if err := c.goOn(conn); err != nil {
		return err
	}
	ready()
	block := blockTime
	if limit := node.Options().ReadTimeout; limit > 0 {
		block = min(block, limit/2)
	}
	for count := int64(firstRead); ; {
		ctx, cancel := context.WithTimeout(c.life, block+readTimeout)
		part, err := s.log.Read(ctx, conn, s.mark, count, block)
		cancel()
		if err != nil {
			return err
		}
		entries := part.Entries
		if len(entries) == 0 { // perhaps because it is another stream, whose ids are lower
			if err := c.goOn(conn); err != nil {
				return err
			}
		} else {
			c.beginPart(part)
		}
		size := 0
		for _, e := range entries {
			size += len(e.Data)
			s.positions.set(func(now *fanout.Position) { now.Reached = e.ID })
			c.handleEntry(&e)
			s.mark.Read = e.ID
			s.positions.set(func(now *fanout.Position) { now.Dealt = e.ID })
			s.queue.Read(e)
			pace.delivered(len(e.Data))
		}
		s.read.Add(uint64(len(entries)))
		switch { // large entries are read by few, so that they do not fill the memory
		case size > enoughBytes:
			count = max(count/2, fewestRead)
		case int64(len(entries)) == count:
			count = min(2*count, mostRead)
		}
	}
}

// beginPart notes where entries that were read begin. Behind a stream that is gone nothing is told:
// that was when it was found gone.
func (c *Cluster) beginPart(part streams.Part) {
	s := c.stream
	s.mark.First = part.First
	if !s.gone && part.Hole != streams.NoHole {
		s.positions.lose(s.mark.Read)
		c.tellHole(part.Hole)
	}
	if s.gone || part.Hole != streams.NoHole {
		s.positions.begin(part.Entries[0].ID.Before()) // what clients have seen of what was lost comes before that
	}
	s.gone = false
}

// readTimeout is how long Redis may take to answer beside the time that it was told to wait.
const readTimeout = 10 * time.Second

// goOn finds the position in the stream from which to read.
func (c *Cluster) goOn(conn *redis.Conn) error {
	s := c.stream
	tail, err := s.log.Tail(c.life, conn)
	if err != nil {
		return err
	}
	if !s.begun {
		s.mark, s.begun = streams.Mark{First: tail.First, Read: tail.Last}, true
		s.gone = !tail.Exists // there may have been one before
		s.positions.begin(s.mark.Read)
		return nil
	}
	hole, was := tail.Beyond(s.mark), s.mark.Read
	s.mark.First = tail.First
	switch {
	case hole == streams.NoHole:
		return nil
	case hole == streams.Back, hole == streams.Trimmed && tail.First.IsZero():
		s.mark.Read = tail.Last // what it has may have been read before
	default: // all that it has is new
		s.mark.Read = tail.First.Before()
		s.gone = tail.First.IsZero()
	}
	s.positions.lose(was)
	s.positions.begin(s.mark.Read)
	s.queue.Forget(s.mark.Read)
	c.tellHole(hole)
	return nil
}

// tellHole says that something was lost that nobody can read any more, and has the clients come
// back, so that none goes on as if nothing had happened.
func (c *Cluster) tellHole(hole streams.Hole) {
	c.stream.holes.Add(1)
	c.log.Warn("events for this server's clients are lost, who have to connect anew: "+string(hole),
		"stream", c.stream.log.Key, "cause", causes.Stream, "redis_setting", "maxmemory-policy, appendonly")
	for _, a := range c.adapters() {
		a.Lapse()
	}
}

// handleEntry deals with one entry, of whichever server. Whatever it holds, it does not end the
// goroutine that reads.
func (c *Cluster) handleEntry(e *streams.Stored) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("entry of the stream failed", "id", e.ID.String(), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	space := c.space(e.Namespace)
	if space == nil && strings.HasPrefix(e.Namespace, "/") {
		return
	}
	b, r, err := e.Decode(jsonval.Limits{})
	switch {
	case err != nil:
	case space == nil:
		err = fmt.Errorf("the namespace %.40q", e.Namespace)
	case b != nil:
		err = c.deliverBroadcast(space.adapter, b, e.ID)
	default:
		err = c.serve(space, r)
	}
	if err != nil {
		c.refused.Add(1)
		c.log.Warn("entry of the stream ignored", "id", e.ID.String(), "error", err)
	}
}
