package socketio

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/freeze"
	"hipflask/server/internal/library"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/pool"
	"hipflask/server/internal/tasks"
)

// The types that hold each other, by nature: a Server has Namespaces, whose handlers act on a
// Context; that is a client's part in one of them, on a connection, which has all of the client's
// Contexts and is the Server's; listeners are told of a Context or a Target. So they stand in one
// file, and what they do in others, none of which needs one that needs it.
//
// Package locks has the order in which their mutexes are locked.

// Server is the counterpart of Flask-SocketIO's SocketIO object. Its namespace "/" is part of it:
// s.On, s.Emit and s.To are those of that namespace.
type Server struct {
	*Namespace

	// Set once.
	invalid error // what is wrong with the options; nil: nothing
	opts    setup
	log     *slog.Logger
	library *library.Server
	engine  *engineio.Server
	clients clientFiles
	memory  *budget.Budget  // what all clients together hold
	life    context.Context // of background tasks
	end     context.CancelFunc

	// Safe for concurrent use.
	pool    pool.Pool      // of goroutines for the connections' queues
	queues  tasks.Group    // those
	conns   sync.WaitGroup // sessions, and the goroutines that work for them
	tasks   sync.WaitGroup // in the background
	told    sync.Once      // of invalid: the log
	waiting atomic.Int64   // packets that wait for their turn
	heard   atomic.Int32   // namespaces with a listener of OnOutgoing
	claims  claims         // with recovery

	// Guarded by beginning, which is held while a task begins.
	beginning sync.Mutex
	over      bool // none may any more

	// Guarded by mu.
	mu       locks.Server
	held     bool                        // background tasks begin later
	later    []func(ctx context.Context) // those
	spaces   map[string]*Namespace
	patterns []*Namespace        // in the order of OfFunc
	dynamic  map[string]*dynamic // by name
	onError  ErrorHandler
	allow    func(http.ResponseWriter, *http.Request) bool // see OnRequest; nil: all
}

// ErrorHandler is told of an event that failed: its handler returned an error or panicked (then err
// is a *[PanicError]), or its arguments did not fit.
type ErrorHandler func(c *Context, event string, err error)

// Namespace is a set of handlers that clients connect to by name.
type Namespace struct {
	// Set once.
	name   string
	server *Server
	rooms  *fanout.Adapter        // nil for those that clients bring into being
	match  func(name string) bool // see OfFunc; nil otherwise

	// Guarded by themselves.
	moves    moves
	outgoing outgoing

	// Guarded by mu.
	mu       locks.Namespace
	handlers map[string]*handler
	chain    Handler // the middleware around dispatch
	use      []Middleware
	onError  ErrorHandler
	servers  map[string]ServerHandler // nil until OnServers
}

// Target is a choice of a namespace's clients, and how they are sent to. It does not change: To,
// Except, Volatile, Local and Compress return new ones.
type Target struct {
	server *Server
	in     *fanout.Adapter // of the namespace; nil for the several that of stands for
	of     *Namespace
	who    fanout.Selection
}

// moves are the listeners for joins and leaves of a namespace, and what they are still to be told.
type moves struct {
	heard atomic.Bool // somebody listens
	line  tasks.Line[move]
	limit int // the line's: how many may wait before they are looked through

	// Guarded by mu.
	mu           sync.Mutex
	joined, left func(c *Context, room string)
}

// move is a client that has joined or left a room.
type move struct {
	c    *Context
	room string
	in   bool
}

// outgoing is the listener for what a namespace's clients are sent, and what it is still to be
// told.
type outgoing struct {
	heard atomic.Bool // somebody listens
	line  sentLine

	// Guarded by mu.
	mu       sync.Mutex
	listener func(to *Target, event string, args []Value)
}

// sent is an event that went out.
type sent struct {
	to    *Target // nil for a client's own listener
	event fanout.Event
	size  int
}

// sentLine is a line of events, whose size counts in what all clients together may hold.
type sentLine struct {
	server *Server
	line   tasks.Line[sent]
	size   atomic.Int64
	behind atomic.Bool // something was left out since the listener was last called
}

// Handler handles one event of any name: what [Middleware] wraps. reply is the acknowledgement.
type Handler func(c *Context, event string, args []Value) (reply []any, err error)

// Middleware returns a handler that does something before or after next, or instead of it.
type Middleware func(next Handler) Handler

// ServerHandler handles an event that another server of the cluster sent to this one. reply is for
// a server that asks for an answer, as Node's can.
type ServerHandler func(args []Value) (reply any, err error)

// handler is a registered function, made callable with an event's arguments.
type handler struct {
	event string
	call  func(c *Context, args []Value) (reply []any, err error)
}

// dynamic is a namespace that clients have brought into being. It is forgotten when nobody uses it
// any more: no client that is connected to it, or whose disconnect handler has still to run, and no
// attempt to connect; with recovery, once nobody can come back to it either.
type dynamic struct {
	// Set once.
	name   string
	of     *Namespace // whose handlers its clients get
	rooms  *fanout.Adapter
	forget func() // has the library forget it

	// Guarded by the server's mu.
	users int
	kept  bool        // Of has named it
	empty *time.Timer // nil while it is used, and without recovery
}

// Context is one client's connection to one namespace: what a handler acts on. It stays the same
// from connect to disconnect, and may be used from any goroutine.
type Context struct {
	// Set once.
	space  *Namespace // whose handlers it has
	conn   *connection
	client *library.Client
	rooms  *fanout.Adapter // of the namespace
	member *fanout.Member  // there
	in     *dynamic        // the namespace, if it can be forgotten; set once it is connected

	// Guarded by conn.mu.
	over     bool    // the client is gone, whether or not the queue has got there
	unwanted bool    // it is to be disconnected once it is connected
	claim    *claim  // to its session, with recovery
	auth     []byte  // nil for {}
	own      *values // see SetData; nil until somebody asks
	life     context.Context
	end      context.CancelCauseFunc
}

// connection is what a session is to handlers: the namespaces that its client is in, what it has
// sent along, and what is kept for it.
type connection struct {
	// Set once.
	server  *Server
	session *engineio.Session

	// Guarded by mu, as is what changes in each Context.
	mu      locks.Connection
	spaces  []*Context   // the namespaces the client is connected to
	joining *Context     // the one whose connect handler runs or has run last
	auth    packet.Value // the payload of the CONNECT that is being dealt with
	values  *values      // nil until somebody asks
}

// conn is one session on its way to handlers. To the engine it is the receiver; to the library it
// is the owner of a connection.
//
// Everything that happens to a session is a task in one queue, worked off by one goroutine that
// exists while there are tasks. The library sees CONNECT and DISCONNECT packets and the end only
// when their turn comes, and the queue waits until it has dealt with them.
type conn struct {
	connection

	// Set once.
	library *library.Conn

	// Guarded by themselves.
	incoming incoming
	queue    tasks.Queue[task]

	// Guarded by mu.
	connectTimer *time.Timer // see connect_timeout.go; nil once connected or ended

	// Of the queue's worker alone, and of the library while that waits for it.
	connectLimit freeze.Limit  // of the first CONNECT
	slots        chan struct{} // see concurrently
	returning    *claim        // to the session that its client comes back to
}

// task is a packet to handle, or something else to run.
type task struct {
	packet *packet.Packet
	run    func()
}

// incoming makes packets of a session's messages. What it holds of one whose attachments are still
// to come is taken from the memory for clients, and has its time.
type incoming struct {
	// Guarded by mu.
	mu      locks.Incoming
	form    form
	decoder packet.Decoder // of text
	over    bool           // the session is: nothing is held any more
	taken   int            // 0: no attachments are awaited
	due     time.Time      // when they have to be there
	timer   *time.Timer    // nil until some were awaited once
}

// form is how the packets of a session are written, in both directions.
type form uint8
