package ops

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// checkTimeout is how long the readiness checks may take together: load balancers ask often and do
// not wait for long.
const checkTimeout = 2 * time.Second

// Check is something that the server needs to be of use, such as a Redis that was asked for.
type Check struct {
	Name string
	// Ready returns why it is not, in one line, before ctx ends. It may be called at any time, by
	// several goroutines.
	Ready func(ctx context.Context) error
}

// readiness reports whether clients should be sent here.
type readiness struct {
	started, draining atomic.Bool
	checks            []Check
}

// reason says why the server is not ready, empty if it is.
func (r *readiness) reason(ctx context.Context) string {
	switch {
	case r.draining.Load():
		return "draining"
	case !r.started.Load():
		return "starting"
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, c := range r.checks {
		if err := c.Ready(ctx); err != nil {
			return strings.Join(strings.Fields(fmt.Sprintf("%s: %v", c.Name, err)), " ")
		}
	}
	return ""
}

func (r *readiness) serve(w http.ResponseWriter, req *http.Request) {
	reason := r.reason(req.Context())
	if reason == "" {
		answer(w, http.StatusOK, "ready")
		return
	}
	answer(w, http.StatusServiceUnavailable, reason)
}

// healthz answers as long as the process can.
func healthz(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") }

func answer(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, line)
}
