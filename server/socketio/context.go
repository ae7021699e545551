package socketio

import (
	"context"
	"maps"
	"net/http"
	"sync"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/library"
	"hipflask/server/internal/packet"
)

// Context is one client's connection to one namespace: what a handler acts on. It
// stays the same from connect to disconnect, and may be used from any goroutine.
type Context struct {
	space  *Namespace // whose handlers it has
	conn   *conn
	client *library.Client
	rooms  *fanout.Adapter // of the namespace
	member *fanout.Member  // there
	in     *dynamic        // the namespace, if it can be forgotten; set once it is connected

	// The rest is guarded by conn.mu.
	over     bool     // the client is gone, whether or not the queue has got there
	unwanted bool     // it is to be disconnected once it is connected
	claim    *claim   // to its session, with recovery
	auth     []byte   // nil for {}
	own      *session // see SetData; nil until somebody asks
	life     context.Context
	end      context.CancelCauseFunc
}

// finish ends what waits for the client. conn.mu is held.
func (c *Context) finish() {
	c.over = true
	if c.end != nil {
		c.end(ErrDisconnected)
	}
	c.member.End()
}

// session is what handlers keep for a client. With recovery it outlives the
// connection, so it has a lock of its own.
type session struct {
	mu     sync.Mutex
	begin  func() map[string]any // what it begins with; nil for nothing, and once that was taken over
	values map[string]any
	shown  map[string]packet.Value // see SetData; nil for none
}

// newSession makes the connection's session. What it begins with is not made before
// somebody asks, except with recovery: it would keep the connection for as long.
func (c *conn) newSession() *session {
	s := &session{values: make(map[string]any)}
	if values := c.server.opts.SessionValues; values != nil {
		s.begin = func() map[string]any { return values(c.session.Request(), c.session.Opened()) }
		if c.server.opts.Recovery > 0 {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.beginLocked()
		}
	}
	return s
}

// beginLocked takes over what the session begins with. s.mu is held.
func (s *session) beginLocked() {
	if s.begin != nil {
		maps.Copy(s.values, s.begin())
		s.begin = nil
	}
}

// session returns the connection's session.
func (c *Context) session() *session {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.conn.values == nil {
		c.conn.values = c.conn.newSession()
	}
	return c.conn.values
}

// ID is the client's session id in this namespace. Flask: request.sid.
func (c *Context) ID() string { return c.member.ID() }

// Namespace is the namespace's name. Flask: request.namespace.
func (c *Context) Namespace() string { return c.rooms.Name() }

// Request is the HTTP request that opened the connection, without its body. Of the header
// 8 KiB are kept: Cookie, Authorization, Origin, Referer, User-Agent and X-Forwarded-*
// first, other fields as far as they fit.
// Flask: request.
func (c *Context) Request() *http.Request { return c.conn.session.Request() }

// Recovered says whether the client came back to its session after it was cut off:
// it is in its rooms again, has its values, and is sent what it missed, after this.
// Connect handlers run as for a new client. Flask has none; see [Options].Recovery.
func (c *Context) Recovered() bool { return c.member.Recovered() }

// Context ends when the client leaves the namespace, and when it is refused: what
// waits for the client has no more to wait for. Flask has none.
func (c *Context) Context() context.Context {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.life == nil {
		c.life, c.end = context.WithCancelCause(context.Background())
		if c.over {
			c.end(ErrDisconnected)
		}
	}
	return c.life
}

// Set keeps a value for the client's connection, whatever its namespaces, until
// that ends. The page's session, with which that of the connection began, is not
// changed. Flask: session[key] = value.
func (c *Context) Set(key string, value any) {
	s := c.session()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginLocked()
	s.values[key] = value
}

// Get returns what was kept under the key, nil if nothing was. With a secret key
// (--secret-key) that is, to begin with, what Flask keeps in the session cookie of the
// page that opened the connection: Get("_user_id") is flask-login's user. Numbers are
// then int64 or float64, lists []any and dicts map[string]any; package flasksession
// lists all types. Flask: session.get(key).
func (c *Context) Get(key string) any {
	s := c.session()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginLocked()
	return s.values[key]
}

// Emit sends an event to this client alone. Flask: emit(event, ...). Arguments and
// errors are those of [Namespace.Emit].
func (c *Context) Emit(event string, args ...any) error {
	e, err := newEvent(event, args)
	if err != nil {
		return err
	}
	c.member.Send(e)
	c.tellSent(e)
	return nil
}

// Call sends an event to this client and waits for its acknowledgement: until ctx
// ends, a minute if it has no deadline, or the client leaves. A handler that waits
// holds up this client's later events. In a connect handler it cannot be answered:
// the client hears nothing before that has returned. Flask: call(event, ...,
// to=request.sid).
func (c *Context) Call(ctx context.Context, event string, args ...any) ([]Value, error) {
	wait, err := c.ask(event, args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	return wait(ctx)
}

// ask sends the event. What it returns waits for the acknowledgement, and is called once.
func (c *Context) ask(event string, args []any) (wait func(context.Context) ([]Value, error), err error) {
	e, err := newEvent(event, args)
	if err != nil {
		return nil, err
	}
	gone := c.Context()
	answer := make(chan []Value, 1)
	forget := c.member.Ask(e, func(args []packet.Value, err error) {
		if err == nil {
			answer <- valueList(args)
		}
	})
	c.tellSent(e)
	return func(ctx context.Context) ([]Value, error) {
		defer forget()
		select {
		case values := <-answer:
			return values, nil
		case <-gone.Done():
			err = ErrDisconnected
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		select { // both
		case values := <-answer:
			return values, nil
		default:
			return nil, err
		}
	}, nil
}

// Ask sends an event to this client and returns at once; callback is told later what it
// acknowledged, or, as Call is, why nothing: it is called once, beside the client's
// handlers, and not at all when Ask fails. Flask: emit(event, ..., callback=answered).
func (c *Context) Ask(callback func(answer []Value, err error), event string, args ...any) error {
	wait, err := c.ask(event, args)
	if err == nil {
		c.space.server.aside(func() {
			ctx, cancel := withDeadline(context.Background())
			defer cancel()
			callback(wait(ctx))
		})
	}
	return err
}

// To returns the clients in any of the rooms, this one among them if it is in one;
// without rooms, every client. The empty name alone, such as that of a room that the
// client has not sent, means this client, as to=None and to=” do in Flask.
// Flask: emit(..., to=room), emit(..., broadcast=True).
func (c *Context) To(rooms ...string) *Target {
	if len(rooms) == 1 && rooms[0] == "" {
		rooms = []string{c.ID()}
	}
	return (&Target{server: c.space.server, in: c.rooms}).To(rooms...)
}

// Others returns every client of the namespace but this one.
// Flask: emit(..., broadcast=True, include_self=False).
func (c *Context) Others() *Target { return c.To().Except(c.ID()) }

// Join puts the client into rooms. Flask: join_room(room).
func (c *Context) Join(rooms ...string) {
	if c.To().named(rooms, "Join") {
		c.member.Join(rooms...)
	}
}

// Leave takes the client out of rooms. Flask: leave_room(room).
func (c *Context) Leave(rooms ...string) { c.member.Leave(rooms...) }

// Rooms lists the rooms the client is in, its own among them. In the disconnect handler
// these are the rooms it was in until then, so that the others can be told: an emit to
// them reaches everybody else, whatever made the client leave. Afterwards there are none.
// Flask: rooms(); Node's "disconnecting" shows the same.
func (c *Context) Rooms() []string { return c.member.Rooms() }

// Disconnect tells the client that it is disconnected from the namespace, and
// leaves its connection open, as Flask does: a JavaScript client then does not
// reconnect by itself. In a connect handler the client is told first that it is
// connected, and gets what was emitted to it; to refuse it, return an error, see
// [Refuse]. Flask: disconnect().
func (c *Context) Disconnect() {
	if !c.unwantedWhileJoining() {
		c.client.Disconnect()
	}
}

// unwantedWhileJoining has a client that is only now being connected disconnected once it
// is, and reports whether it is: the library ignores a disconnect before that.
func (c *Context) unwantedWhileJoining() bool {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	if c.conn.joining != c {
		return false
	}
	c.unwanted = true
	return true
}

// Refusal is an error with which a connect handler refuses a client.
type Refusal struct {
	Message string // what the client's connect_error says
	Data    any    // sent along, if not nil
}

// Refuse makes a [Refusal]. Flask: raise ConnectionRefusedError(message).
func Refuse(message string) error { return &Refusal{Message: message} }

func (r *Refusal) Error() string { return r.Message }
