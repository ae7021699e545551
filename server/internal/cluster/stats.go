package cluster

import "hipflask/server/internal/cluster/sessions"

// Stats are counters, since the start, and states.
type Stats struct {
	Published  uint64 // messages that Redis took
	Received   uint64 // messages that came, whether or not they concern this server
	Refused    uint64 // messages that could not be read
	Dropped    uint64 // messages that were given up instead of being published
	Missed     uint64 // broadcasts of other Hipflask servers that never came
	Reconnects uint64 // ends of outages

	Connected   bool
	Servers     int // in the cluster, this one among them, as of the last seconds
	Queued      int // messages that wait to be published
	QueuedBytes int

	Stream *StreamStats // nil without a stream
}

// StreamStats are counters of the stream, and states. What was given up of it is in Stats.Dropped.
type StreamStats struct {
	Read         uint64 // entries, of all servers
	Written      uint64 // entries that Redis has taken
	Holes        uint64 // how often entries were lost before they could be read
	Sessions     sessions.Stats
	Waiting      int // entries that are not written yet
	WaitingBytes int // what they take, and what waits behind them
}

// Stats returns the counters.
func (c *Cluster) Stats() Stats {
	s := Stats{
		Published:  c.published.Load(),
		Received:   c.received.Load(),
		Refused:    c.refused.Load(),
		Missed:     c.heard.count(),
		Reconnects: c.health.count(),
		Connected:  c.health.err() == nil,
		Servers:    c.Servers(),
	}
	s.Queued, s.QueuedBytes, _ = c.out.state()
	s.Dropped = c.dropped()
	if t := c.stream; t != nil {
		waiting, bytes, _ := t.queue.State()
		s.Stream = &StreamStats{
			Read: t.read.Load(), Written: t.wrote.Load(), Holes: t.holes.Load(), Sessions: c.sessions.Stats(), Waiting: waiting, WaitingBytes: bytes,
		}
	}
	return s
}

// dropped counts what was given up of all that was said to the others.
func (c *Cluster) dropped() uint64 {
	_, _, dropped := c.out.state()
	if c.stream != nil {
		_, _, late := c.stream.queue.State()
		dropped += late
	}
	return dropped
}

// Servers counts the servers of the cluster, this one among them, as of late.
func (c *Cluster) Servers() int { return int(c.servers.Load()) }
