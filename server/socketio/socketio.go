// Package socketio is what handlers are written against: Flask-SocketIO's vocabulary in Go.
//
//	s.On("chat", func(c *socketio.Context, m Message) error {
//		return c.To(m.Room).Emit("chat", m)
//	})
//
// A handler is registered with [Namespace.On]. It gets the [Context] of the client that sent the
// event, and the event's arguments as the types that it declares; what it returns is the
// acknowledgement. handlers/PORTING.md has Python and Go side by side, and package socketiotest a
// client for unit tests.
//
//	Flask                        Node                       here
//
//	@socketio.on(event)          socket.on(event)           Namespace.On
//	@socketio.on('*')            socket.onAny               Namespace.On
//	@socketio.on_error           -                          Namespace.OnError, Server.OnErrorDefault
//	on_namespace(Namespace)      -                          Namespace.Handle
//	namespace='/n'               io.of('/n')                Server.Of
//	raise ConnectionRefusedError next(new Error())          Refuse, Refusal
//	return 1, 2                  callback(1, 2)             Args
//	emit(event, x)               socket.emit                Context.Emit
//	emit(broadcast=True)         io.emit                    Namespace.Emit, Target.Emit
//	emit(include_self=False)     socket.broadcast.emit      Context.Others
//	emit(to=room)                to(room), in(room)         Context.To, Namespace.To, Target.To
//	emit(skip_sid=sid)           except(room)               Namespace.Except, Target.Except
//	emit(callback=f)             emit(..., f)               Context.Ask, Target.Ask
//	call(event, x)               emitWithAck                Context.Call, Target.Call
//	join_room, leave_room        join, leave                Context.Join, Context.Leave
//	join_room(room, sid=sid)     socketsJoin, socketsLeave  Target.Join, Target.Leave
//	close_room(room)             socketsLeave(room)         Namespace.CloseRoom
//	rooms()                      socket.rooms               Context.Rooms
//	disconnect()                 disconnect()               Context.Disconnect, Target.Disconnect
//	request.sid                  socket.id                  Context.ID
//	request                      socket.handshake           Context.Request, Context.Address, Context.Auth
//	session                      -                          Context.Get, Context.Set
//	start_background_task(f)     -                          Server.Go
//	-                            use                        Namespace.Use
//	-                            socket.data                Context.Data, Context.SetData
//	-                            volatile, local, compress  Target.Volatile, Target.Local, Target.Compress
//	get_participants             fetchSockets()             Target.Sockets, Target.Clients, Target.Count
//	-                            disconnect(true)           Context.Close, Target.Close
//	-                            adapter.on('join-room')    Namespace.OnJoin, Namespace.OnLeave
//	-                            onAnyOutgoing              Context.OnOutgoing, Namespace.OnOutgoing
//	-                            io.of(/pattern/)           Server.OfFunc
//	-                            allowRequest               Server.OnRequest
//	-                            serverSideEmit             Namespace.EmitServers, Namespace.OnServers
//	-                            connectionStateRecovery    Options.Recovery, Context.Recovered
//
// What one client sends is handled one after another, in the order it was sent;
// [Options].AsyncHandlers lifts that. Handlers of different clients run at the same time. A handler
// that returns an error or panics costs the one event, of which the error handler is told, and
// nothing else.
//
// Beneath is github.com/zishang520/socket.io, which keeps the namespaces and who is connected to
// them. Events come to handlers past it, because it starts two goroutines for each and so loses
// their order.
package socketio

import (
	"context"
	"log/slog"
	"net/http"

	"hipflask/server/internal/advice"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/extras"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/library"
	"hipflask/server/internal/sparse"
)

// New makes a server with the namespace "/" and no handlers. See [Options.Validate] for options
// that are wrong. Its Flask counterpart is SocketIO(app).
func New(opts Options) *Server {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.Context == nil {
		opts.Context = context.Background()
	}
	more := extras.From(opts.Context)
	cfg, err := more.Settings, error(nil)
	if cfg == nil {
		if cfg, err = opts.settings(); err != nil {
			cfg, _ = Options{}.settings() // defaults are never wrong
		}
		opts.Logger = slog.New(advice.New(opts.Logger.Handler(), cfg, optionName))
	}
	opts.Logger = sparse.Logger(opts.Logger)
	s := &Server{
		invalid: err,
		opts:    newSetup(cfg, opts.Logger, more),
		log:     opts.Logger,
		clients: newClientFiles(),
		held:    more.HoldTasks,
		spaces:  make(map[string]*Namespace),
		dynamic: make(map[string]*dynamic),
	}
	s.memory = s.opts.Engine.Memory
	s.opts.SessionValues = opts.SessionValues
	s.life, s.end = context.WithCancel(opts.Context)
	s.opts.Engine.Open = s.open
	s.opts.Engine.Pack = s.pack
	s.opts.Engine.Allow = s.asked
	s.engine = engineio.NewServer(s.opts.Engine)
	s.queues.MaxTasks, s.queues.MaxBytes = s.opts.MaxQueuedEvents, maxQueuedBytes
	s.queues.Copies, s.queues.IsOver = s.engine.Copies, s.engine.IsDraining
	if s.opts.Recovery > 0 {
		s.claims.timeout = s.opts.ConnectTimeout
	}
	s.library = library.New(library.Options{
		Rooms:    s.newRooms,
		Recovery: s.opts.Recovery,
		Failed:   func(err error) { s.log.Error("packet not sent", "error", err) },
	})
	s.Namespace = s.Of("/")
	if more.View != nil {
		more.View(view{s.engine, s})
	}
	return s
}

// newRooms makes a namespace's adapter.
func (s *Server) newRooms(namespace string) *fanout.Adapter {
	return fanout.New(namespace, fanout.Config{
		Engine:      s.engine,
		Recovery:    s.opts.Recovery,
		Peers:       s.opts.Peers,
		ServerEvent: s.serverEvent,
		Joined:      s.opts.Hooks.Joined,
		Left:        s.opts.Hooks.Left,
		Describe:    describe,
		Moved:       moved,
	})
}

// Of returns a namespace, and makes clients able to connect to it. The name "*" stands for every
// namespace that has no handlers of its own, see also [Server.OfFunc]; which handlers a client gets
// is decided when it connects. A namespace that Of has named is kept for good, so a handler that
// acts on its own client's has c.To. Its Flask counterpart is the namespace= of every method.
func (s *Server) Of(name string) *Namespace {
	if name != "*" && (name == "" || name[0] != '/') {
		name = "/" + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.spaces[name]
	if n == nil {
		n = s.newNamespaceLocked(name)
		s.spaces[name] = n
	}
	return n
}

// OfFunc returns the namespace that stands for all whose names match, which have no handlers of
// their own: clients bring them into being, and they are forgotten when the last one has left. Of
// several functions the first that was given decides, and Of("*") comes last. match may be called
// at any time, from several goroutines; a method such as
// regexp.MustCompile(`^/room-\d+$`).MatchString will do. Flask has only namespace='*'; Node's is
// io.of with a pattern or a function.
func (s *Server) OfFunc(match func(name string) bool) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.newNamespaceLocked("*")
	n.match = match
	s.patterns = append(s.patterns, n)
	return n
}

func (s *Server) newNamespaceLocked(name string) *Namespace {
	n := &Namespace{name: name, server: s, handlers: make(map[string]*handler)}
	n.chain = n.dispatch
	n.moves.init(s)
	n.outgoing.line.init(s, n.outgoing.tell)
	if d := s.dynamic[name]; d != nil {
		d.kept = true
		n.rooms = d.rooms
	} else if name != "*" {
		n.rooms = s.library.Of(name)
	}
	return n
}

// OnErrorDefault registers an error handler: what is told of failed events in namespaces that have
// no [Namespace.OnError] of their own; without any, they are logged. Its Flask counterpart is
// @socketio.on_error_default.
func (s *Server) OnErrorDefault(handler ErrorHandler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onError = handler
}

// OnRequest registers a function that is asked before a connection is opened, by polling, WebSocket
// or plain WebSocket, in place of an earlier one. What it puts into the header is part of the
// answer, of a 101 too. If it reports false, the client is refused: with what it has written to w,
// or 403. Origins, hosts and limits of addresses are checked before and connect handlers run after.
// Flask has none: it is middleware around the WSGI application; in Node it is allowRequest and the
// event initial_headers.
func (s *Server) OnRequest(allow func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allow = allow
}

// asked is the function that OnRequest was given, nil without one.
func (s *Server) asked() func(http.ResponseWriter, *http.Request) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.allow
}

// Shutdown closes every client, waits until their disconnect handlers have run, and then ends what
// the server started, background tasks included. When ctx ends first, connections are cut and ctx's
// error is returned. Flask: socketio.stop().
//
// The clients are closed one after another, five milliseconds apart and within two fifths of the
// time until ctx's deadline, each when the handlers of what it has sent are done: they would else
// all come back at once.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.end()
	err := s.engine.Shutdown(ctx)
	done := make(chan struct{})
	go func() {
		s.conns.Wait()
		s.end()
		s.noMoreTasks()
		s.tasks.Wait()
		s.pool.Close()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
