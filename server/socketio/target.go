package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"hipflask/server/internal/fanout"
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

// fetchTimeout is how long the other servers have to list their clients.
const fetchTimeout = 5 * time.Second

// fetchOthers lists the clients of the other servers.
func (t *Target) fetchOthers() []string {
	if t.server.opts.Peers == nil || t.who.Local {
		return nil
	}
	ctx, cancel := context.WithTimeout(t.server.life, fetchTimeout)
	defer cancel()
	var ids []string
	for _, a := range t.adapters() {
		found, err := a.FetchOthers(ctx, t.who)
		if err != nil {
			t.server.log.Warn("not all servers have listed their clients", "namespace", a.Name(), "error", err)
		}
		ids = append(ids, found...)
	}
	return ids
}
