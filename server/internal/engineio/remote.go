package engineio

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"hipflask/server/internal/address"
	"hipflask/server/internal/origin"
)

// Proxies are the proxies that are trusted to name a client's address. The zero value trusts none.
type Proxies struct {
	Networks   []netip.Prefix
	UnixSocket bool // whoever connects to a Unix socket
}

// forwardedFor is the header in which nginx, HAProxy, Caddy and the load balancers of clouds say
// whom they speak for. Believing another one as well (Forwarded, X-Real-IP) would be believing the
// client, whose header such a proxy passes on.
const forwardedFor = "X-Forwarded-For"

func forwardedHeaders() []string {
	return []string{forwardedFor, origin.ForwardedHost, "X-Forwarded-Proto"}
}

// locate makes r.RemoteAddr the client's address. Where proxies are named, what anybody else claims
// in their headers is removed, so that nobody can believe it.
func (p *Proxies) locate(r *http.Request) {
	if len(p.Networks) == 0 && !p.UnixSocket {
		return
	}
	if !p.speaksFor(r) {
		for _, name := range forwardedHeaders() {
			r.Header.Del(name)
		}
		return
	}
	if client := p.client(r.Header.Values(forwardedFor)); client != "" {
		r.RemoteAddr = client
	}
}

// speaksFor reports whether a proxy that is trusted made the request, which has not been located
// yet.
func (p *Proxies) speaksFor(r *http.Request) bool {
	peer, isIP := address.Parse(r.RemoteAddr)
	return isIP && p.trusts(peer) || !isIP && p.UnixSocket
}

// host is the Host that the client asked for, by the word of a trusted proxy if that says so in
// X-Forwarded-Host. r has not been located yet.
func (p *Proxies) host(r *http.Request) string {
	if said := r.Header.Values(origin.ForwardedHost); len(said) > 0 && p.speaksFor(r) {
		return strings.Join(said, ",")
	}
	return r.Host
}

// client is the last address in the list that is no proxy's: the proxies appended it and those
// behind it, and whatever stands before it anybody may have written. If all are proxies', it is the
// first one. A list that ends with something else than an address names no client.
func (p *Proxies) client(values []string) string {
	hops := strings.Split(strings.Join(values, ","), ",")
	client := ""
	for i := len(hops) - 1; i >= 0; i-- {
		addr, ok := address.Parse(hops[i])
		if !ok {
			return client
		}
		client = addr.String()
		if _, port, err := net.SplitHostPort(strings.TrimSpace(hops[i])); err == nil && port != "" {
			client = net.JoinHostPort(client, port)
		}
		if !p.trusts(addr) {
			return client
		}
	}
	return client
}

func (p *Proxies) trusts(addr netip.Addr) bool {
	for _, n := range p.Networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
