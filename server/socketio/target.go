package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// Target is a choice of a namespace's clients, and how they are sent to. It does not
// change: To, Except, Volatile and Local return new ones.
type Target struct {
	server *Server
	in     *fanout.Adapter // of the namespace; nil for the several that of stands for
	of     *Namespace
	who    fanout.Selection
}

// To adds rooms: the clients in any of them are meant. A Target without rooms is
// every client, so a list of rooms that may be empty needs a look before. No room has the
// empty name: Emit and Call fail with it, and what returns no error logs it.
// Flask: to=[room, ...].
func (t *Target) To(rooms ...string) *Target {
	more := *t
	more.who = t.who.To(rooms...)
	return &more
}

// Except leaves the clients in these rooms out. Flask: skip_sid=[sid, ...].
func (t *Target) Except(rooms ...string) *Target {
	more := *t
	more.who = t.who.Without(rooms...)
	return &more
}

// Volatile sends only to those clients that can take an event at once, which a later one
// makes worthless: who is slow, or between two polls, misses it, also with recovery. It
// is for Emit alone. Flask has none; Node: volatile.
func (t *Target) Volatile() *Target {
	more := *t
	more.who.Volatile = true
	return &more
}

// Local chooses among the clients of this server of a cluster alone. Flask has none; Node:
// local.
func (t *Target) Local() *Target {
	more := *t
	more.who.Local = true
	return &more
}

// errNoRoom is a missing name where a room is meant, such as a field that the client has
// not sent.
var errNoRoom = errors.New(`the room "" is none: its name is missing`)

// named reports whether all rooms that are meant have names; if not, it logs what is not
// done for anybody.
func (t *Target) named(rooms []string, what string) bool {
	if !slices.Contains(t.who.Rooms, "") && !slices.Contains(rooms, "") {
		return true
	}
	t.server.log.Warn("nothing done: "+errNoRoom.Error(), "namespace", t.namespace(), "method", what)
	return false
}

// Emit sends an event to the clients. Arguments and errors are those of
// [Namespace.Emit]. Flask: socketio.emit(event, ..., to=...).
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

// adapters are those of the namespaces that the clients are in: several for Of("*").
func (t *Target) adapters() []*fanout.Adapter {
	if t.in != nil {
		return []*fanout.Adapter{t.in}
	}
	return t.server.broughtBy(t.of)
}

// namespace is the name of the namespace.
func (t *Target) namespace() string {
	if t.in != nil {
		return t.in.Name()
	}
	return t.of.name
}

// Answer is what one client acknowledged. Client is its id, empty for one of a Node server
// in the cluster, which does not tell it.
type Answer struct {
	Client string
	Values []Value
}

// Call sends an event to the clients and waits for their acknowledgements. When
// ctx ends, or a minute has passed if it has no deadline, it returns those that
// came and the context's error; when a client leaves instead of answering,
// [ErrDisconnected]. In a cluster clients of the other servers answer as well, those of
// Node servers with their first argument only, and one that leaves is waited for until
// the end. Flask: socketio.call(event, ..., to=sid), for one client.
func (t *Target) Call(ctx context.Context, event string, args ...any) ([]Answer, error) {
	e, err := t.event(event, args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	var mu sync.Mutex
	var answers []Answer
	expected, gone := -1, 0
	done := make(chan struct{})
	check := func() { // with mu held
		if len(answers)+gone == expected {
			close(done)
			expected = -1
		}
	}
	answered := func(client string, args []packet.Value, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			gone++
		} else {
			answers = append(answers, Answer{client, valueList(args)})
		}
		check()
	}
	sent := 0
	forget := []func(){}
	for _, rooms := range t.adapters() {
		n, f := rooms.Call(e, t.who, answered)
		sent += n
		forget = append(forget, f)
	}
	mu.Lock()
	expected = sent
	check()
	mu.Unlock()
	t.tellSent(e)
	others := t.callOthers(ctx, e, func(answer Answer) {
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, answer)
	})
	select {
	case <-done:
		if gone > 0 {
			err = ErrDisconnected
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
		for _, f := range forget {
			f()
		}
	}
	if late := others(); err == nil {
		err = late
	}
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(answers), err
}

// Join puts the clients into rooms. Flask: join_room(room, sid=sid).
func (t *Target) Join(rooms ...string) {
	if !t.named(rooms, "Join") {
		return
	}
	for _, a := range t.adapters() {
		a.Join(t.who, rooms)
	}
}

// Leave takes the clients out of rooms. Flask: leave_room(room, sid=sid).
func (t *Target) Leave(rooms ...string) {
	if !t.named(rooms, "Leave") {
		return
	}
	for _, a := range t.adapters() {
		a.Leave(t.who, rooms)
	}
}

// Disconnect disconnects the clients from the namespace, as [Context.Disconnect] does.
// Flask: disconnect(sid=sid).
func (t *Target) Disconnect() {
	if !t.named(nil, "Disconnect") {
		return
	}
	for _, a := range t.adapters() {
		a.Disconnect(t.who, false)
	}
}

// Close ends the clients' whole connections, as [Context.Close] does; in a cluster also
// those of clients of other Hipflask and Node servers. Flask: disconnect(sid=sid) and
// eio.disconnect; Node: disconnectSockets(true).
func (t *Target) Close() {
	if !t.named(nil, "Close") {
		return
	}
	for _, a := range t.adapters() {
		a.Disconnect(t.who, true)
	}
}

// Clients lists the ids of the clients. In a cluster it asks the other servers, and
// logs it when one of them does not answer in seconds.
// Flask: socketio.server.manager.get_participants(namespace, room).
func (t *Target) Clients() []string {
	ids := []string{}
	if !t.named(nil, "Clients") {
		return ids
	}
	for _, a := range t.adapters() {
		for _, m := range a.Members(t.who) {
			ids = append(ids, m.ID())
		}
	}
	return append(ids, t.fetchOthers()...)
}

// event is newEvent for the target.
func (t *Target) event(event string, args []any) (fanout.Event, error) {
	if slices.Contains(t.who.Rooms, "") {
		return fanout.Event{}, errNoRoom
	}
	return newEvent(event, args)
}

// newEvent is an event as clients are sent it. What may change later is written down now.
func newEvent(name string, args []any) (fanout.Event, error) {
	if packet.Reserved(name) {
		return fanout.Event{}, fmt.Errorf("event name %q is reserved", name)
	}
	args = spread(args)
	frozen, err := appendArgs(make([]any, 0, len(args)), args)
	return fanout.Event{Name: name, Args: frozen}, err
}

// spread is what a list of arguments stands for: a single nil for none, as None does in
// Flask, and a single Args for what is in it.
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

func appendArgs(data []any, args []any) ([]any, error) {
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

// valueList makes values of arguments that came in.
func valueList(args []packet.Value) []Value {
	values := make([]Value, len(args))
	for i, v := range args {
		values[i] = Value{packet.Carry(v)}
	}
	return values
}
