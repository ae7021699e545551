// Package fanout owns rooms and broadcasts: which client is in which room, and how one message gets
// to many. A packet is encoded once, and every connection it goes to shares the encoded frame.
//
// All that one namespace broadcasts leaves in one order: any two clients see the messages that both
// get in the same order, and a direct emit that follows a broadcast follows it on the wire as well.
package fanout

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet"
)

// Config is what the adapters of all namespaces have in common.
type Config struct {
	Engine   *engineio.Server
	Recovery time.Duration // how long clients that were cut off may come back; 0: not at all
	Peers    Peers         // the other servers; nil without a cluster

	// ServerEvent handles an event that another server sent this one, and returns the answer for
	// it.
	ServerEvent func(namespace, event string, args []packet.Value) packet.Value

	// Joined and Left are told who joins and leaves rooms; nil: nobody is.
	Joined, Left func(namespace, room, id string)

	// Describe tells another server of a member; with headers also those of the request that opened
	// its connection.
	Describe func(m *Member, headers bool) Description
	// Moved is told of each member that joins or leaves a room, from its announcement on and in
	// order; nil: nobody is. The namespace is locked meanwhile, so it must not wait, and do nothing
	// with rooms or broadcasts.
	Moved func(c Client, room string, in bool)
}

// Peers are the other servers of a cluster. Methods that return no answer do not wait for them:
// what they are told leaves in the order of the calls.
type Peers interface {
	// Attach makes what the others say of a namespace reach its adapter.
	Attach(a *Adapter)
	// Detach ends that: the namespace is forgotten.
	Detach(a *Adapter)

	Broadcast(namespace string, e Event, to Selection)
	Join(namespace string, who Selection, rooms []string)
	Leave(namespace string, who Selection, rooms []string)
	Disconnect(namespace string, who Selection, closing bool)
	ServerSideEmit(namespace string, e Event) error

	// CallServers is ServerSideEmit for who wants answers: it returns those that came, and an error
	// unless all have.
	CallServers(ctx context.Context, namespace string, e Event) ([]packet.Value, error)

	// Call sends an event to clients of the other servers and calls answer with what each
	// acknowledges, until all have or ctx ends.
	Call(ctx context.Context, namespace string, e Event, to Selection, answer func(Answer)) error
	// Fetch lists clients of the other servers, and IDs their ids, which costs less. With an error
	// that names who did not answer they return what came.
	Fetch(ctx context.Context, namespace string, who Selection) ([]Description, error)
	IDs(ctx context.Context, namespace string, who Selection) ([]string, error)
}

// Sequence are peers that bring what all servers emit into one order. What they are told of comes
// back to this server as well, in its place: broadcasts by [Adapter.Deliver], the rest as for this
// server's clients alone.
type Sequence interface {
	Peers
	// After calls fn once this server's clients have been sent what the peers were told of before,
	// or that was given up: at once, if nothing waits. fn takes so many bytes, and may be dropped
	// if too much waits; never, if they are 0. It must not block.
	After(bytes int, fn func())

	// Position is how far this server is.
	Position() Position
	// Past calls fn with the namespace's broadcasts from a place on and up to another, Volatile
	// ones excepted, until fn returns false. It fails if not all from that place on are known any
	// more, then with [ErrForgotten].
	Past(namespace string, from, upTo offset.ID, fn func(e Event, to Selection, place offset.ID) bool) error

	Sessions
}

// Position is how far a server is in a sequence. Broadcasts behind Reached will come, those up to
// Dealt have been delivered, and those between Began and Reached have been or are being: none was
// left out. Who has seen nothing from Lost on, the zero place for nothing, cannot go on: the sequence
// has lost something that comes before.
type Position struct{ Began, Dealt, Reached, Lost offset.ID }

// ErrForgotten is what cannot be known any more of a sequence.
var ErrForgotten = errors.New("not known any more")

// Answer is what a client of another server acknowledges. Client is empty where that server does
// not name it, as Node's do, which pass on the first argument alone.
type Answer struct {
	Client string
	Args   []packet.Value
}

// Description is what servers tell each other of a client. Transport is empty where that server
// does not tell it, as Node's do not.
type Description struct {
	ID        string
	Handshake packet.Value // see package handshake
	Rooms     []string
	Data      packet.Value // an object
	Transport string
}

// Adapter holds one namespace's members and rooms.
type Adapter struct {
	config   Config
	sequence Sequence // the peers, if they keep one order; else nil
	name     string
	ids      atomic.Uint64 // of what waits for acknowledgements

	mu      locks.Adapter
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
	a.sequence, _ = c.Peers.(Sequence)
	if a.recovery != nil {
		a.recovery.sequenced = a.sequence != nil
	}
	if a.config.Peers != nil {
		a.config.Peers.Attach(a)
	}
	if a.recovery != nil && a.sequence != nil {
		a.mu.Lock()
		a.recovery.known = later(a.recovery.known, a.sequence.Position().Reached)
		a.mu.Unlock()
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

	// The rest is guarded by the adapter's mutex; session, client and since are set by the
	// introduction and then stay.
	session *engineio.Session
	client  Client // nil until it is introduced
	since   int64  // Unix milliseconds
	index   int    // in order
	visited uint64 // the choice that came by last
	rooms   []string

	over      bool // nobody asks any more in which rooms it was
	recovered bool // it came back to its session
	announced bool // see Announce

	// admitted is set once the client was told that it is connected. What is broadcast to it before
	// then waits in early: it must not come first.
	admitted bool
	early    []*engineio.Message

	sent func(Event) // see Listen; nil: nobody listens

	past      *past      // what recovery has to know; nil if it is switched off
	lapsed    bool       // it cannot go on from where it is
	shared    shared     // in a sequence, with recovery
	returning *returning // a client that comes back to its session, until it is admitted
}

// returning is of a client that comes back to its session: nothing that waits for it may be
// dropped.
type returning struct {
	owed   int  // how many of early it missed while it was away
	behind bool // more came since than early holds
}

// Introduce makes a client known before its connection is admitted, so that it takes part in what
// its connect handler does. It joins the room of its own id next.
func (a *Adapter) Introduce(id string, session *engineio.Session, client Client) *Member {
	a.mu.Lock()
	m := a.memberLocked(id)
	m.session, m.client, m.since = session, client, time.Now().UnixMilli()
	lapsed := m.lapsed
	a.mu.Unlock()
	if lapsed { // while it was on its way back to its session, see Lapse
		session.Close(engineio.TransportClose)
	}
	return m
}

// memberLocked returns the member of that id, new if there was none.
func (a *Adapter) memberLocked(id string) *Member {
	m := a.members[id]
	if m == nil {
		m = &Member{adapter: a, id: id, index: len(a.order), past: a.recovery.begin(a.nowLocked())}
		a.members[id] = m
		a.order = append(a.order, m)
	}
	return m
}

// nowLocked is the first place whose event a client that comes now can be sent.
func (a *Adapter) nowLocked() offset.ID {
	switch {
	case a.recovery == nil:
		return offset.ID{}
	case a.sequence == nil:
		return a.recovery.now()
	}
	return later(a.recovery.latest, a.sequence.Position().Dealt).Next()
}

// Remove takes a client out of all rooms and forgets it. Who handles its end can still ask which
// rooms those were.
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
			m.past.enter(room, later(a.recovery.now(), m.shared.from))
		}
		joined = append(joined, room)
		m.tellMovedLocked(room, true)
	}
	return joined
}

// leaveLocked removes m from the room's set and reports whether it was there; the member's own list
// is the caller's.
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

func (m *Member) tellMovedLocked(room string, in bool) {
	if moved := m.adapter.config.Moved; moved != nil && m.announced {
		moved(m.client, room, in)
	}
}
