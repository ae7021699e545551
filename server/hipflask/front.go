package hipflask

import (
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"hipflask/server/internal/assets"
	"hipflask/server/internal/cluster/forward"
	"hipflask/server/internal/folder"
	"hipflask/server/internal/http1"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/stall"
	"hipflask/server/internal/websocket"
)

// newFront makes a front whose routes are still to come.
func (a *server) newFront() (*front, error) {
	f := &front{
		path:      a.cfg.Path,
		plain:     a.cfg.PlainWebSocketPath,
		socketIO:  a.sio,
		forwarder: a.forwarder,
		admit:     a.view.AdmitHost,
		lost:      a.view.Lost,
		alone:     a.view.AnswersAlone,
		log:       a.log,
	}
	var err error
	if f.routes, err = newRouter(a.cfg.TrustedProxies, f.afterRoutes); err != nil {
		return nil, err
	}
	if a.backend != nil { // a nil pointer would be a handler
		f.backend = a.backend
	}
	switch {
	case a.cfg.StaticFolder != "":
		f.files, err = folder.Open(a.cfg.StaticFolder)
	case a.cfg.Page && f.backend == nil:
		f.page, err = assets.Page(a.cfg.Path)
	}
	return f, err
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http1.Restore(r)
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && addr.Network() == "unix" {
		r.RemoteAddr = unixPeer
	}
	if f.draining.Load() && !websocket.IsUpgrade(r) { // or a proxy would keep it, to send a POST just when it is closed
		w.Header().Set("Connection", "close")
	}
	if r.Header[forward.Header] != nil && f.takeForwarded(w, r) {
		return
	}
	switch path := r.URL.Path; {
	case f.isSocketIO(path):
		if f.http1.Take(w, r) {
			return
		}
		defer f.recover(w, r, func() bool { return false })
		f.socketIO.ServeHTTP(w, r)
	case f.isPlain(r):
		defer f.recover(w, r, func() bool { return false })
		f.socketIO.ServePlain(w, r)
	default:
		if !f.admit(w, r) {
			return
		}
		s := stall.New(w, r, f.stall)
		defer f.recover(s, r, s.Begun)
		f.serveOthers(s, r)
		s.Finish()
	}
}

// takes reports whether a request needs nothing of net/http: it polls a session of this server, or
// opens one. What another server passes on has to end with its connection.
func (f *front) takes(r *http.Request) bool {
	if f.draining.Load() || r.Header[forward.Header] != nil {
		return false
	}
	return (f.isSocketIO(r.URL.Path) || f.isPlain(r)) && f.alone(r)
}

// isPlain reports whether a request is a plain WebSocket client's.
func (f *front) isPlain(r *http.Request) bool {
	return f.plain != "" && r.URL.Path == f.plain && websocket.IsUpgrade(r)
}

// takeForwarded serves what another server of the cluster has passed on, and reports false for what
// comes from somebody else.
func (f *front) takeForwarded(w http.ResponseWriter, r *http.Request) (took bool) {
	took = true // also if that panics
	defer f.recover(w, r, func() bool { return false })
	return f.forwarder.Take(w, r)
}

// ownsPath reports whether a path, or the pattern of a route, is Socket.IO's.
func (f *front) ownsPath(path string) bool {
	return path == f.path || strings.HasPrefix(path, f.path+"/")
}

// isSocketIO reports whether Socket.IO answers a path: its own, with or without the slash that
// clients put at its end, and whatever lies beneath, as in Flask; proxies and old clients put a
// slash more there, or a name. A script that is none of the bundles is a mistake in somebody's
// page, who should not be told of transports.
func (f *front) isSocketIO(path string) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	isScript := strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".map")
	return f.ownsPath(path) && (!isScript || slices.Contains(assets.ClientFiles(), name))
}

// serveOthers leaves the rest to gin, but for scripts beneath Socket.IO's path.
func (f *front) serveOthers(w http.ResponseWriter, r *http.Request) {
	if f.ownsPath(r.URL.Path) {
		f.nobody(w, r)
		refuse(w, http.StatusNotFound, "404 page not found")
		return
	}
	f.routes.ServeHTTP(w, r)
}

// afterRoutes runs before the application's middleware, which is not run for what others answer.
// Where nobody does, gin goes on with the middleware and answers 404, or 405 with the methods of
// the routes that are there.
func (f *front) afterRoutes(c *gin.Context) {
	if c.FullPath() != "" { // a route has it
		return
	}
	status, allowed := c.Writer.Status(), c.Writer.Header().Get("Allow")
	c.Status(http.StatusOK) // gin has 404 or 405 there already
	c.Writer.Header().Del("Allow")
	if f.serveRest(c.Writer, c.Request, allowed) {
		c.Writer.WriteHeaderNow() // a 404 without a body is whole, and gin would write its own
		c.Abort()
		return
	}
	c.Status(status)
	if allowed != "" {
		c.Header("Allow", allowed)
	}
	f.nobody(c.Writer, c.Request)
}

// serveRest serves what is no route, and reports whether anybody did. allowed are the methods of
// routes of this path.
func (f *front) serveRest(w http.ResponseWriter, r *http.Request, allowed string) bool {
	if websocket.IsUpgrade(r) { // neither a file nor the page
		if f.backend != nil {
			f.backend.ServeHTTP(w, r)
		}
		return f.backend != nil
	}
	switch {
	case f.files != nil && f.files.Serve(w, r):
	case f.backend != nil:
		f.backend.ServeHTTP(w, r)
	case f.page != nil && slices.Contains(assets.Paths(), r.URL.Path) && reads(r):
		f.page.ServeHTTP(w, r)
	case r.URL.Path == f.plain && f.plain != "/" && r.Method == http.MethodGet:
		f.socketIO.ServePlain(w, r) // which says what the request lacks
	case f.isFile(r.URL.Path):
		unwanted(w, r)
		w.Header().Set("Allow", withReading(allowed))
		refuse(w, http.StatusMethodNotAllowed, "405 method not allowed")
	default:
		return false
	}
	return true
}

// isFile reports whether the path is that of a file or of the page.
func (f *front) isFile(path string) bool {
	return f.files != nil && f.files.Has(path) || f.page != nil && slices.Contains(assets.Paths(), path)
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// withReading adds the methods of files to those of an Allow header.
func withReading(allowed string) string {
	methods := []string{http.MethodGet, http.MethodHead}
	for method := range strings.SplitSeq(allowed, ", ") {
		if method != "" && !slices.Contains(methods, method) {
			methods = append(methods, method)
		}
	}
	return strings.Join(methods, ", ")
}

// nobody prepares the answer to what nobody serves.
func (f *front) nobody(w http.ResponseWriter, r *http.Request) {
	f.lost(r)
	unwanted(w, r)
}

// refuse answers as gin does where no route fits.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// unwanted makes a connection end with its response: net/http would otherwise wait for a body that
// nobody reads before it answers. No browser is to guess what that is.
func unwanted(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

// recover is deferred: it answers a request whose handler panicked, and logs why. An answer that
// has begun is cut, so that nobody takes it for a whole one.
func (f *front) recover(w http.ResponseWriter, r *http.Request, begun func() bool) {
	p := recover()
	if p == nil {
		return
	}
	if s, ok := w.(*stall.Writer); ok {
		s.CloseHijacked()
	}
	if p == http.ErrAbortHandler { // net/http's way to cut an answer, not worth a line
		panic(p)
	}
	f.log.Error("request failed", "path", sparse.Cut(r.URL.Path), "panic", p, "stack", string(debug.Stack()))
	if begun() {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Connection", "close")
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}
