package socketio

import (
	"net/http"
	"time"
)

// ServeHTTP serves Socket.IO clients: Engine.IO, and the official client's bundles, such as
// socket.io.min.js, where the last element of the path names one. It may stand at whatever path
// clients name; [Options].Path is for the log and for pages. The time limits of the http.Server do
// not count here: each answer has its own. Flask: the WSGI application that SocketIO(app) wraps
// around the other.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.valid(w), !s.engine.AdmitHost(w, r):
	case s.clients.has(r):
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.opts.Engine.WriteTimeout()))
		s.clients.serve(w, r)
	default:
		unread(w, r)
		s.engine.ServeHTTP(w, r)
	}
}

// ServePlain serves plain WebSocket clients, at the path that [Options].PlainWebSocketPath names:
// each message is the event "message". Flask has none.
func (s *Server) ServePlain(w http.ResponseWriter, r *http.Request) {
	if s.valid(w) && s.engine.AdmitHost(w, r) {
		unread(w, r)
		s.engine.ServePlain(w, r)
	}
}

// valid reports whether the options are. If not, it answers.
func (s *Server) valid(w http.ResponseWriter) bool {
	// Browsers take what clients have sent for what the answer says it is.
	w.Header()["X-Content-Type-Options"] = []string{"nosniff"}
	if s.invalid == nil {
		return true
	}
	s.told.Do(func() { s.log.Error("nobody is served: a setting is wrong", "error", s.invalid) })
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	return false
}
