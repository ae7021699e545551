package engineio

import (
	"net/http"
	"net/url"
	"strings"

	"hipflask/server/internal/sparse"
	"hipflask/server/internal/websocket"
)

// ServeHTTP serves the Engine.IO endpoint: polling, and the opening of WebSockets. Its checks come
// in the official server's order.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	srv.cfg.limitAnswer(w)
	srv.cfg.Proxies.locate(r)
	q := queryOf(r.URL)
	if !srv.admit(w, r, q) {
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodOptions:
		w.WriteHeader(http.StatusOK)
		return
	default:
		w.Header().Set("Allow", "OPTIONS, GET, POST")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	transport := q.Get("transport")
	if !(transport == transportPolling && srv.cfg.Polling || transport == transportWebSocket && srv.cfg.WebSocket) {
		if transport == "" && websocket.IsUpgrade(r) {
			srv.refusals.refuse(w, r, codeTransport, "a WebSocket that is no socket.io client's", "bound", BoundPlain)
			return
		}
		srv.refusals.refuse(w, r, codeTransport, "transport "+sparse.Cut(transport))
		return
	}
	if q.Get("sid") != "" {
		srv.serveSession(w, r, q, transport)
		return
	}
	srv.handshake(w, r, q, transport)
}

// serveSession serves a request that belongs to a session.
func (srv *Server) serveSession(w http.ResponseWriter, r *http.Request, q url.Values, transport string) {
	sid := q.Get("sid")
	s := srv.find(sid)
	switch {
	case s == nil && srv.elsewhere(w, r, sid):
	case (s == nil || s.IsPlain()) && srv.IsDraining():
		srv.refusals.unavailable(w) // the proxy has to look elsewhere for it
	case s == nil || s.IsPlain():
		srv.unknown(w, r, sid)
	case transport == transportWebSocket && websocket.IsUpgrade(r):
		s.serveUpgrade(w, r, q)
	case transport == transportWebSocket:
		srv.refusals.refuseBlocked(w, r)
	case s.Transport() != transport:
		srv.refusals.refuse(w, r, codeBadRequest, "the session uses another transport")
	case r.Method == http.MethodGet:
		s.serveGET(w, r, q)
	default:
		s.servePOST(w, r, q)
	}
}

// AnswersAlone reports whether a request may be answered by a connection that does not notice when
// its client leaves: it is for a session of this server that polls, which does, or opens one and no
// handler is asked.
func (srv *Server) AnswersAlone(r *http.Request) bool {
	if sid := fieldOf(r.URL, "sid"); sid != "" {
		s := srv.find(sid)
		return s != nil && !s.IsPlain() && s.Transport() == transportPolling
	}
	opens := r.Method == http.MethodGet && (fieldOf(r.URL, "transport") != "" || websocket.IsUpgrade(r))
	return opens && (srv.cfg.Allow == nil || srv.cfg.Allow() == nil)
}

// queryOf is u.Query(), in two allocations where nothing of it is written in another way.
func queryOf(u *url.URL) url.Values {
	if !isSimple(u.RawQuery) {
		return u.Query()
	}
	n := strings.Count(u.RawQuery, "&") + 1
	q, all := make(url.Values, n), make([]string, 0, n)
	for field := range strings.SplitSeq(u.RawQuery, "&") {
		if field == "" {
			continue
		}
		key, value, _ := strings.Cut(field, "=")
		if q[key] != nil {
			q[key] = append(q[key], value)
			continue
		}
		all = append(all, value)
		q[key] = all[len(all)-1 : len(all) : len(all)]
	}
	return q
}

// isSimple reports whether a query stands for itself, and needs no decoding. net/url has a limit on
// how many fields there may be.
func isSimple(query string) bool {
	const fields = 100
	return !strings.ContainsAny(query, "%+;") && strings.Count(query, "&") < fields
}

// fieldOf is u.Query().Get(name), found without taking all of the query apart.
func fieldOf(u *url.URL, name string) string {
	if !isSimple(u.RawQuery) {
		return u.Query().Get(name)
	}
	for field := range strings.SplitSeq(u.RawQuery, "&") {
		if key, value, _ := strings.Cut(field, "="); key == name {
			return value
		}
	}
	return ""
}

// unknown refuses a request for a session that is not there.
func (srv *Server) unknown(w http.ResponseWriter, r *http.Request, sid string) {
	if reason, known := srv.lately(sid); known {
		srv.refusals.ended(w, r, reason)
		return
	}
	srv.refusals.refuse(w, r, codeSession, "")
}

// ServePlain serves a plain WebSocket client: a session without Engine.IO, whose every message is
// one of the other side's. At another path than PlainPath it refuses one, and says so.
func (srv *Server) ServePlain(w http.ResponseWriter, r *http.Request) {
	srv.cfg.limitAnswer(w)
	srv.cfg.Proxies.locate(r)
	switch {
	case r.URL.Path != srv.cfg.PlainPath:
		srv.refusals.plain(r)
		http.Error(w, "no WebSocket is served at this path", http.StatusNotFound)
	case srv.admit(w, r, nil):
		srv.openSession(w, r, nil, 0, true)
	}
}

// Lost takes note of a request for a path that nothing is served at. One for Engine.IO or for a
// WebSocket is logged, with the path where it would be served.
func (srv *Server) Lost(r *http.Request) {
	srv.cfg.Proxies.locate(r)
	switch {
	case r.URL.Query().Has("EIO"):
		srv.refusals.path(r)
	case websocket.IsUpgrade(r):
		srv.refusals.plain(r)
	}
}

// elsewhere reports whether another server has answered a request for a session that is not here.
func (srv *Server) elsewhere(w http.ResponseWriter, r *http.Request, sid string) bool {
	return srv.cfg.Elsewhere != nil && !isForwarded(r) && srv.cfg.Elsewhere(w, r, sid)
}
