package engineio

import (
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// Bounds are limits over all clients, and on the rate of each. 0 is no limit.
type Bounds struct {
	Connections           int // sessions at one time (--max-connections)
	WebSockets            int // of them, on WebSockets, each of which holds a file as long as it lasts
	ConnectionsPerAddress int // of them, from one address (--max-connections-per-address)
	Handshakes            int // new sessions a second (--max-handshakes-per-second)
	Messages              int // of one client a second (--max-messages-per-second)
	Bytes                 int // of one client a second (--max-bytes-per-second)
}

// gate counts sessions and refuses those that are too many.
type gate struct {
	bounds Bounds
	pace   *rate.Limiter // of handshakes; nil without a limit

	mu      sync.Mutex
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
	status  int
	message string // for the client
	setting string // for the log, and its value
	limit   int
	hint    string // for the log; may be empty
}

// enter counts a session from this address in, until leave, unless that is refused.
func (g *gate) enter(remote string, webSocket bool) (*place, *refusal) {
	b := g.bounds
	g.mu.Lock()
	defer g.mu.Unlock()
	if b.Connections > 0 && g.inside >= b.Connections {
		return nil, &refusal{CauseConnections, http.StatusServiceUnavailable, "Too many connections", "--max-connections", b.Connections, ""}
	}
	if webSocket && g.noFileLeftLocked() {
		return nil, g.noFile()
	}
	p := g.placeLocked(remote)
	if p != nil && p.sessions >= b.ConnectionsPerAddress {
		return nil, &refusal{CauseAddress, http.StatusTooManyRequests, "Too many connections from this address",
			"--max-connections-per-address", b.ConnectionsPerAddress,
			"behind a proxy every client has the proxy's address, unless --trusted-proxies names it"}
	}
	if g.pace != nil && !g.pace.Allow() {
		return nil, &refusal{CauseHandshakeRate, http.StatusServiceUnavailable, "Too many new connections",
			"--max-handshakes-per-second", b.Handshakes, ""}
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
	return &refusal{CauseConnections, http.StatusServiceUnavailable, "Too many connections", "--max-connections", g.bounds.WebSockets,
		"each WebSocket is an open file: raise the limit on those"}
}

// placeLocked finds an address's count, or makes one; nil if nobody counts. Whoever has one
// address of IPv6 has its /64. All that have none, on a Unix socket, are one.
func (g *gate) placeLocked(remote string) *place {
	if g.bounds.ConnectionsPerAddress == 0 {
		return nil
	}
	addr, _ := parseAddress(remote)
	if addr.Is6() {
		network, _ := addr.Prefix(64) // never fails for IPv6
		addr = network.Addr()
	}
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
