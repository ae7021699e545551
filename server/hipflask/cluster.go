package hipflask

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/cluster"
	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/config"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/ops"
)

// newCluster makes this server's part in a cluster, nil if it is alone.
func (a *server) newCluster() (*cluster.Cluster, error) {
	if a.cfg.MessageQueue == "" {
		return nil, nil
	}
	url, err := redislink.Parse(a.cfg.MessageQueue)
	if err != nil {
		return nil, a.cfg.Fault("message-queue", err.Error())
	}
	return cluster.New(cluster.Options{
		URL:      url,
		Streams:  a.cfg.ClusterAdapter == config.AdapterStreams,
		Length:   int64(a.cfg.ClusterStreamLength),
		Prefix:   a.cfg.ClusterPrefix,
		Channel:  a.cfg.Channel,
		Format:   cluster.Format(a.cfg.ChannelFormat),
		Optional: a.cfg.MessageQueueOptional,
		Take:     a.takesForAdmin(),
		Logger:   a.log,
	}), nil
}

// peers are the cluster as the adapters see it; an interface that holds a nil pointer would not be
// nil.
func (a *server) peers() fanout.Peers {
	if a.cluster == nil {
		return nil
	}
	return a.cluster.Peers()
}

// joinCluster returns once this server hears the others.
func (a *server) joinCluster(ctx context.Context) error {
	if a.cluster == nil {
		return nil
	}
	a.tellHalfApart()
	err := a.cluster.Start(ctx)
	if cluster.Unfit(err) {
		return &config.Error{Source: "--cluster-adapter", Value: a.cfg.ClusterAdapter, Problem: err.Error()}
	}
	if err != nil {
		return fmt.Errorf("--message-queue: %w (--message-queue-optional starts without)", err)
	}
	return nil
}

// tellHalfApart logs that this application has one name of its own in Redis and not the other, so
// that it still shares something with others there.
func (a *server) tellHalfApart() {
	prefix, channel := a.cfg.ClusterPrefix, a.cfg.Channel
	switch ownPrefix, ownChannel := prefix != config.DefaultClusterPrefix, channel != config.DefaultChannel; {
	case ownChannel && !ownPrefix:
		a.log.Warn("only Python's queue has a name of its own: all servers on this Redis with the same --cluster-prefix are one application",
			"channel", channel, "cluster_prefix", prefix, "setting", "--cluster-prefix")
	case ownPrefix && !ownChannel:
		a.log.Warn("only the servers have a name of their own: what Python emits on --channel reaches every application on this Redis that has the same",
			"cluster_prefix", prefix, "channel", channel, "setting", "--channel")
	}
}

// leaveCluster publishes what clients and handlers have said until now. What comes after it,
// stdout's last lines, is left a tenth of the time: Redis may be frozen.
func (a *server) leaveCluster(ctx context.Context) error {
	if a.cluster == nil {
		return nil
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)*9/10)
		defer cancel()
	}
	return a.cluster.Close(ctx)
}

// clusterChecks has readiness say when Redis is away, unless it is optional.
func (a *server) clusterChecks() []ops.Check {
	if a.cluster == nil || a.cfg.MessageQueueOptional {
		return nil
	}
	return []ops.Check{{Name: "redis", Ready: func(context.Context) error { return a.cluster.Ready() }}}
}

// clusterMetrics counts what goes through Redis.
func (a *server) clusterMetrics() []prometheus.Collector {
	if a.cluster == nil {
		return nil
	}
	read := func(field func(cluster.Stats) uint64) func() float64 {
		return func() float64 { return float64(field(a.cluster.Stats())) }
	}
	collectors := []prometheus.Collector{
		ops.Counter("cluster_published_total", "Messages that Redis took for the other servers.",
			read(func(s cluster.Stats) uint64 { return s.Published })),
		ops.Counter("cluster_received_total", "Messages that came from Redis.",
			read(func(s cluster.Stats) uint64 { return s.Received })),
		ops.Counter("cluster_refused_total", "Messages from Redis that could not be read.",
			read(func(s cluster.Stats) uint64 { return s.Refused })),
		ops.Counter("cluster_dropped_total", "Messages for the other servers that were given up: Redis was away for too long, or refused them.",
			read(func(s cluster.Stats) uint64 { return s.Dropped })),
		ops.Counter("cluster_missed_total", "Broadcasts of other Hipflask servers that never came.",
			read(func(s cluster.Stats) uint64 { return s.Missed })),
		ops.Counter("cluster_reconnects_total", "How often Redis was away and came back.",
			read(func(s cluster.Stats) uint64 { return s.Reconnects })),
		ops.Gauge("cluster_queue_bytes", "Bytes that wait to be published.",
			read(func(s cluster.Stats) uint64 { return uint64(s.QueuedBytes) })),
		ops.Gauge("cluster_servers", "Servers in the cluster, this one among them.",
			read(func(s cluster.Stats) uint64 { return uint64(s.Servers) })),
	}
	if a.cfg.ClusterAdapter == config.AdapterStreams {
		collectors = append(collectors, a.streamMetrics(read)...)
	}
	return collectors
}

// streamMetrics counts what goes through the stream.
func (a *server) streamMetrics(read func(func(cluster.Stats) uint64) func() float64) []prometheus.Collector {
	return []prometheus.Collector{
		ops.Counter("cluster_stream_written_total", "Entries of the stream that Redis took from this server.",
			read(func(s cluster.Stats) uint64 { return s.Stream.Written })),
		ops.Counter("cluster_stream_read_total", "Entries of the stream that this server has read, its own among them.",
			read(func(s cluster.Stats) uint64 { return s.Stream.Read })),
		ops.Counter("cluster_stream_holes_total", "How often entries were gone before they could be read, so that clients had to connect anew.",
			read(func(s cluster.Stats) uint64 { return s.Stream.Holes })),
		ops.Counters("cluster_recoveries_total", "Clients that came back to a session, by what became of that.", "outcome",
			func() map[fanout.Outcome]uint64 { return a.cluster.Stats().Stream.Sessions.Outcomes }),
		ops.Gauge("cluster_sessions", "Sessions of this server's clients that Redis keeps for when they come back.",
			read(func(s cluster.Stats) uint64 { return uint64(s.Stream.Sessions.Kept) })),
		ops.Gauge("cluster_sessions_unsaved", "Those of them whose latest change Redis does not have yet.",
			read(func(s cluster.Stats) uint64 { return uint64(s.Stream.Sessions.Unsaved) })),
		ops.Gauge("cluster_stream_waiting", "Entries that wait to be written.",
			read(func(s cluster.Stats) uint64 { return uint64(s.Stream.Waiting) })),
		ops.Gauge("cluster_stream_waiting_bytes", "Bytes of what waits to be written, and of what waits behind it.",
			read(func(s cluster.Stats) uint64 { return uint64(s.Stream.WaitingBytes) })),
	}
}
