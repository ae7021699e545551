package backend

import (
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"hipflask/server/internal/address"
)

const (
	forwardedFor   = "X-Forwarded-For"
	forwardedHost  = "X-Forwarded-Host"
	forwardedProto = "X-Forwarded-Proto"

	// loopHeader carries a word of this process, by which a request that comes back from the
	// backend is known: it would else be passed on without end.
	loopHeader = "Hipflask-Loop"
)

// rewrite makes the request that the backend gets.
func (b *Backend) rewrite(p *httputil.ProxyRequest) {
	b.counts.requests.Add(1)
	in, out := p.In, p.Out
	b.target.Aim(p)
	clean(out.Header)
	b.forward(out.Header, in)
	out.Header.Add(loopHeader, b.mark) // beside those of other servers on the way
}

// clean drops what a client could say of itself in another's name. Of the X-Forwarded headers
// Flask's ProxyFix and gunicorn believe more than the three that are replaced. To WSGI a header
// with an underscore is the same as one with a hyphen, so one of those could take another's place;
// nginx drops all of them too.
func clean(h http.Header) {
	for name := range h {
		if strings.Contains(name, "_") || strings.HasPrefix(name, "X-Forwarded") || name == "Forwarded" || name == "X-Real-Ip" {
			delete(h, name)
		}
	}
}

// forward says where the request came from: what a trusted proxy says, with its own address added,
// or what is known of anybody else.
func (b *Backend) forward(h http.Header, in *http.Request) {
	var hops []string
	proto, host := "http", in.Host
	if in.TLS != nil {
		proto = "https"
	}
	if b.trusted(in) {
		hops = in.Header.Values(forwardedFor)
		if said := in.Header.Values(forwardedProto); len(said) > 0 {
			proto = strings.Join(said, ", ")
		}
		if said := in.Header.Values(forwardedHost); len(said) > 0 {
			host = strings.Join(said, ", ")
		}
	}
	if peer, ok := address.Parse(in.RemoteAddr); ok {
		hops = append(hops[:len(hops):len(hops)], peer.String())
	}
	if len(hops) > 0 {
		h.Set(forwardedFor, strings.Join(hops, ", "))
	}
	h.Set(forwardedProto, proto)
	h.Set(forwardedHost, host)
}

// noteUnnamedProxy logs once that somebody near seems to be a proxy that is not named: behind it
// the application would take https for http.
func (b *Backend) noteUnnamedProxy(r *http.Request) {
	if len(r.Header.Values(forwardedProto)) == 0 || b.trusted(r) {
		return
	}
	peer, ok := address.Parse(r.RemoteAddr)
	if ok && !peer.IsLoopback() && !peer.IsPrivate() && !peer.IsLinkLocalUnicast() {
		return
	}
	b.unnamed.Do(func() {
		b.log.Warn("X-Forwarded-Proto is not passed on to the backend: its sender is not among the trusted proxies",
			"address", r.RemoteAddr, "cause", CauseUnnamedProxy)
	})
}

func loops(r *http.Request, mark string) bool {
	return slices.ContainsFunc(r.Header.Values(loopHeader), func(said string) bool { return strings.Contains(said, mark) })
}

// passable leaves out what has no path: CONNECT, and the asterisk.
func passable(r *http.Request) bool {
	return r.Method != http.MethodConnect && (strings.HasPrefix(r.URL.Path, "/") || r.URL.Path == "" && r.URL.Host != "")
}
