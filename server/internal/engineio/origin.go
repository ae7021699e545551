package engineio

import (
	"net/http"
	"slices"
	"strings"
)

// OriginPolicy says which web origins may connect. A request without an Origin
// header does not come from a browser's page and is not held back. The zero
// value allows the server's own origin alone.
type OriginPolicy struct {
	Any         bool     // every origin
	List        []string // these, instead of the server's own
	Credentials bool     // browsers may send cookies along
}

// allows follows Flask-SocketIO: the server's own origin is scheme and Host, or
// what a proxy says they were in X-Forwarded-Proto and X-Forwarded-Host. A page
// cannot forge those: asking to set them makes a browser send a preflight first,
// which does not carry them and is refused here. So it does no harm to believe
// anybody; where proxies are named, only theirs are left by now (see Proxies).
func (p *OriginPolicy) allows(r *http.Request, origin string) bool {
	if p.Any {
		return true
	}
	if len(p.List) > 0 {
		return slices.Contains(p.List, origin)
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if origin == scheme+"://"+r.Host {
		return true
	}
	proto, host := firstOf(r, "X-Forwarded-Proto"), firstOf(r, "X-Forwarded-Host")
	if proto == "" && host == "" {
		return false
	}
	if proto == "" {
		proto = scheme
	}
	if host == "" {
		host = r.Host
	}
	return origin == proto+"://"+host
}

// firstOf is the first element of a comma-separated header.
func firstOf(r *http.Request, header string) string {
	first, _, _ := strings.Cut(r.Header.Get(header), ",")
	return strings.TrimSpace(first)
}

// admit checks the request's origin. It writes the CORS headers that go with
// every response to it, or the refusal.
func (srv *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	p, origin := &srv.cfg.Origins, r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !p.allows(r, origin) {
		srv.refusals.origin(r, origin)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`"Not an accepted origin."`))
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	if p.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "OPTIONS, GET, POST")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	return true
}
