package hipflask

import (
	"context"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/cluster/forward"
	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/extras"
	"hipflask/server/internal/ops"
)

// newForwarder makes the way to sessions of other servers, nil if there are none.
func (a *server) newForwarder() (*forward.Forwarder, error) {
	if a.cfg.MessageQueue == "" || a.cfg.ClusterURL == config.ClusterURLOff {
		return nil, nil
	}
	url, err := redislink.Parse(a.cfg.MessageQueue)
	if err != nil {
		return nil, err
	}
	most, each := a.capacity.Forwards()
	return forward.New(forward.Options{
		Redis:    url,
		Prefix:   a.cfg.ClusterPrefix,
		Name:     a.cfg.ServerID,
		URL:      a.cfg.ClusterURL,
		Timeout:  a.cfg.PingInterval + a.cfg.PingTimeout + a.cfg.ReadBodyTimeout,
		Stall:    a.cfg.ReadBodyTimeout,
		Most:     most,
		MostEach: each,
		Serve: func(w http.ResponseWriter, r *http.Request, what engineio.Forwarded) {
			a.view.ServeForwarded(w, r, what)
		},
		Logger: a.log,
	}), nil
}

// withOthers adds who has the sessions of other servers.
func (a *server) withOthers(e extras.Extras) extras.Extras {
	if a.forwarder != nil {
		e.Elsewhere, e.Alive, e.ServerID = a.forwarder.Serve, a.forwarder.Alive, a.forwarder.ID()
	}
	return e
}

// startForwarding tells the other servers where this one listens, nil where nobody knows.
func (a *server) startForwarding(ctx context.Context, own net.Addr) {
	if a.forwarder != nil {
		a.forwarder.Start(ctx, own, a.cfg.CertFile != "")
	}
}

// forwardMetrics count what is passed on, in both directions.
func (a *server) forwardMetrics() []prometheus.Collector {
	if a.forwarder == nil {
		return nil
	}
	return []prometheus.Collector{
		ops.Counters("cluster_forwarded_total", "Requests for sessions of other servers, by what became of them.", "result",
			a.forwarder.Passed),
		ops.Counters("cluster_forwarded_received_total", "Requests that other servers have passed on, as they say, by what became of them.", "result",
			a.forwarder.Received),
		ops.Gauge("cluster_forwarded_active", "Requests for sessions of other servers that are under way, WebSockets included.",
			func() float64 { return float64(a.forwarder.Active()) }),
	}
}
