package engineio

import (
	"net/http"
	"net/netip"

	"golang.org/x/time/rate"

	"hipflask/server/internal/address"
	"hipflask/server/internal/locks"
)

// Bounds are limits over all clients, and on the rate of each. 0 is no limit.
type Bounds struct {
	Connections           int // sessions at one time
	WebSockets            int // of them, on WebSockets, each of which holds a file as long as it lasts
	ConnectionsPerAddress int // of them, from one address
	Handshakes            int // new sessions a second
	Messages              int // of one client a second
	Bytes                 int // of one client a second
}

// admission counts sessions, all and those of each address, and refuses those that are too many.
type admission struct {
	bounds Bounds
	pace   *rate.Limiter // of handshakes; nil without a limit

	mu       locks.Admission
	sessions int
	sockets  int // of them, WebSockets, and those that sessions are about to go over to
	counts   map[netip.Addr]*addressCount
}

// addressCount counts the sessions of one address.
type addressCount struct {
	addr     netip.Addr
	sessions int
}

func newAdmission(b Bounds) *admission {
	a := &admission{bounds: b, counts: make(map[netip.Addr]*addressCount)}
	if b.Handshakes > 0 {
		// What comes within a second may come at once.
		a.pace = rate.NewLimiter(rate.Limit(b.Handshakes), b.Handshakes)
	}
	return a
}

// refusal is the answer to a client that is one too many.
type refusal struct {
	cause   Cause
	bound   string // of the cause; may be empty
	limit   int    // its value
	status  int
	message string // for the client
}

// enter counts a session from this address in, until leave, unless that is refused.
func (a *admission) enter(remote string, webSocket bool) (*addressCount, *refusal) {
	b := a.bounds
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.Connections > 0 && a.sessions >= b.Connections {
		return nil, &refusal{CauseConnections, "", b.Connections, http.StatusServiceUnavailable, "Too many connections"}
	}
	if webSocket && a.noFileLeftLocked() {
		return nil, a.noFile()
	}
	c := a.countLocked(remote)
	if c != nil && c.sessions >= b.ConnectionsPerAddress {
		return nil, &refusal{CauseAddress, "", b.ConnectionsPerAddress, http.StatusTooManyRequests, "Too many connections from this address"}
	}
	if a.pace != nil && !a.pace.Allow() {
		return nil, &refusal{CauseHandshakeRate, "", b.Handshakes, http.StatusServiceUnavailable, "Too many new connections"}
	}
	a.sessions++
	if webSocket {
		a.sockets++
	}
	if c != nil {
		c.sessions++
		a.counts[c.addr] = c
	}
	return c, nil
}

// upgrade counts the WebSocket of a session that polls in, until the session leaves with it or
// giveUp, unless that is refused.
func (a *admission) upgrade() *refusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.noFileLeftLocked() {
		return a.noFile()
	}
	a.sockets++
	return nil
}

// giveUp counts a WebSocket out that did not become its session's transport.
func (a *admission) giveUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sockets--
}

// noFileLeftLocked reports whether one WebSocket more would be too many.
func (a *admission) noFileLeftLocked() bool {
	return a.bounds.WebSockets > 0 && a.sockets >= a.bounds.WebSockets
}

func (a *admission) noFile() *refusal {
	return &refusal{CauseConnections, BoundWebSockets, a.bounds.WebSockets, http.StatusServiceUnavailable, "Too many connections"}
}

// countLocked finds an address's count, or makes one; nil without a limit on it. All that have no
// address, on a Unix socket, are one.
func (a *admission) countLocked(remote string) *addressCount {
	if a.bounds.ConnectionsPerAddress == 0 {
		return nil
	}
	addr, _ := address.Parse(remote)
	addr = address.Client(addr)
	if c := a.counts[addr]; c != nil {
		return c
	}
	return &addressCount{addr: addr}
}

// leave counts a session out.
func (a *admission) leave(c *addressCount, webSocket bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions--
	if webSocket {
		a.sockets--
	}
	if c == nil {
		return
	}
	if c.sessions--; c.sessions == 0 {
		delete(a.counts, c.addr)
	}
}
