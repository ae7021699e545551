package socketio

import (
	"time"

	"hipflask/server/internal/engineio"
)

// Stats is what a [Server] has counted since it began, and what it has now.
type Stats struct {
	engineio.Stats
	Waiting int64 // packets of all clients that came in and wait for handlers
}

// Stats counts; it looks at every session.
func (s *Server) Stats() Stats { return Stats{Stats: s.engine.Stats(), Waiting: s.waiting.Load()} }

// timed tells the observer how long an event took that began at start.
func (n *Namespace) timed(o *Observer, event string, start time.Time) {
	took := time.Since(start)
	o.Handled(n.name, n.registered(event), took)
}

// registered is the name that an event's handlers were registered under, empty
// without any.
func (n *Namespace) registered(event string) string {
	if isLifecycle(event) {
		return event
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	switch {
	case event != "*" && n.handlers[event] != nil:
		return event
	case n.handlers["*"] != nil:
		return "*"
	}
	return ""
}
