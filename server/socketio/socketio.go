// Package socketio is what handlers are written against: Flask-SocketIO's
// vocabulary in Go.
//
//	s.On("chat", func(c *socketio.Context, m Message) error {
//		return c.To(m.Room).Emit("chat", m)
//	})
//
// A handler is registered with [Namespace.On]. It gets the [Context] of the client
// that sent the event, and the event's arguments as the types that it declares; what
// it returns is the acknowledgement. handlers/PORTING.md has Python and Go side by
// side, and package socketiotest a client for unit tests.
//
// What one client sends is handled one after another, in the order it was sent;
// [Options].Concurrent lifts that. Handlers of different clients run at the same
// time. A handler that returns an error or panics costs the one event, of which the
// error handler is told, and nothing else.
//
// Beneath is github.com/zishang520/socket.io, which keeps the namespaces, the
// handshake, the rooms and the acks. Events come to handlers past it, because it
// starts two goroutines for each and so loses their order.
package socketio

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/pool"
)

// Options says how a [Server] behaves. Fields that are zero have their defaults,
// but for Engine.Polling and Engine.WebSocket: without either nobody can connect.
type Options struct {
	Engine          engineio.Config // transports, heartbeats and their limits; Open is overwritten
	Limits          packet.Limits   // of one packet
	ConnectTimeout  time.Duration   // from a session's opening to its first CONNECT
	MaxQueuedEvents int             // of one client waiting for handlers; then its reading pauses
	Recovery        time.Duration   // how long a client that was cut off may come back to its session; 0: not at all
	Concurrent      bool            // handle a client's events at the same time, as Flask does
	Inspect         *inspect.Door   // for parts of the server that look at all clients; nil for none
	Peers           fanout.Peers    // the other servers of a cluster; nil without one

	// SessionValues are what [Context.Get] returns until Set changes it: the session of
	// the page that opened the connection, in the request r at the time opened. It is
	// called once for a connection, when a value is first asked for. Nil: there are none.
	// Flask: the session of a connect handler begins as a copy of the page's.
	SessionValues func(r *http.Request, opened time.Time) map[string]any
}

// What holds where Options name nothing.
const (
	DefaultMaxQueuedEvents = 1024
	DefaultConnectTimeout  = 45 * time.Second
)

// libraryPatience is longer than any client lasts that connects to nothing: ours is
// the timer that ends it, see connectedTooLate.
const libraryPatience = 1000 * time.Hour

// Server is the counterpart of Flask-SocketIO's SocketIO object. Its namespace "/"
// is embedded: s.On, s.Emit and s.To are those of that namespace.
type Server struct {
	*Namespace

	opts   Options
	log    *slog.Logger
	io     *socket.Server
	engine *engineio.Server
	http   *types.HttpContext
	pool   pool.Pool      // of goroutines for the connections' queues
	conns  sync.WaitGroup // sessions, and the goroutines that work for them

	waiting atomic.Int64 // packets that wait for their turn

	life  context.Context // of background tasks
	end   context.CancelFunc
	tasks sync.WaitGroup

	claims claims // with recovery

	mu      sync.RWMutex
	spaces  map[string]*Namespace
	dynamic map[string]struct{} // names that clients connected to through Of("*")
	onError ErrorHandler
}

// ErrorHandler is told of an event that failed: its handler returned an error or
// panicked (then err is a *[PanicError]), or its arguments did not fit.
type ErrorHandler func(c *Context, event string, err error)

// New makes a server with the namespace "/" and no handlers.
// Its Flask counterpart is SocketIO(app).
func New(opts Options) *Server {
	if opts.MaxQueuedEvents <= 0 {
		opts.MaxQueuedEvents = DefaultMaxQueuedEvents
	}
	if opts.ConnectTimeout <= 0 {
		opts.ConnectTimeout = DefaultConnectTimeout
	}
	if opts.Engine.Logger == nil {
		opts.Engine.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		opts:    opts,
		log:     opts.Engine.Logger,
		http:    noRequest(),
		spaces:  make(map[string]*Namespace),
		dynamic: make(map[string]struct{}),
	}
	s.life, s.end = context.WithCancel(context.Background())
	opts.Engine.Open = s.open
	s.engine = engineio.NewServer(opts.Engine)
	s.openDoor()

	o := socket.DefaultServerOptions()
	o.SetParser(&fanout.Parser{Failed: func(err error) { s.log.Error("packet not sent", "error", err) }})
	o.SetAdapter(&fanout.Builder{Engine: s.engine, Recovery: opts.Recovery, Peers: opts.Peers, ServerEvent: s.serverEvent})
	if opts.Recovery > 0 {
		recovery := new(socket.ConnectionStateRecovery)
		recovery.SetMaxDisconnectionDuration(opts.Recovery.Milliseconds())
		recovery.SetSkipMiddlewares(false) // connect handlers run as ever
		o.SetConnectionStateRecovery(recovery)
	}
	o.SetConnectTimeout(libraryPatience)
	s.io = socket.NewServer(nil, o)
	s.io.Bind(&base{server: s})
	s.Namespace = s.Of("/")
	return s
}

// ServeHTTP serves the Engine.IO endpoint. Flask: the WSGI application that
// SocketIO(app) wraps around the other.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// ServePlain serves plain WebSocket clients, at the path that Engine.PlainPath names:
// each message is the event "message". Flask has none.
func (s *Server) ServePlain(w http.ResponseWriter, r *http.Request) { s.engine.ServePlain(w, r) }

// Of returns a namespace, and makes clients able to connect to it. The name "*"
// stands for every namespace that has no handlers of its own; which handlers a
// client gets is decided when it connects.
// Its Flask counterpart is the namespace= of every method.
func (s *Server) Of(name string) *Namespace {
	if name != "*" && (name == "" || name[0] != '/') {
		name = "/" + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.spaces[name]
	if n == nil {
		n = newNamespace(s, name)
		s.spaces[name] = n
	}
	return n
}

// OnErrorDefault registers an error handler: what is told of failed events in namespaces that have no
// [Namespace.OnError] of their own; without any, they are logged.
// Its Flask counterpart is @socketio.on_error_default.
func (s *Server) OnErrorDefault(handler ErrorHandler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onError = handler
}

// Go runs a background task: a goroutine that has to end when its context does,
// which is when the server shuts down. Its Flask counterpart is
// socketio.start_background_task.
func (s *Server) Go(task func(ctx context.Context)) {
	s.tasks.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("background task panicked", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		task(s.life)
	})
}

// Shutdown closes every client, waits until their disconnect handlers have run,
// and then ends what the server started, background tasks included. When ctx ends
// first, connections are cut and ctx's error is returned. Flask: socketio.stop().
//
// The clients are closed one after another, five milliseconds apart and within two
// fifths of the time until ctx's deadline, each when the handlers of what it has
// sent are done: they would else all come back at once.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.end()
	err := s.engine.Shutdown(ctx)
	done := make(chan struct{})
	go func() {
		s.conns.Wait()
		s.end()
		s.tasks.Wait()
		s.pool.Close()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}
