package hipflask

import (
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/ops"
)

// operations wires what operators look at: what has something to count, and what the server cannot
// do without, is listed here.
func (a *server) operations(handled *ops.Handlers) (*ops.Server, error) {
	return ops.New(ops.Options{
		Address: a.cfg.OpsAddr,
		Pprof:   a.cfg.OpsPprof,
		Admit:   a.view.AdmitOps,
		Logger:  a.log,
		Metrics: slices.Concat([]prometheus.Collector{ops.Build(build(), runtime.Version()), ops.Sessions(a.view.Stats), handled},
			a.limitMetrics(), a.backendMetrics(), a.clusterMetrics(), a.forwardMetrics(), a.adminMetrics()),
		Checks: a.clusterChecks(),
	})
}

// limitMetrics tell how near all clients together are to their limits.
func (a *server) limitMetrics() []prometheus.Collector {
	return []prometheus.Collector{
		ops.Gauge("client_memory_bytes", "Memory that all clients together hold, see --max-memory-for-clients.",
			func() float64 { return float64(a.memory.Used()) }),
		ops.Gauge("client_memory_limit_bytes", "What they may hold; 0 for no limit.",
			func() float64 { return float64(a.memory.Limit()) }),
		ops.Gauge("open_connections", "TCP connections, whether they are clients' or not, see --max-open-connections.",
			func() float64 { return float64(a.conns.Open()) }),
	}
}
