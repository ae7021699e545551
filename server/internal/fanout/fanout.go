// Package fanout owns rooms and broadcasts: which client is in which room, and how
// one message gets to many. A packet is encoded once, and every connection it goes to
// shares the encoded frame.
//
// All that one namespace broadcasts leaves in one order: any two clients see the
// messages that both get in the same order, and a direct emit that follows a
// broadcast follows it on the wire as well.
package fanout

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// Config is what the adapters of all namespaces have in common.
type Config struct {
	Engine   *engineio.Server
	Recovery time.Duration // how long clients that were cut off may come back; 0: not at all
	Peers    Peers         // the other servers; nil without a cluster

	// ServerEvent handles an event that another server sent this one, and returns
	// the answer for it.
	ServerEvent func(namespace, event string, args []packet.Value) packet.Value

	// Joined and Left are told who joins and leaves rooms; nil: nobody is.
	Joined, Left func(namespace, room, id string)

	// Describe tells another server of a member; with headers also those of the request
	// that opened its connection.
	Describe func(m *Member, headers bool) Description
	// Moved is told of each member that joins or leaves a room, from its announcement on
	// and in order; nil: nobody is. The namespace is locked meanwhile, so it must not wait,
	// and do nothing with rooms or broadcasts.
	Moved func(c Client, room string, in bool)
}

// Adapter holds one namespace's members and rooms.
type Adapter struct {
	config Config
	name   string
	ids    atomic.Uint64 // of what waits for acknowledgements

	mu      sync.Mutex
	members map[string]*Member
	order   []*Member // the same, for iterating
	rooms   map[string]map[*Member]struct{}
	choices uint64 // how many selections were walked through

	recovery *recovery // nil: switched off
}

// New makes the adapter of a namespace of that name.
func New(name string, c Config) *Adapter {
	a := &Adapter{
		config:   c,
		name:     name,
		members:  make(map[string]*Member),
		rooms:    make(map[string]map[*Member]struct{}),
		recovery: newRecovery(c.Recovery),
	}
	if a.config.Peers != nil {
		a.config.Peers.Attach(a)
	}
	return a
}

// Close ends the namespace's part in the cluster.
func (a *Adapter) Close() {
	if a.config.Peers != nil {
		a.config.Peers.Detach(a)
	}
}

// Name is the namespace's name.
func (a *Adapter) Name() string { return a.name }

// Client is what a member is to its handlers.
type Client interface {
	Disconnect() // from the namespace
	Close()      // its whole connection
}

// Member is one client of the namespace, from its introduction until it is removed.
type Member struct {
	adapter *Adapter
	id      string
	acks    acks

	// The rest is guarded by the adapter's mutex; session, client and since are set by
	// the introduction and then stay.
	index   int // in order
	session *engineio.Session
	client  Client // nil until it is introduced
	since   time.Time
	rooms   []string
	over    bool   // nobody asks any more in which rooms it was
	visited uint64 // the choice that came by last

	announced bool        // see Announce
	sent      func(Event) // see Listen; nil: nobody listens

	// admitted is set once the client was told that it is connected. What is
	// broadcast to it before then waits in early: it must not come first.
	admitted bool
	early    []*engineio.Message

	data      any     // see Keep
	recovered bool    // it came back to its session
	past      *past   // what recovery has to know; nil if it is switched off
	coming    *coming // a client that comes back to its session, until it is admitted
}

// coming is a client on its way back to its session: nothing that waits for it may go.
type coming struct {
	owed   int  // how many of early it missed while it was away
	behind bool // more came since than early holds
}

// Introduce makes a client known before its connection is admitted, so that it takes
// part in what its connect handler does. It joins the room of its own id next.
func (a *Adapter) Introduce(id string, session *engineio.Session, client Client) *Member {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.memberLocked(id)
	m.session, m.client, m.since = session, client, time.Now()
	return m
}

// memberLocked returns the member of that id, new if there was none.
func (a *Adapter) memberLocked(id string) *Member {
	m := a.members[id]
	if m == nil {
		m = &Member{adapter: a, id: id, index: len(a.order), past: a.recovery.begin()}
		a.members[id] = m
		a.order = append(a.order, m)
	}
	return m
}

// Remove takes a client out of all rooms and forgets it. Who handles its end can still
// ask which rooms those were.
func (a *Adapter) Remove(id string) {
	a.mu.Lock()
	m := a.members[id]
	if m == nil {
		a.mu.Unlock()
		return
	}
	for _, room := range m.rooms {
		a.leaveLocked(m, room)
	}
	last := a.order[len(a.order)-1]
	a.order[m.index], last.index = last, m.index
	a.order[len(a.order)-1] = nil
	a.order = a.order[:len(a.order)-1]
	delete(a.members, id)
	rooms := m.rooms
	a.mu.Unlock()
	m.acks.end()
	a.tell(a.config.Left, m, rooms...)
}

// tell tells one of the hooks of a member and rooms.
func (a *Adapter) tell(hook func(namespace, room, id string), m *Member, rooms ...string) {
	if hook == nil {
		return
	}
	for _, room := range rooms {
		hook(a.name, room, m.id)
	}
}

// isHereLocked reports whether the member was not removed.
func (a *Adapter) isHereLocked(m *Member) bool { return a.members[m.id] == m }

// joinLocked puts m into rooms and returns those that are new to it.
func (a *Adapter) joinLocked(m *Member, rooms []string) (joined []string) {
	for _, room := range rooms {
		if _, in := a.rooms[room][m]; in {
			continue
		}
		if a.rooms[room] == nil {
			a.rooms[room] = make(map[*Member]struct{})
		}
		a.rooms[room][m] = struct{}{}
		m.rooms = append(m.rooms, room)
		if m.past != nil {
			m.past.enter(room, a.recovery.next)
		}
		joined = append(joined, room)
		m.tellMovedLocked(room, true)
	}
	return joined
}

// leaveLocked removes m from the room's set and reports whether it was there; the
// member's own list is the caller's.
func (a *Adapter) leaveLocked(m *Member, room string) bool {
	set := a.rooms[room]
	if _, in := set[m]; !in {
		return false
	}
	if delete(set, m); len(set) == 0 {
		delete(a.rooms, room)
	}
	m.tellMovedLocked(room, false)
	return true
}

// Join puts the client into rooms. One that was removed is not: it would stay in them
// for ever.
func (m *Member) Join(rooms ...string) {
	a := m.adapter
	a.mu.Lock()
	var joined []string
	if a.isHereLocked(m) {
		joined = a.joinLocked(m, rooms)
	}
	a.mu.Unlock()
	a.tell(a.config.Joined, m, joined...)
}

// Leave takes the client out of rooms.
func (m *Member) Leave(rooms ...string) {
	a := m.adapter
	for _, room := range rooms {
		a.mu.Lock()
		left := a.isHereLocked(m) && a.leaveLocked(m, room)
		if left {
			m.rooms = slices.DeleteFunc(m.rooms, func(r string) bool { return r == room })
			if m.past != nil {
				m.past.exit(room, a.recovery.next, a.recovery.first())
			}
		}
		a.mu.Unlock()
		if left {
			a.tell(a.config.Left, m, room)
		}
	}
}

// Rooms lists the rooms that the client is in, or was in when it was removed.
func (m *Member) Rooms() []string {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	if m.over {
		return []string{}
	}
	return append([]string{}, m.rooms...)
}

// End is for a client that is gone, though it is not removed yet: it acknowledges
// nothing.
func (m *Member) End() { m.acks.end() }

// Forget is for a client whose end was handled: it was in no rooms.
func (m *Member) Forget() {
	m.adapter.mu.Lock()
	defer m.adapter.mu.Unlock()
	m.over = true
}

// ID is the client's id in the namespace.
func (m *Member) ID() string { return m.id }

// Session is the client's session.
func (m *Member) Session() *engineio.Session { return m.session }

// Address is the client's address, without a port where there is one.
func (m *Member) Address() string {
	addr := m.session.Remote()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// Client is what the member was introduced as.
func (m *Member) Client() Client { return m.client }

// Since is when the client came to the namespace.
func (m *Member) Since() time.Time { return m.since }

// eachLocked calls fn once for each member that is chosen. fn makes no other choice.
func (a *Adapter) eachLocked(c *choice, fn func(*Member)) {
	a.choices++
	visit := func(m *Member) {
		if m.visited != a.choices {
			m.visited = a.choices
			if !a.exceptedLocked(c, m) {
				fn(m)
			}
		}
	}
	switch {
	case len(c.Rooms) == 0:
		for _, m := range a.order {
			visit(m)
		}
	case len(c.Rooms) <= len(a.rooms):
		for _, room := range c.Rooms {
			for m := range a.rooms[room] {
				visit(m)
			}
		}
	default:
		for room, members := range a.rooms {
			if !c.names(room) {
				continue
			}
			for m := range members {
				visit(m)
			}
		}
	}
}

// exceptedLocked looks at whichever list is shorter: the excepted rooms, or the member's.
func (a *Adapter) exceptedLocked(c *choice, m *Member) bool {
	if len(c.Except) <= len(m.rooms) {
		return slices.ContainsFunc(c.Except, func(room string) bool {
			_, in := a.rooms[room][m]
			return in
		})
	}
	return slices.ContainsFunc(m.rooms, c.excepts)
}

// Members lists the members of this server that a selection names.
func (a *Adapter) Members(of Selection) []*Member {
	c := newChoice(of)
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []*Member
	a.eachLocked(c, func(m *Member) {
		if m.client != nil {
			list = append(list, m)
		}
	})
	return list
}

// Member returns the member of that id, nil if this server has none. Unlike a selection
// it is not misled by a room of that name.
func (a *Adapter) Member(id string) *Member {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.members[id]; m != nil && m.client != nil {
		return m
	}
	return nil
}

// HasRoom reports whether a client of this server is in the room.
func (a *Adapter) HasRoom(room string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rooms[room]) > 0
}

// Rooms lists the rooms that clients of this server are in.
func (a *Adapter) Rooms() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	rooms := make([]string, 0, len(a.rooms))
	for room := range a.rooms {
		rooms = append(rooms, room)
	}
	return rooms
}
