package backend

import (
	"net/http"
	"net/http/httputil"
	"strings"

	"hipflask/server/internal/address"
)

const (
	forwardedFor   = "X-Forwarded-For"
	forwardedHost  = "X-Forwarded-Host"
	forwardedProto = "X-Forwarded-Proto"

	// loopHeader carries a word of this process, by which a request that comes back from
	// the backend is known: it would else be passed on without end.
	loopHeader = "Hipflask-Loop"
)

// rewrite makes the request that the backend gets.
func (b *Backend) rewrite(p *httputil.ProxyRequest) {
	in, out := p.In, p.Out
	out.URL.Scheme, out.URL.Host = b.target.scheme, b.target.host
	if b.target.socket != "" {
		out.URL.Host = "unix" // what connections are kept under; the socket is dialled
	}
	out.URL.User = nil
	out.Host = in.Host
	setPath(out, in.RequestURI)
	clean(out.Header)
	b.forward(out.Header, in)
	out.Header.Add(loopHeader, b.mark) // beside those of other servers on the way
}

// setPath has the request line name what was asked for, byte for byte and without a host.
func setPath(out *http.Request, uri string) {
	path, query, asks := strings.Cut(uri, "?")
	if !strings.HasPrefix(path, "/") { // the absolute form, or a request made by hand
		path = out.URL.EscapedPath()
		if path == "" {
			path = "/"
		}
		query, asks = out.URL.RawQuery, out.URL.ForceQuery
	}
	out.URL.RawQuery, out.URL.ForceQuery = query, asks
	if !strings.HasPrefix(path, "//") {
		// Path alone would be written in our own spelling where its own is unusual.
		out.URL.Opaque = path
		return
	}
	out.URL.Opaque = "" // two slashes there would be taken for a host; Path says the same
}

// clean drops what a client could say of itself in another's name. Of the X-Forwarded
// headers Flask's ProxyFix and gunicorn believe more than the three that are replaced. To
// WSGI a header with an underscore is the same as one with a hyphen, so one of those
// could take another's place; nginx drops all of them too.
func clean(h http.Header) {
	for name := range h {
		if strings.Contains(name, "_") || strings.HasPrefix(name, "X-Forwarded") || name == "Forwarded" || name == "X-Real-Ip" {
			delete(h, name)
		}
	}
}

// forward says where the request came from: what a trusted proxy says, with its own
// address added, or what is known of anybody else.
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

// noteUnnamedProxy logs once that somebody near seems to be a proxy that is not named:
// behind it the application would take https for http.
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
	for _, said := range r.Header.Values(loopHeader) {
		if strings.Contains(said, mark) {
			return true
		}
	}
	return false
}

// passable leaves out what has no path: CONNECT, and the asterisk.
func passable(r *http.Request) bool {
	return r.Method != http.MethodConnect && (strings.HasPrefix(r.URL.Path, "/") || r.URL.Path == "" && r.URL.Host != "")
}

// withoutUpgrade returns the request without a wish for another protocol than WebSocket:
// HTTP/2 would let requests pass that nobody has looked at.
func withoutUpgrade(r *http.Request) *http.Request {
	if wish := r.Header.Get("Upgrade"); wish == "" || strings.EqualFold(wish, "websocket") {
		return r
	}
	out := new(http.Request)
	*out = *r
	out.Header = r.Header.Clone()
	out.Header.Del("Upgrade")
	return out
}
