package socketio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/sparse"
)

// isUsed reports whether anything was registered.
func (n *Namespace) isUsed() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.handlers) > 0 || len(n.use) > 0 || n.onError != nil || n.moves.heard.Load() || n.outgoing.heard.Load()
}

// On registers the handler of an event, in place of an earlier one, which is then logged. fn is a
// function that takes, in this order,
//
//   - nothing or a *[Context], the client that sent the event;
//   - the event's arguments: as [Value], as they came, or as any type that JSON
//     decodes into, []byte for binary; the last may be variadic.
//
// So func(*Context, Message), func(name string, rest ...Value) (int, error) and func() are all
// handlers. JSON is decoded as encoding/json does: null leaves a zero value, and a struct ignores
// fields that it does not have.
//
// What it returns is sent as the acknowledgement, if the client asked for one: several values as
// several arguments, nil alone as none, [Args] as what is in it. An error as the last result fails
// the event instead, see also [ErrNoAck]. An event with another number of arguments, or of other
// types, fails as well. A failed event is not acknowledged, and told to the error handler, see
// [Namespace.OnError].
//
// Three names are special. "connect" comes first and takes the client's auth payload or nothing; an
// error refuses the client, see [Refuse]. "disconnect" comes last and takes the reason or nothing.
// "*" gets the events that have no handler, with the event's name before its arguments.
//
// Its Flask counterpart is @socketio.on(event, namespace=...).
func (n *Namespace) On(event string, fn any) error {
	if n.server.invalid != nil {
		return n.server.invalid
	}
	h, err := newHandler(event, fn)
	if err != nil {
		return fmt.Errorf("handler of %q %w", event, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handlers[event] != nil {
		n.server.log.Warn("handler replaced by another for the same event", "namespace", n.name, "event", event)
	}
	n.handlers[event] = h
	return nil
}

// Off removes the handler of an event, if it has one. Flask has none: a handler stays; in Node it
// is off.
func (n *Namespace) Off(event string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.handlers, event)
}

// Handle registers the methods of v whose names begin with On: OnConnect for "connect", OnMyEvent
// for "my_event". Its Flask counterpart is socketio.on_namespace with a Namespace class.
func (n *Namespace) Handle(v any) error {
	rv := reflect.ValueOf(v)
	if !rv.IsValid() {
		return errors.New("nil has no methods")
	}
	var errs []error
	for i := range rv.NumMethod() {
		name, ok := strings.CutPrefix(rv.Type().Method(i).Name, "On")
		if ok && name != "" {
			errs = append(errs, n.On(snakeCase(name), rv.Method(i).Interface()))
		}
	}
	if len(errs) == 0 {
		return fmt.Errorf("%T has no method whose name begins with On", v)
	}
	return errors.Join(errs...)
}

func snakeCase(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Use puts middleware around the handlers of the namespace, connect and disconnect included, and
// around events that have none. The first that was added is the outermost. A handler's panic passes
// through it: only deferred calls see it. Flask has decorators around single handlers instead.
func (n *Namespace) Use(m Middleware) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.use = append(n.use, m)
	n.chain = n.dispatch
	for _, m := range slices.Backward(n.use) {
		n.chain = m(n.chain)
	}
}

// OnError registers an error handler: what is told of events of this namespace that failed. Unlike
// in Flask it has no part in the acknowledgement: there is none. Its Flask counterpart is
// @socketio.on_error(namespace).
func (n *Namespace) OnError(handler ErrorHandler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onError = handler
}

// To returns the clients in any of the rooms; every client is in a room of its own named by its id.
// Without rooms it is every client of the namespace. Its Flask counterpart is to= and room=.
func (n *Namespace) To(rooms ...string) *Target {
	return (&Target{server: n.server, in: n.rooms, of: n}).To(rooms...)
}

// Except returns every client but those in the rooms. Its Flask counterpart is skip_sid=.
func (n *Namespace) Except(rooms ...string) *Target { return n.To().Except(rooms...) }

// CloseRoom takes all clients out of a room. Its Flask counterpart is socketio.close_room(room,
// namespace=...), and close_room(room) in a handler.
func (n *Namespace) CloseRoom(room string) { n.To(room).Leave(room) }

// run runs an event's handlers, so that a panic costs no more than an error.
func (n *Namespace) run(c *Context, event string, args []Value) (reply []any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	if n.server.opts.Hooks.Handled != nil {
		defer n.tellHandled(event, time.Now())
	}
	n.mu.RLock()
	chain := n.chain
	n.mu.RUnlock()
	return chain(c, event, args)
}

// tellHandled reports to the hook how long an event took that began at start.
func (n *Namespace) tellHandled(event string, start time.Time) {
	took := time.Since(start)
	n.server.opts.Hooks.Handled(n.name, n.registered(event), took)
}

// registered is the name that an event's handlers were registered under, empty without any.
func (n *Namespace) registered(event string) string {
	if isLifecycle(event) {
		return event
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	switch {
	case event != "*" && n.handlers[event] != nil:
		return event
	case n.handlers["*"] != nil:
		return "*"
	}
	return ""
}

// dispatch calls the event's handler, or the one for all events.
func (n *Namespace) dispatch(c *Context, event string, args []Value) ([]any, error) {
	n.mu.RLock()
	h := n.handlers[event]
	all := n.handlers["*"]
	n.mu.RUnlock()
	if event == "*" {
		h = nil // its first argument would be taken for the event's name
	}
	switch {
	case h != nil:
		return h.call(c, args)
	case isLifecycle(event):
		return nil, nil
	case all != nil:
		return all.call(c, slices.Insert(slices.Clone(args), 0, Value{packet.Carry(packet.TextValue(event))}))
	}
	return nil, errNoHandler
}

// failed reports an event that failed to the hook, and to the error handler or else to the log.
func (n *Namespace) failed(c *Context, event string, err error) {
	if errors.Is(err, errNoHandler) {
		if n.server.log.Enabled(context.Background(), slog.LevelDebug) {
			n.server.log.Debug("event ignored", c.logged(event, "error", err)...)
		}
		return
	}
	var panicked *PanicError
	errors.As(err, &panicked)
	registered := n.registered(event)
	if tell := n.server.opts.Hooks.Failed; tell != nil {
		tell(n.name, registered, panicked != nil)
	}
	n.mu.RLock()
	handler := n.onError
	n.mu.RUnlock()
	if handler == nil {
		n.server.mu.RLock()
		handler = n.server.onError
		n.server.mu.RUnlock()
	}
	if handler != nil {
		n.server.guard(func() { handler(c, event, err) }, "error handler panicked", c.logged(event)...)
		return
	}
	args := c.logged(event, "error", err)
	if panicked != nil {
		args = append(args, "stack", string(panicked.Stack))
	}
	// Each handler has its share of the log, so that one that clients make fail does not hide
	// another.
	n.server.log.ErrorContext(sparse.As(context.Background(), "event failed: "+n.name+" "+registered), "event failed", args...)
}

// logged is what a line about one of the client's events has, and then args. It tells no id: that
// of an Engine.IO 3 client is its session's, which is a secret.
func (c *Context) logged(event string, args ...any) []any {
	session := c.conn.session
	return append([]any{"namespace", c.Namespace(), "event", event, "connection", session.Name(), "address", session.Remote()}, args...)
}
