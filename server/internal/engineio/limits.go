package engineio

import (
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

	"hipflask/server/internal/address"
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
	if webSocket && g.noFileLeft() {
		return nil, g.noFile()
	}
	p := g.place(remote)
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
	if g.noFileLeft() {
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

// noFileLeft reports whether one WebSocket more would be too many. The mutex is held.
func (g *gate) noFileLeft() bool { return g.bounds.WebSockets > 0 && g.sockets >= g.bounds.WebSockets }

func (g *gate) noFile() *refusal {
	return &refusal{CauseConnections, http.StatusServiceUnavailable, "Too many connections", "--max-connections", g.bounds.WebSockets,
		"each WebSocket is an open file: raise the limit on those"}
}

// place finds an address's count, or makes one; nil if nobody counts. All that have no
// address, on a Unix socket, are one.
func (g *gate) place(remote string) *place {
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

// tooMany logs and answers a handshake over a limit.
func (srv *Server) tooMany(w http.ResponseWriter, r *http.Request, no *refusal) {
	args := []any{"limit", no.limit, "setting", no.setting, "address", remote(r)}
	if no.hint != "" {
		args = append(args, "hint", no.hint)
	}
	srv.refusals.warn(no.cause, "client refused: one too many", args...)
	turnAway(w, no.status, no.message)
}

// Warn logs something that was not accepted before it came to a session, and counts it.
// A flood of one cause is cut short.
func (srv *Server) Warn(cause Cause, msg string, args ...any) { srv.refusals.warn(cause, msg, args...) }

// retryAfter is how many seconds a client that was turned away is told to wait.
const retryAfter = "1"

// turnAway answers a client that may come again later. The code is the official
// server's for what an application refuses.
func turnAway(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Retry-After", retryAfter)
	writeRefusal(w, status, codeForbidden, message)
}
