package engineio

import (
	"net/http"
	"net/url"

	"hipflask/server/internal/origin"
	"hipflask/server/internal/websocket"
)

// admit checks which page a request comes from, see [origin.Policy]. It writes the CORS headers
// that go with every response to it, or the refusal. Without an Origin that concerns requests that
// can open a session or belong to one, and no others.
func (srv *Server) admit(w http.ResponseWriter, r *http.Request, q url.Values) bool {
	p, from := &srv.cfg.Origins, r.Header.Get("Origin")
	if from == "" && !websocket.IsUpgrade(r) && !q.Has("transport") && !q.Has("sid") && !q.Has("j") {
		return true
	}
	if !p.Admits(r, q.Has("j")) {
		srv.refuseOrigin(w, r)
		return false
	}
	if from == "" {
		return true
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", from)
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

// refuseOrigin answers as Flask-SocketIO does.
func (srv *Server) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	srv.refusals.origin(r)
	refusePlainly(w, `"Not an accepted origin."`)
}

func refusePlainly(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(body))
}

// AdmitHost checks by which name the server was called, of a request that is for any of its paths
// and was not located yet. It writes the refusal.
func (srv *Server) AdmitHost(w http.ResponseWriter, r *http.Request) bool {
	return srv.admitHost(w, r, srv.cfg.Origins.Hosts.Allow)
}

// AdmitOps checks a request for what operators look at. Its address is not for the public, so names
// that anybody can own are refused unless they are listed; and as no CORS headers are sent there,
// only a link may come from another site.
func (srv *Server) AdmitOps(w http.ResponseWriter, r *http.Request) bool {
	if !srv.admitHost(w, r, srv.cfg.Origins.Hosts.AllowLocal) {
		return false
	}
	srv.cfg.Proxies.locate(r)
	link := r.Header.Get("Origin") == "" && origin.IsNavigation(r)
	if !link && !srv.cfg.Origins.Admits(r, false) {
		srv.refuseOrigin(w, r)
		return false
	}
	return true
}

func (srv *Server) admitHost(w http.ResponseWriter, r *http.Request, allowed func(string) bool) bool {
	host := srv.cfg.Proxies.host(r)
	if allowed(host) {
		return true
	}
	srv.cfg.Proxies.locate(r)
	srv.refusals.host(r, host)
	refusePlainly(w, `"Not an accepted host."`)
	return false
}
