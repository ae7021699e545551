package socketio

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/packet"
)

// Target is a choice of a namespace's clients, and how they are sent to. It does not
// change: To, Except, Volatile and Local return new ones.
type Target struct {
	server          *Server
	io              socket.Namespace
	rooms, except   []string
	volatile, local bool
}

// To adds rooms: the clients in any of them are meant. A Target without rooms is
// every client, so a list of rooms that may be empty needs a look before. No room has the
// empty name: Emit and Call fail with it, and what returns no error logs it.
// Flask: to=[room, ...].
func (t *Target) To(rooms ...string) *Target {
	more := *t
	more.rooms = slices.Concat(t.rooms, rooms)
	return &more
}

// Except leaves the clients in these rooms out. Flask: skip_sid=[sid, ...].
func (t *Target) Except(rooms ...string) *Target {
	more := *t
	more.except = slices.Concat(t.except, rooms)
	return &more
}

// Volatile sends only to those clients that can take an event at once, which a later one
// makes worthless: who is slow, or between two polls, misses it, also with recovery. It
// is for Emit alone. Flask has none; Node: volatile.
func (t *Target) Volatile() *Target {
	more := *t
	more.volatile = true
	return &more
}

// Local chooses among the clients of this server of a cluster alone. Flask has none; Node:
// local.
func (t *Target) Local() *Target {
	more := *t
	more.local = true
	return &more
}

// errNoRoom is a missing name where a room is meant, such as a field that the client has
// not sent.
var errNoRoom = errors.New(`the room "" is none: its name is missing`)

// named reports whether all rooms that are meant have names; if not, it logs what is not
// done for anybody.
func (t *Target) named(rooms []string, what string) bool {
	if !slices.Contains(t.rooms, "") && !slices.Contains(rooms, "") {
		return true
	}
	t.server.log.Warn("nothing done: "+errNoRoom.Error(), "namespace", t.io.Name(), "method", what)
	return false
}

// Emit sends an event to the clients. Arguments and errors are those of
// [Namespace.Emit]. Flask: socketio.emit(event, ..., to=...).
func (t *Target) Emit(event string, args ...any) error {
	data, err := t.event(event, args)
	if err != nil {
		return err
	}
	for _, nsp := range t.namespaces() {
		nsp.Adapter().Broadcast(&parser.Packet{Type: parser.EVENT, Data: data}, t.options())
	}
	t.tellSent(data)
	return nil
}

// namespaces are those that the clients are in: several for Of("*").
func (t *Target) namespaces() []socket.Namespace {
	if all, ok := t.io.(socket.ParentNamespace); ok {
		return all.Children().Keys()
	}
	return []socket.Namespace{t.io}
}

// Join puts the clients into rooms. Flask: join_room(room, sid=sid).
func (t *Target) Join(rooms ...string) {
	if !t.named(rooms, "Join") {
		return
	}
	for _, nsp := range t.namespaces() {
		nsp.Adapter().AddSockets(t.options(), roomList(rooms))
	}
}

// Leave takes the clients out of rooms. Flask: leave_room(room, sid=sid).
func (t *Target) Leave(rooms ...string) {
	if !t.named(rooms, "Leave") {
		return
	}
	for _, nsp := range t.namespaces() {
		nsp.Adapter().DelSockets(t.options(), roomList(rooms))
	}
}

// Disconnect disconnects the clients from the namespace, as [Context.Disconnect] does.
// Flask: disconnect(sid=sid).
func (t *Target) Disconnect() {
	if !t.named(nil, "Disconnect") {
		return
	}
	for _, nsp := range t.namespaces() {
		nsp.Adapter().DisconnectSockets(t.options(), false)
	}
}

// Close ends the clients' whole connections, as [Context.Close] does; in a cluster also
// those of clients of other Hipflask and Node servers. Flask: disconnect(sid=sid) and
// eio.disconnect; Node: disconnectSockets(true).
func (t *Target) Close() {
	if !t.named(nil, "Close") {
		return
	}
	for _, nsp := range t.namespaces() {
		nsp.Adapter().DisconnectSockets(t.options(), true)
	}
}

// options is the target as the adapter reads it; nil for every client.
func (t *Target) options() *socket.BroadcastOptions {
	if len(t.rooms) == 0 && len(t.except) == 0 && !t.volatile && !t.local {
		return nil
	}
	opts := &socket.BroadcastOptions{Rooms: roomSet(t.rooms), Except: roomSet(t.except)}
	if t.volatile || t.local {
		opts.Flags = &socket.BroadcastFlags{Local: t.local}
		opts.Flags.Volatile = t.volatile
	}
	return opts
}

// event is eventData for the target.
func (t *Target) event(event string, args []any) ([]any, error) {
	if err := t.checkRooms(); err != nil {
		return nil, err
	}
	return eventData(event, args)
}

func (t *Target) checkRooms() error {
	if slices.Contains(t.rooms, "") {
		return errNoRoom
	}
	return nil
}

func roomList(names []string) []socket.Room {
	list := make([]socket.Room, len(names))
	for i, name := range names {
		list[i] = socket.Room(name)
	}
	return list
}

func roomSet(names []string) *types.Set[socket.Room] {
	set := types.NewSet[socket.Room]()
	for _, name := range names {
		set.Add(socket.Room(name))
	}
	return set
}

// eventData is an event as the library carries it: the name, then the arguments.
// What may change later is written down now.
func eventData(event string, args []any) ([]any, error) {
	if socket.SOCKET_RESERVED_EVENTS.Has(event) {
		return nil, fmt.Errorf("event name %q is reserved", event)
	}
	args = spread(args)
	data := make([]any, 1, 1+len(args))
	data[0] = event
	return appendArgs(data, args)
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

// ackValues turns what conn.acked hands on back into values.
func ackValues(args []any) []Value {
	values := make([]Value, 0, len(args))
	for _, arg := range args {
		if v, ok := arg.(Value); ok {
			values = append(values, v)
		}
	}
	return values
}
