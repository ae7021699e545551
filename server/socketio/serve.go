package socketio

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/static"
)

// ServeHTTP serves Socket.IO clients: Engine.IO, and the official client's bundles, such
// as socket.io.min.js, where the last element of the path names one. It may stand at
// whatever path clients name; [Options].Path is for the log and for pages. The time
// limits of the http.Server do not count here: each answer has its own. Flask: the WSGI
// application that SocketIO(app) wraps around the other.
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

// ServePlain serves plain WebSocket clients, at the path that
// [Options].PlainWebSocketPath names: each message is the event "message". Flask has none.
func (s *Server) ServePlain(w http.ResponseWriter, r *http.Request) {
	if s.valid(w) && s.engine.AdmitHost(w, r) {
		unread(w, r)
		s.engine.ServePlain(w, r)
	}
}

// serveForwarded serves what another server of the cluster has passed on, and admitted.
func (s *Server) serveForwarded(w http.ResponseWriter, r *http.Request, what engineio.Forwarded) {
	unread(w, r)
	s.engine.ServeForwarded(w, r, what)
}

// valid reports whether the options are. If not, it answers.
func (s *Server) valid(w http.ResponseWriter) bool {
	// Browsers take what clients have sent for what the answer says it is.
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if s.invalid == nil {
		return true
	}
	s.told.Do(func() { s.log.Error("nobody is served: a setting is wrong", "error", s.invalid) })
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	return false
}

// unread makes a connection end with its response, unless whoever answers reads the
// body and takes that back: net/http would otherwise wait for a body that nobody wants
// before it answers.
func unread(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

// clientFiles serves the bundles. They are read when the first is asked for.
type clientFiles struct {
	names   []string
	handler func() (http.Handler, error)
}

func newClientFiles() clientFiles {
	return clientFiles{names: static.ClientFiles(), handler: sync.OnceValues(static.Client)}
}

func (f *clientFiles) has(r *http.Request) bool {
	return slices.Contains(f.names, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
}

// serve lets pages of any origin import the bundles, which are public.
func (f *clientFiles) serve(w http.ResponseWriter, r *http.Request) {
	unread(w, r)
	h, err := f.handler()
	if err != nil { // what is embedded can be read
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	h.ServeHTTP(w, r)
}
