package socketio

import (
	"fmt"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// Emit sends an event to every client of the namespace. An argument is a [Value], []byte, or
// anything that JSON can write; []byte inside it travels as binary. A single nil is no argument, a
// single [Args] is what is in it. It fails when an argument cannot be written, and for the names
// that clients keep for themselves: connect, connect_error, disconnect, disconnecting, newListener
// and removeListener. To a client that has left, nothing is sent, and that is no error. Its Flask
// counterpart is socketio.emit(event, ..., namespace=...); send(x) is Emit("message", x).
func (n *Namespace) Emit(event string, args ...any) error { return n.To().Emit(event, args...) }

// Emit sends an event to the clients. Arguments and errors are those of [Namespace.Emit]. Flask:
// socketio.emit(event, ..., to=...).
func (t *Target) Emit(event string, args ...any) error {
	e, err := t.event(event, args)
	if err != nil {
		return err
	}
	for _, rooms := range t.adapters() {
		rooms.Broadcast(e, t.who)
	}
	t.tellSent(e)
	return nil
}

// Emit sends an event to this client alone. Flask: emit(event, ...). Arguments and errors are those
// of [Namespace.Emit].
func (c *Context) Emit(event string, args ...any) error {
	e, err := newEvent(event, args)
	if err != nil {
		return err
	}
	c.member.Send(e)
	c.tellSent(e)
	return nil
}

// event is newEvent for the target.
func (t *Target) event(event string, args []any) (fanout.Event, error) {
	if err := t.checkRooms(); err != nil {
		return fanout.Event{}, err
	}
	return newEvent(event, args)
}

// newEvent is an event as clients are sent it.
func newEvent(name string, args []any) (fanout.Event, error) {
	if packet.Reserved(name) {
		return fanout.Event{}, fmt.Errorf("event name %q is reserved", name)
	}
	frozen, err := freezeArgs(args)
	return fanout.Event{Name: name, Args: frozen}, err
}

// spread is what a list of arguments stands for: a single nil for none, as None does in Flask, and
// a single Args for what is in it.
func spread(args []any) []any {
	if len(args) != 1 {
		return args
	}
	if several, ok := args[0].(Args); ok {
		return several
	}
	if isNull(args[0]) {
		return nil
	}
	return args
}

// freezeArgs writes down what may change later of a list of arguments.
func freezeArgs(args []any) ([]any, error) {
	args = spread(args)
	data := make([]any, 0, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case Value:
			data = append(data, packet.Carried(v.raw))
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

// tellSent tells of an event that was sent to the client.
func (c *Context) tellSent(e fanout.Event) {
	if s := c.space.server; s.opts.Hooks.Sent != nil || s.heard.Load() > 0 {
		c.To(c.ID()).tellSent(e)
	}
}

// tellSent tells of an event that was sent.
func (t *Target) tellSent(e fanout.Event) {
	t.tellListeners(e)
	if tell := t.server.opts.Hooks.Sent; tell != nil {
		tell(inspected{t}, e.Name, eventArgs(e))
	}
}
