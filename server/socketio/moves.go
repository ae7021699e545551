package socketio

import (
	"slices"

	"hipflask/server/internal/fanout"
)

// OnJoin registers a function that is told of each client of this server that joins a room, in
// place of an earlier one; nil takes it away. Every client joins the room named by its id before
// its connect handler runs, and leaves it at the end, so that is told of everybody who comes, also
// of those that are refused.
//
// The function is called after the fact, beside the handlers: what it does holds nobody up, and it
// may emit, ask, join and leave as a handler may. Calls to the functions of OnJoin and OnLeave come
// one after another, in the order in which it happened. When thousands of them wait, a join that is
// undone meanwhile is left out with its leave. Who is there already is not told: register first,
// then ask [Target.Sockets]. Flask has none; Node: io.of(...).adapter.on("join-room").
func (n *Namespace) OnJoin(listener func(c *Context, room string)) {
	n.moves.listen(&n.moves.joined, listener)
}

// OnLeave registers a function that is told of each client of this server that leaves a room, by
// whatever way, as [Namespace.OnJoin] says. What handlers have kept for the client is still there.
// Flask has none; Node: io.of(...).adapter.on("leave-room").
func (n *Namespace) OnLeave(listener func(c *Context, room string)) {
	n.moves.listen(&n.moves.left, listener)
}

func (m *moves) init(s *Server) {
	m.line.Begin, m.line.Fit = s.aside, m.fit
	m.line.Do = func(v move) { s.guard(func() { m.tell(v) }, "listener panicked") }
}

func (m *moves) listen(which *func(*Context, string), listener func(*Context, string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*which = listener
	m.heard.Store(m.joined != nil || m.left != nil)
}

func (m *moves) tell(v move) {
	m.mu.Lock()
	listener := m.left
	if v.in {
		listener = m.joined
	}
	m.mu.Unlock()
	if listener != nil {
		listener(v.c, v.room)
	}
}

// manyMoves is how many wait before they are looked through for what is undone. What is then left
// is bounded by the rooms that clients are in and those they were told in.
const manyMoves = 4096

func (m *moves) fit(waiting []move) []move {
	if len(waiting) >= max(m.limit, manyMoves) {
		waiting = withoutUndone(waiting)
		m.limit = 2 * len(waiting)
	}
	return waiting
}

// withoutUndone leaves out, for each client and room, what is undone by what follows. A client
// joins and leaves a room by turns, so of an odd number the last one is left, and of an even one
// none.
func withoutUndone(waiting []move) []move {
	type stay struct {
		c    *Context
		room string
	}
	changed := make(map[stay]bool)
	for _, v := range waiting {
		s := stay{v.c, v.room}
		changed[s] = !changed[s]
	}
	var left []move
	for _, v := range slices.Backward(waiting) {
		if s := (stay{v.c, v.room}); changed[s] {
			changed[s] = false
			left = append(left, v)
		}
	}
	slices.Reverse(left)
	return left
}

// moved is what the adapters tell, see [fanout.Config]: with the namespace locked.
func moved(client fanout.Client, room string, in bool) {
	c, ok := client.(*Context)
	if !ok || !c.space.moves.heard.Load() {
		return
	}
	c.space.moves.line.Push(move{c, room, in})
}
