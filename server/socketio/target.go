package socketio

import (
	"errors"
	"slices"

	"hipflask/server/internal/fanout"
)

// To adds rooms: the clients in any of them are meant. A Target without rooms is every client, so a
// list of rooms that may be empty needs a look before. No room has the empty name: Emit and Call
// fail with it, and what returns no error logs it.
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

// Volatile sends only to those clients that can take an event at once, which a later one makes
// worthless: who is slow, or between two polls, misses it, also with recovery. It is for Emit
// alone. Flask has none; Node: volatile.
func (t *Target) Volatile() *Target {
	more := *t
	more.who.Volatile = true
	return &more
}

// Local chooses among the clients of this server of a cluster alone. Flask has none; Node: local.
func (t *Target) Local() *Target {
	more := *t
	more.who.Local = true
	return &more
}

// Compress reports whether what is emitted may be compressed on its way, as it is by default where
// the server compresses (--http-compression): false for what is compressed already, such as a
// picture, and for a secret beside what somebody else may write, which its length would tell of. It
// is for Emit, Call and Ask. Flask has none; Node: compress.
func (t *Target) Compress(may bool) *Target {
	more := *t
	more.who.Uncompressed = !may
	return &more
}

// errNoRoom is a missing name where a room is meant, such as a field that the client has not sent.
var errNoRoom = errors.New(`the room "" is none: its name is missing`)

// checkRooms is errNoRoom, unless all rooms that are meant have names.
func (t *Target) checkRooms() error {
	if slices.Contains(t.who.Rooms, "") {
		return errNoRoom
	}
	return nil
}

// each does something with the adapters of the clients' namespaces. Where a room that is meant has
// no name, it logs what is not done for anybody.
func (t *Target) each(what string, rooms []string, do func(*fanout.Adapter)) {
	if !t.named(rooms, what) {
		return
	}
	for _, a := range t.adapters() {
		do(a)
	}
}

// named reports whether all rooms that are meant have names; if not, it logs what is not done.
func (t *Target) named(rooms []string, what string) bool {
	if !slices.Contains(t.who.Rooms, "") && !slices.Contains(rooms, "") {
		return true
	}
	t.server.log.Warn("nothing done: "+errNoRoom.Error(), "namespace", t.namespace(), "method", what)
	return false
}

// adapters are those of the namespaces that the clients are in: several for Of("*").
func (t *Target) adapters() []*fanout.Adapter {
	if t.in != nil {
		return []*fanout.Adapter{t.in}
	}
	return t.server.broughtBy(t.of)
}

// broughtBy lists the namespaces that are there because n stands for them.
func (s *Server) broughtBy(n *Namespace) (list []*fanout.Adapter) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, d := range s.dynamic {
		if d.of == n {
			list = append(list, d.rooms)
		}
	}
	return list
}

// namespace is the name of the namespace.
func (t *Target) namespace() string {
	if t.in != nil {
		return t.in.Name()
	}
	return t.of.name
}

// Join puts the clients into rooms. Flask: join_room(room, sid=sid).
func (t *Target) Join(rooms ...string) {
	t.each("Join", rooms, func(a *fanout.Adapter) { a.Join(t.who, rooms) })
}

// Leave takes the clients out of rooms. Flask: leave_room(room, sid=sid).
func (t *Target) Leave(rooms ...string) {
	t.each("Leave", rooms, func(a *fanout.Adapter) { a.Leave(t.who, rooms) })
}

// Disconnect disconnects the clients from the namespace, as [Context.Disconnect] does.
// Flask: disconnect(sid=sid).
func (t *Target) Disconnect() {
	t.each("Disconnect", nil, func(a *fanout.Adapter) { a.Disconnect(t.who, false) })
}

// Close ends the clients' whole connections, as [Context.Close] does; in a cluster also those of
// clients of other Hipflask and Node servers. Flask: disconnect(sid=sid) and eio.disconnect; Node:
// disconnectSockets(true).
func (t *Target) Close() {
	t.each("Close", nil, func(a *fanout.Adapter) { a.Disconnect(t.who, true) })
}
