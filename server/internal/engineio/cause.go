package engineio

import (
	"log/slog"
	"sync"
	"time"
)

// Cause names a reason for which something that a client did is not accepted, or a
// client given up.
type Cause string

// The causes. Metrics count by them, and each has its share of the log.
const (
	CauseOrigin         Cause = "origin"           // a page that may not connect
	CauseTransport      Cause = "transport"        // none that is served
	CauseProtocol       Cause = "protocol version" // neither 3 nor 4
	CauseSession        Cause = "unknown session"  // a sid that is not there
	CauseLateSession    Cause = "late session"     // a sid that a ping timeout ended, whose client goes on
	CauseRequest        Cause = "bad request"      // of another kind
	CausePath           Cause = "path"             // a Socket.IO client where none is served
	CausePlainPath      Cause = "plain path"       // a plain WebSocket where none is served
	CauseHandshake      Cause = "handshake"        // a WebSocket handshake that is none
	CauseUnread         Cause = "unread handshake" // a WebSocket whose client does not read the 101
	CauseBlockedUpgrade Cause = "blocked upgrade"  // a WebSocket's request without its Upgrade header
	CauseStuckUpgrade   Cause = "stuck upgrade"    // a WebSocket on which nothing came through
	CauseSlowClient     Cause = "slow client"      // its backlog is full
	CauseMessageSize    Cause = "message size"     // beyond the limit
	CauseFrame          Cause = "websocket rule"   // broken by a frame
	CausePacket         Cause = "broken packet"    // of Engine.IO, or beyond a limit of Socket.IO's
	CauseMalformed      Cause = "malformed packet" // of Socket.IO, ignored
	CauseNoConnect      Cause = "no connect"       // a session that connected to no namespace in time
	CauseDraining       Cause = "shutting down"    // a client that came while the server goes down
	CauseConnections    Cause = "connections"      // one client too many
	CauseAddress        Cause = "address"          // one too many of its address
	CauseHandshakeRate  Cause = "handshake rate"   // too many clients in a second
	CauseRate           Cause = "client rate"      // a client held back because it sends too much
)

// causes lists them, so that each is counted from 0 on.
func causes() []Cause {
	return []Cause{CauseOrigin, CauseTransport, CauseProtocol, CauseSession, CauseLateSession, CauseRequest, CausePath,
		CausePlainPath, CauseHandshake, CauseUnread, CauseBlockedUpgrade, CauseStuckUpgrade, CauseSlowClient, CauseMessageSize,
		CauseFrame, CausePacket, CauseMalformed, CauseNoConnect, CauseDraining,
		CauseConnections, CauseAddress, CauseHandshakeRate, CauseRate}
}

// refusalsPerCause is how many refusals of one cause are logged within a second.
const refusalsPerCause = 5

// refusals logs what was refused and why, with the setting that would allow it. A
// flood of one cause is cut to a few lines a second and a count.
type refusals struct {
	log *slog.Logger
	cfg *Config

	mu     sync.Mutex
	causes map[Cause]*cause
}

type cause struct {
	total      uint64
	since      time.Time
	logged     int
	suppressed int
}

// warn logs unless the cause has had its share of this second.
func (r *refusals) warn(cause Cause, msg string, args ...any) {
	suppressed, ok := r.allow(cause, time.Now())
	if !ok {
		return
	}
	if suppressed > 0 {
		args = append(args, "not_logged_before", suppressed)
	}
	r.log.Warn(msg, args...)
}

func (r *refusals) allow(name Cause, now time.Time) (suppressed int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.add(name)
	if now.Sub(c.since) >= time.Second {
		suppressed = c.suppressed
		c.since, c.logged, c.suppressed = now, 0, 0
	}
	if c.logged >= refusalsPerCause {
		c.suppressed++
		return 0, false
	}
	c.logged++
	return suppressed, true
}

// add counts. The mutex is held.
func (r *refusals) add(name Cause) *cause {
	if r.causes == nil {
		r.causes = make(map[Cause]*cause)
	}
	c := r.causes[name]
	if c == nil {
		c = &cause{}
		r.causes[name] = c
	}
	c.total++
	return c
}

// count counts what is no news.
func (r *refusals) count(name Cause) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(name)
}

// counts says how often there was each cause.
func (r *refusals) counts() map[Cause]uint64 {
	all := make(map[Cause]uint64)
	for _, name := range causes() {
		all[name] = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, c := range r.causes {
		all[name] = c.total
	}
	return all
}
