package hipflask

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"hipflask/server/flasksession"
	"hipflask/server/internal/accepted"
	"hipflask/server/internal/admin"
	"hipflask/server/internal/backend"
	"hipflask/server/internal/budget"
	"hipflask/server/internal/capacity"
	"hipflask/server/internal/cluster"
	"hipflask/server/internal/cluster/forward"
	"hipflask/server/internal/cluster/keyring"
	"hipflask/server/internal/config"
	"hipflask/server/internal/folder"
	"hipflask/server/internal/http1"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/lines"
	"hipflask/server/internal/ops"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/stall"
	"hipflask/server/socketio"

	"github.com/gin-gonic/gin"
)

const (
	// idleTimeout is how long a connection without a request is kept.
	idleTimeout = 2 * time.Minute
	// maxHeaderBytes bounds a request's header; the client's URL, cookies and tokens have to fit.
	maxHeaderBytes = 64 << 10
	// stallTimeout is how long a client of a route, a file or the page may take to read something
	// more of its answer.
	stallTimeout = 75 * time.Second
)

// server is one server: what an [App] runs in.
type server struct {
	cfg      *config.Config
	log      *slog.Logger
	lines    *lines.Writer
	sio      *socketio.Server
	view     inspect.View // of sio
	front    *front
	http     *http.Server  // nil until listen, and with New: there it is somebody else's
	listener net.Listener  // of http, once it serves
	served   chan struct{} // closed when it accepts nothing more
	ops      *ops.Server

	sessions *flasksession.Sessions // nil without a secret key
	backend  *backend.Backend       // nil without --backend
	ui       *admin.Admin           // nil without the Admin UI
	signer   *keyring.Signer        // of its sessions; nil as well

	onShutdown shutdownFuncs // of the application

	capacity     capacity.Capacity
	memory       *budget.Budget // what all clients together hold
	conns        *accepted.Conns
	cluster      *cluster.Cluster   // nil: this server is alone
	forwarder    *forward.Forwarder // nil: nobody has other sessions
	notifySocket string             // where systemd wants to hear of us; empty: nowhere
}

// newHTTP makes the server of the listener. It has no WriteTimeout: each answer is limited by
// whoever gives it, see package stall.
func (a *server) newHTTP() *http.Server {
	a.front.stall = stall.Limits{Read: a.cfg.ReadBodyTimeout, Write: stallTimeout}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // a WebSocket needs a connection of its own; HTTP/3 is never served
	web := &http.Server{
		Handler:           a.front,
		Protocols:         protocols,
		ReadHeaderTimeout: a.cfg.ReadHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          sparse.ErrorLog(a.log, slog.LevelDebug, "HTTP server"),
		ConnState:         a.conns.Track,
		ConnContext:       http1.ConnContext,
	}
	a.front.http1 = http1.New(http1.Options{
		Handler:       a.front,
		Takes:         a.front.takes,
		Context:       context.WithValue(context.Background(), http.ServerContextKey, web),
		HeaderTimeout: a.cfg.ReadHeaderTimeout,
		IdleTimeout:   idleTimeout,
		Track:         a.conns.Track,
	})
	if a.forwarder != nil {
		web.RegisterOnShutdown(a.forwarder.Release)
	}
	return web
}

// front is the list of who answers a request, in this order: Socket.IO and its bundles, plain
// WebSocket clients, the application's routes, the files of the folder, the backend, the built-in
// page; then it is 404, or 405 where only the method is wrong.
type front struct {
	path, plain string // of Socket.IO, and of plain WebSocket clients; plain is empty for none
	socketIO    *socketio.Server
	routes      *gin.Engine
	files       *folder.Folder // nil: none
	backend     http.Handler   // answers whatever gets to it; nil: none
	page        http.Handler   // nil: none

	forwarder *forward.Forwarder // takes what other servers pass on; nil: nothing does
	http1     *http1.Conns       // reads the connections; nil: net/http alone does
	draining  atomic.Bool        // each connection is to end with its next answer

	admit func(http.ResponseWriter, *http.Request) bool // refuses who calls the server by a name that is not its own
	lost  func(*http.Request)                           // is called with what nobody serves
	alone func(*http.Request) bool                      // reports whether Socket.IO answers a request, also if its client has left
	log   *slog.Logger
	stall stall.Limits
}
