// Package origin decides which web pages may talk to the server, and by which names the server may
// be called. It reads what browsers say of a page (Origin, Sec-Fetch-Site, Referer), which no page
// can forge, and the Host of a request. What is no browser says none of this and is not held back:
// it protects the visitors of hostile pages, and nothing else.
package origin

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Policy says which web pages may talk to the server. The zero value takes those of the server's
// own origin alone.
type Policy struct {
	Any         bool     // pages of every origin
	List        []string // pages of these beside the server's own; each is what [Parse] returns
	Hosts       Hosts    // the names that the server's own origin may have
	Credentials bool     // pages of other origins may send cookies along
}

// allows reports whether a page of the origin may make the request: the origin is in the list, or
// the server's own.
func (p *Policy) allows(r *http.Request, origin string) bool {
	return p.Any || slices.ContainsFunc(p.List, func(pattern string) bool { return matches(pattern, origin) }) || p.own(r, origin)
}

// Admits reports whether a request that opens a session or belongs to one, or reads what operators
// look at, may be made. With an Origin that decides. Without one a browser asks for a page of the
// same origin, or for the scripts, images, frames and links of any page, and says which in
// Sec-Fetch-Site; of what comes from another site, only a page whose Referer is allowed may ask.
//
// To addresses without TLS that are not local browsers send no Sec-Fetch-Site. A script is then all
// that a page could read an answer by: jsonp says that the answer will be one, and that takes an
// allowed Referer. Anything else goes on, as what is no browser does.
func (p *Policy) Admits(r *http.Request, jsonp bool) bool {
	if p.Any {
		return true
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		return p.allows(r, origin)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none": // none: the user asked, by the address bar or a bookmark
		return true
	case "":
		return !jsonp || p.refers(r)
	}
	return p.refers(r)
}

// refers reports whether the request's Referer is a page that is allowed. A page can hold its
// Referer back, but not change it to another origin's.
func (p *Policy) refers(r *http.Request) bool {
	from := Referer(r)
	return from != "" && p.allows(r, from)
}

// Referer is the origin of the page that a request's Referer names, empty for none.
func Referer(r *http.Request) string {
	scheme, rest, ok := strings.Cut(r.Header.Get("Referer"), "://")
	if !ok || rest == "" {
		return ""
	}
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}

// IsNavigation reports whether a browser asks for a whole page, such as by a link. No page can read
// what another one's link led to.
func IsNavigation(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// own reports whether the origin is the server's own: scheme and Host, or what a proxy says they
// were in X-Forwarded-Proto and X-Forwarded-Host, as Flask-SocketIO has it. A page cannot forge
// those: asking to set them makes a browser send a preflight first, which does not carry them and
// is refused. So it does no harm to believe anybody. Where proxies are named, the caller has
// removed what others claimed.
func (p *Policy) own(r *http.Request, origin string) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if p.is(origin, scheme, r.Host) {
		return true
	}
	proto, host := firstOf(r, "X-Forwarded-Proto"), firstOf(r, ForwardedHost)
	if proto == "" && host == "" {
		return false
	}
	return p.is(origin, cmp.Or(proto, scheme), cmp.Or(host, r.Host))
}

// is reports whether the origin is the server's at this scheme and host. Programs name the
// WebSocket's URL as their origin; no page can have such a one.
func (p *Policy) is(origin, scheme, host string) bool {
	s, h, ok := strings.Cut(origin, "://")
	return ok && h != "" && h == host && (s == scheme || s == "ws" || s == "wss") && p.Hosts.Allow(host)
}

// firstOf is the first element of a comma-separated header.
func firstOf(r *http.Request, header string) string {
	first, _, _ := strings.Cut(r.Header.Get(header), ",")
	return strings.TrimSpace(first)
}
