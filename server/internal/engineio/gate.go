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

// gate counts sessions and refuses those that are too many.
type gate struct {
	bounds Bounds
	pace   *rate.Limiter // of handshakes; nil without a limit

	mu      locks.Gate
	inside  int
	sockets int // of them, WebSockets, and those that sessions are about to go over to
	places  map[netip.Addr]*place
}

// place counts the sessions of one address.
type place struct {
	addr     netip.Addr
	sessions int
}

func newGate(b Bounds) *gate {
	g := &gate{bounds: b, places: make(map[netip.Addr]*place)}
	if b.Handshakes > 0 {
		// What comes within a second may come at once.
		g.pace = rate.NewLimiter(rate.Limit(b.Handshakes), b.Handshakes)
	}
	return g
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
func (g *gate) enter(remote string, webSocket bool) (*place, *refusal) {
	b := g.bounds
	g.mu.Lock()
	defer g.mu.Unlock()
	if b.Connections > 0 && g.inside >= b.Connections {
		return nil, &refusal{CauseConnections, "", b.Connections, http.StatusServiceUnavailable, "Too many connections"}
	}
	if webSocket && g.noFileLeftLocked() {
		return nil, g.noFile()
	}
	p := g.placeLocked(remote)
	if p != nil && p.sessions >= b.ConnectionsPerAddress {
		return nil, &refusal{CauseAddress, "", b.ConnectionsPerAddress, http.StatusTooManyRequests, "Too many connections from this address"}
	}
	if g.pace != nil && !g.pace.Allow() {
		return nil, &refusal{CauseHandshakeRate, "", b.Handshakes, http.StatusServiceUnavailable, "Too many new connections"}
	}
	g.inside++
	if webSocket {
		g.sockets++
	}
	if p != nil {
		p.sessions++
		g.places[p.addr] = p
	}
	return p, nil
}

// upgrade counts the WebSocket of a session that polls in, until the session leaves with
// it or giveUp, unless that is refused.
func (g *gate) upgrade() *refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.noFileLeftLocked() {
		return g.noFile()
	}
	g.sockets++
	return nil
}

// giveUp counts a WebSocket out that did not become its session's transport.
func (g *gate) giveUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sockets--
}

// noFileLeftLocked reports whether one WebSocket more would be too many.
func (g *gate) noFileLeftLocked() bool {
	return g.bounds.WebSockets > 0 && g.sockets >= g.bounds.WebSockets
}

func (g *gate) noFile() *refusal {
	return &refusal{CauseConnections, BoundWebSockets, g.bounds.WebSockets, http.StatusServiceUnavailable, "Too many connections"}
}

// placeLocked finds an address's count, or makes one; nil if nobody counts. All that have no
// address, on a Unix socket, are one.
func (g *gate) placeLocked(remote string) *place {
	if g.bounds.ConnectionsPerAddress == 0 {
		return nil
	}
	addr, _ := address.Parse(remote)
	addr = address.Place(addr)
	if p := g.places[addr]; p != nil {
		return p
	}
	return &place{addr: addr}
}

// leave counts a session out.
func (g *gate) leave(p *place, webSocket bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if webSocket {
		g.sockets--
	}
	if p == nil {
		return
	}
	if p.sessions--; p.sessions == 0 {
		delete(g.places, p.addr)
	}
}
