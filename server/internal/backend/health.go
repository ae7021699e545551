package backend

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// quiet is the least time between two lines about a backend that stays away.
const quiet = 10 * time.Second

type counts struct {
	requests, failed, timedOut, brokenOff, cancelled, upgraded atomic.Uint64
}

// health logs that the backend is away and that it is back: a line of each in ten seconds at most,
// since a client may know a request that the backend fails at.
type health struct {
	log    *slog.Logger
	target string

	said atomic.Bool // that it is away; for back, which is asked at each answer

	mu     sync.Mutex
	last   time.Time
	unsaid int
}

// away notes that a request got no answer.
func (h *health) away(err error) {
	if h.warn("the backend does not answer", err) {
		h.said.Store(true)
	}
}

// broke notes that an answer was not finished.
func (h *health) broke(err error) { h.warn("the backend broke off its answer", err) }

// back notes an answer.
func (h *health) back() {
	if h.said.Load() && h.said.CompareAndSwap(true, false) {
		h.log.Info("the backend answers again", "backend", h.target)
	}
}

func (h *health) warn(msg string, err error) bool {
	unsaid, ok := h.due(time.Now())
	if !ok {
		return false
	}
	args := []any{"backend", h.target, "error", short(err), "cause", CauseAway}
	if unsaid > 0 {
		args = append(args, "not_logged_before", unsaid)
	}
	h.log.Warn(msg, args...)
	return true
}

func (h *health) due(now time.Time) (unsaid int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.last) < quiet {
		h.unsaid++
		return 0, false
	}
	unsaid = h.unsaid
	h.last, h.unsaid = now, 0
	return unsaid, true
}

// short cuts what may hold a line of the backend's.
func short(err error) string {
	const most = 200
	text := err.Error()
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// What the log's lines name as their cause, for whoever knows the settings.
const (
	CauseAway         = "backend"       // it does not answer as it should
	CauseUnnamedProxy = "unnamed proxy" // a proxy in front that is not among the trusted
)
