package ops

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hipflask/server/internal/inspect"
)

// other stands for events that no handler was registered for by name.
const other = "other"

// Handlers measures handlers: what the observer sees of them.
type Handlers struct {
	took   *prometheus.HistogramVec
	failed *prometheus.CounterVec

	mu   sync.RWMutex
	seen map[event]meters
}

type event struct{ namespace, name string }

type meters struct {
	took           prometheus.Observer
	errors, panics prometheus.Counter
}

// NewHandlers measures nothing yet, see [Handlers.Observe].
func NewHandlers() *Handlers {
	return &Handlers{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    prefix + "handler_duration_seconds",
			Help:    "Time that handlers took, middleware included, by namespace and event.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 10},
		}, []string{"namespace", "event"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "handler_failures_total",
			Help: "Events that failed: their handler returned an error or panicked, or their arguments did not fit.",
		}, []string{"namespace", "event", "kind"}),
		seen: make(map[event]meters),
	}
}

// Observe has what handlers take measured in the server that is made with the hooks.
func (h *Handlers) Observe(hooks *inspect.Hooks) {
	hooks.Handled = func(namespace, name string, took time.Duration) {
		h.of(namespace, name).took.Observe(took.Seconds())
	}
	hooks.Failed = func(namespace, name string, panicked bool) {
		m := h.of(namespace, name)
		if panicked {
			m.panics.Inc()
			return
		}
		m.errors.Inc()
	}
}

// of finds an event's meters. There are as many as handlers were registered.
func (h *Handlers) of(namespace, name string) meters {
	if name == "" || name == "*" {
		name = other
	}
	key := event{namespace, name}
	h.mu.RLock()
	m, ok := h.seen[key]
	h.mu.RUnlock()
	if ok {
		return m
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m = meters{
		took:   h.took.WithLabelValues(namespace, name),
		errors: h.failed.WithLabelValues(namespace, name, "error"),
		panics: h.failed.WithLabelValues(namespace, name, "panic"),
	}
	h.seen[key] = m
	return m
}

// Describe lists the metrics.
func (h *Handlers) Describe(ch chan<- *prometheus.Desc) {
	h.took.Describe(ch)
	h.failed.Describe(ch)
}

// Collect passes on what was measured.
func (h *Handlers) Collect(ch chan<- prometheus.Metric) {
	h.took.Collect(ch)
	h.failed.Collect(ch)
}
