package ops

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/inspect"
)

// prefix is what the names of all our metrics begin with.
const prefix = "hipflask_"

// registry gathers the metrics with those of the Go runtime and the process.
func registry(metrics []prometheus.Collector) (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	all := append([]prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}, metrics...)
	var errs []error
	for _, c := range all {
		errs = append(errs, r.Register(c))
	}
	return r, errors.Join(errs...)
}

// Build tells which build runs.
func Build(version, goVersion string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        prefix + "build_info",
		Help:        "1; its labels say which build runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": goVersion},
	})
	g.Set(1)
	return g
}

// Counter is a counter that read returns the value of, which never falls. name is what follows the
// prefix hipflask_, and ends with _total.
func Counter(name, help string, read func() float64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: prefix + name, Help: help}, read)
}

// Counters are counters that differ in one label: read returns the value of each, which never
// falls. name is that of [Counter].
func Counters[Label ~string](name, help, label string, read func() map[Label]uint64) prometheus.Collector {
	return &counters[Label]{prometheus.NewDesc(prefix+name, help, []string{label}, nil), read}
}

type counters[Label ~string] struct {
	desc *prometheus.Desc
	read func() map[Label]uint64
}

func (c *counters[Label]) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

func (c *counters[Label]) Collect(to chan<- prometheus.Metric) {
	for label, n := range c.read() {
		to <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(n), string(label))
	}
}

// Gauge is a gauge that read returns the value of.
func Gauge(name, help string, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + name, Help: help}, read)
}

// sessions reads the Socket.IO server's counters.
type sessions struct {
	read func() inspect.Stats

	connections, opened, closed, upgrades, refusals, slow *prometheus.Desc
	messagesIn, messagesOut, bytesIn, bytesOut            *prometheus.Desc
	backlog, stalled, waiting                             *prometheus.Desc
}

// Sessions tells of sessions, their traffic and their queues.
func Sessions(read func() inspect.Stats) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prefix+name, help, labels, nil)
	}
	return &sessions{
		read:        read,
		connections: desc("connections", "Clients that are connected.", "transport", "protocol", "client"),
		opened:      desc("sessions_opened_total", "Sessions that began, by the transport they began with.", "transport", "protocol", "client"),
		closed:      desc("sessions_closed_total", "Sessions that ended, by reason.", "reason"),
		upgrades:    desc("upgrades_total", "WebSockets opened for sessions that polled, by what became of them.", "result"),
		refusals:    desc("refusals_total", "Requests and packets that were not accepted, and clients cut off for them, by cause.", "cause"),
		slow:        desc("slow_clients_dropped_total", "Clients dropped because their backlog was full."),
		messagesIn:  desc("messages_received_total", "Messages from clients: Socket.IO packets, each with its attachments, or plain WebSocket messages.", "client"),
		messagesOut: desc("messages_sent_total", "Messages to clients, counted as those from clients are.", "client"),
		bytesIn:     desc("received_bytes_total", "Bytes from clients: WebSocket frames and bodies of POSTs.", "client"),
		bytesOut:    desc("sent_bytes_total", "Bytes to clients: WebSocket frames and answers to polls.", "client"),
		backlog:     desc("send_queue_bytes", "Bytes that wait for clients."),
		stalled:     desc("stalled_clients", "Clients that read more slowly than they are written to, just now."),
		waiting:     desc("receive_queue_packets", "Packets from clients that wait for handlers."),
	}
}

// Describe lists the metrics.
func (s *sessions) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		s.connections, s.opened, s.closed, s.upgrades, s.refusals, s.slow,
		s.messagesIn, s.messagesOut, s.bytesIn, s.bytesOut, s.backlog, s.stalled, s.waiting,
	} {
		ch <- d
	}
}

// Collect reads the counters once for all metrics.
func (s *sessions) Collect(ch chan<- prometheus.Metric) {
	st := s.read()
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for k, n := range st.Sessions {
		gauge(s.connections, float64(n), labels(k)...)
	}
	for k, n := range st.Opened {
		count(s.opened, n, labels(k)...)
	}
	for r, n := range st.Closed {
		count(s.closed, n, string(r))
	}
	for cause, n := range st.Refused {
		if cause == engineio.CauseSlowClient {
			count(s.slow, n)
			continue
		}
		count(s.refusals, n, string(cause))
	}
	count(s.upgrades, st.UpgradesDone, "done")
	count(s.upgrades, st.UpgradesFailed, "failed")
	for client, t := range st.Traffic {
		count(s.messagesIn, t.MessagesIn, string(client))
		count(s.messagesOut, t.MessagesOut, string(client))
		count(s.bytesIn, t.BytesIn, string(client))
		count(s.bytesOut, t.BytesOut, string(client))
	}
	gauge(s.backlog, float64(st.Backlog))
	gauge(s.stalled, float64(st.Stalled))
	gauge(s.waiting, float64(st.Waiting))
}

func labels(k engineio.Kind) []string {
	return []string{k.Transport, k.ProtocolName(), string(k.Client())}
}
