// Package socketio is what handlers are written against: Flask-SocketIO's
// vocabulary in Go. It stands on the named library's Socket.IO layer, which keeps
// the namespaces, the handshake, the rooms and the acks; events come to handlers
// past it, because it starts two goroutines for each and so loses their order.
//
// What one client sends is handled one after another, in the order it was sent,
// unless a handler returns an error or panics: that costs the one event.
package socketio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// Options says how a [Server] behaves.
type Options struct {
	Engine          engineio.Config // transports, heartbeats and their limits; Open is ours
	Limits          packet.Limits   // of one packet
	ConnectTimeout  time.Duration   // from a session's opening to its first CONNECT
	MaxQueuedEvents int             // of one client waiting for handlers; then its reading pauses
}

// DefaultMaxQueuedEvents holds where Options name none.
const DefaultMaxQueuedEvents = 1024

// Server is the counterpart of Flask-SocketIO's SocketIO object.
type Server struct {
	opts   Options
	log    *slog.Logger
	io     *socket.Server
	engine *engineio.Server
	conns  sync.WaitGroup

	mu     sync.RWMutex
	spaces map[string]*Namespace
}

// New makes a server with the namespace "/" and no handlers.
// Its Flask counterpart is SocketIO(app).
func New(opts Options) *Server {
	if opts.MaxQueuedEvents <= 0 {
		opts.MaxQueuedEvents = DefaultMaxQueuedEvents
	}
	if opts.Engine.Logger == nil {
		opts.Engine.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: opts, log: opts.Engine.Logger, spaces: make(map[string]*Namespace)}
	opts.Engine.Open = s.open
	s.engine = engineio.NewServer(opts.Engine)

	o := socket.DefaultServerOptions()
	o.SetParser(&fanout.Parser{Failed: func(err error) { s.log.Error("packet not sent", "error", err) }})
	o.SetAdapter(&fanout.Builder{Engine: s.engine})
	if opts.ConnectTimeout > 0 {
		o.SetConnectTimeout(opts.ConnectTimeout)
	}
	s.io = socket.NewServer(nil, o)
	s.io.Bind(&base{server: s})
	s.Of("/")
	return s
}

// ServeHTTP serves the Engine.IO endpoint.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// ServePlain serves plain WebSocket clients: each message is the event "message".
func (s *Server) ServePlain(w http.ResponseWriter, r *http.Request) { s.engine.ServePlain(w, r) }

// On registers the handler of an event of the namespace "/".
// Its Flask counterpart is @socketio.on(event). See [Namespace.On].
func (s *Server) On(event string, handler any) error { return s.Of("/").On(event, handler) }

// Emit sends an event to every client of the namespace "/".
// Its Flask counterpart is socketio.emit(event, ...). See [Namespace.Emit].
func (s *Server) Emit(event string, args ...any) error { return s.Of("/").Emit(event, args...) }

// Of returns a namespace, and makes clients able to connect to it.
// Its Flask counterpart is the namespace= of every method.
func (s *Server) Of(name string) *Namespace {
	if name == "" || name[0] != '/' {
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

func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.spaces[name]
}

// Shutdown closes every client, waits until their disconnect handlers have run,
// and ends what the server started. When ctx ends first, connections are cut and
// ctx's error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.engine.Shutdown(ctx)
	done := make(chan struct{})
	go func() {
		s.conns.Wait()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// Namespace is a set of handlers that clients connect to by name.
type Namespace struct {
	name   string
	server *Server
	io     socket.Namespace

	mu       sync.RWMutex
	handlers map[string]*handler
}

func newNamespace(s *Server, name string) *Namespace {
	n := &Namespace{name: name, server: s, io: s.io.Of(name, nil), handlers: make(map[string]*handler)}
	n.io.Use(n.connecting)
	// The library never fails to add a listener.
	_ = n.io.On("connection", n.connected)
	return n
}

// On registers the handler of an event, in the place of an earlier one. handler is
// a function that takes, in this order,
//
//   - nothing or a *[Context], the client that sent the event;
//   - the event's arguments: as [Value], as they came, or as any type that JSON
//     decodes into, []byte for binary; the last may be variadic.
//
// What it returns is sent as the acknowledgement, if the client asked for one; an
// error as the last result fails the event instead. An event with another number
// of arguments, or of other types, is not handled, and logged.
//
// Two events are special. "connect" comes first and takes the client's auth
// payload or nothing; an error refuses the client, see [Refuse]. "disconnect"
// comes last and takes the reason or nothing.
func (n *Namespace) On(event string, fn any) error {
	h, err := newHandler(event, fn)
	if err != nil {
		return fmt.Errorf("handler of %q: %w", event, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handlers[event] = h
	return nil
}

// Emit sends an event to every client of the namespace. An argument is a [Value],
// []byte, or anything that JSON can write; []byte inside it travels as binary. A
// single nil is no argument. It fails when an argument cannot be written, and for
// the names that the protocol keeps for itself.
func (n *Namespace) Emit(event string, args ...any) error {
	data, err := eventData(event, args)
	if err != nil {
		return err
	}
	n.io.Adapter().Broadcast(&parser.Packet{Type: parser.EVENT, Data: data}, nil)
	return nil
}

func (n *Namespace) handler(event string) *handler {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.handlers[event]
}

// eventData is an event as the library carries it: the name, then the arguments.
// What may change later is written down now.
func eventData(event string, args []any) ([]any, error) {
	if socket.SOCKET_RESERVED_EVENTS.Has(event) {
		return nil, fmt.Errorf("event name %q is reserved", event)
	}
	if len(args) == 1 && isNull(args[0]) {
		args = nil
	}
	data := make([]any, 1, 1+len(args))
	data[0] = event
	return appendArgs(data, args)
}

func appendArgs(data []any, args []any) ([]any, error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case Value:
			data = append(data, v.packet)
		case string, bool, nil:
			data = append(data, v)
		default:
			frozen, err := packet.NewValue(arg)
			if err != nil {
				return nil, fmt.Errorf("argument %d: %w", i+1, err)
			}
			data = append(data, frozen)
		}
	}
	return data, nil
}

func isNull(arg any) bool {
	v, ok := arg.(Value)
	return arg == nil || ok && v.IsNull()
}

// call runs a handler so that a panic costs no more than an error.
func (n *Namespace) call(h *handler, c *Context, args []Value) (reply []any, err error) {
	defer func() {
		if p := recover(); p != nil {
			n.server.log.Error("handler panicked", "namespace", n.name, "event", h.event, "sid", c.ID(),
				"panic", p, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return h.call(c, args)
}

// errPanicked stands for a panic that was logged with its stack already.
var errPanicked = errors.New("handler panicked")
