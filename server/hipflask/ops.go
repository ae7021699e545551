package hipflask

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/inspect"
	"hipflask/server/internal/ops"
)

// observeHandlers has handlers measured, where somebody can see it.
func observeHandlers(measured bool, door *inspect.Door) *ops.Handlers {
	h := ops.NewHandlers()
	if measured {
		h.Observe(door)
	}
	return h
}

// operations wires what operators look at: what has something to count, and what the
// server cannot do without, is listed here.
func (a *server) operations(handled *ops.Handlers) (*ops.Server, error) {
	return ops.New(ops.Options{
		Address: a.cfg.OpsAddr,
		Pprof:   a.cfg.OpsPprof,
		Logger:  a.log,
		Metrics: append([]prometheus.Collector{ops.Build(build(), runtime.Version()), ops.Sessions(a.door.Stats), handled}, a.clusterMetrics()...),
		Checks:  a.clusterChecks(),
	})
}

// build is the version and the commit, as far as the build recorded them.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v
}
