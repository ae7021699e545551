// Package fanout owns rooms and broadcasts: which client is in which room, and how
// one message gets to many. It is the adapter and the encoder that the named
// library's Socket.IO layer is given through SetAdapter and SetParser: a packet is
// encoded once, and every connection it goes to shares the encoded frame.
//
// All that one namespace broadcasts leaves in one order: any two clients see the
// messages that both get in the same order, and a direct emit that follows a
// broadcast follows it on the wire as well.
package fanout

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

var errGone = errors.New("the client is gone")

// Carrier is what a socket's connection must be for the adapter to reach it.
type Carrier interface{ Session() *engineio.Session }

// leaver is a connection that knows of a client's end before the library does, and
// keeps the rooms that it was in for whoever handles that end.
type leaver interface {
	Gone(socket.SocketId) bool
	Left(id socket.SocketId, rooms []socket.Room)
}

// joiner is a connection that knows of a client that is only being connected. Unwanted
// has it disconnected once it is, and reports whether there is such a one: the library
// ignores a disconnect before that.
type joiner interface{ Unwanted(socket.SocketId) bool }

// ender is a connection that can end with all its namespaces, at the wish of the client of
// that id in one of them.
type ender interface{ End(socket.SocketId) }

// Builder makes an adapter for each namespace, as the library asks for them.
type Builder struct {
	Engine   *engineio.Server
	Recovery time.Duration // how long clients that were cut off may come back; 0: not at all
	Peers    Peers         // the other servers; nil without a cluster

	// ServerEvent handles an event that another server sent this one, and returns
	// the answer for it.
	ServerEvent func(namespace, event string, args []packet.Value) packet.Value

	// Describe tells another server of a member, by what it was introduced with; with
	// headers also those of the request that opened its connection.
	Describe func(owner any, headers bool) Client
	// Moved is told of each member that joins or leaves a room, in order. The namespace is
	// locked meanwhile, so it must not wait, and do nothing with rooms or broadcasts.
	Moved func(owner any, room string, in bool)
}

// New makes the namespace's adapter.
func (b *Builder) New(nsp socket.Namespace) socket.Adapter {
	a := &Adapter{
		EventEmitter: events.New(),
		engine:       b.Engine,
		nsp:          nsp,
		members:      make(map[socket.SocketId]*member),
		rooms:        make(map[socket.Room]map[*member]struct{}),
		recovery:     newRecovery(b.Recovery),
		peers:        b.Peers,
		serverEvent:  b.ServerEvent,
		describe:     b.Describe,
		moved:        b.Moved,
	}
	a.proto = a
	if a.peers != nil {
		a.peers.Attach(a)
	}
	return a
}

// Adapter holds one namespace's members and rooms. It emits what the library's
// own adapter does: create-room, join-room, leave-room, delete-room.
type Adapter struct {
	events.EventEmitter

	proto  socket.Adapter
	engine *engineio.Server
	nsp    socket.Namespace

	mu      sync.Mutex
	members map[socket.SocketId]*member
	order   []*member // the same, for iterating
	rooms   map[socket.Room]map[*member]struct{}
	choices uint64 // how many selections were walked through

	recovery *recovery // nil: switched off
	peers    Peers     // nil: this server is alone

	serverEvent func(namespace, event string, args []packet.Value) packet.Value
	describe    func(owner any, headers bool) Client
	moved       func(owner any, room string, in bool) // nil: nobody wants to know
}

// member is one client of the namespace.
type member struct {
	id      socket.SocketId
	index   int // in order
	sock    *socket.Socket
	owner   any               // what it was introduced with
	sent    func([]any)       // see Listen; nil: nobody listens
	session *engineio.Session // nil until it was found
	rooms   []socket.Room
	visited uint64 // the choice that came by last

	// admitted is set once the client was told that it is connected. What is
	// broadcast to it before then waits in early: it must not come first.
	admitted bool
	early    []*engineio.Message

	past   *past   // what recovery has to know; nil if it is switched off
	coming *coming // a client that comes back to its session, until it is admitted
}

// coming is a client on its way back to its session: nothing that waits for it may go.
type coming struct {
	owed   int  // how many of early it missed while it was away
	behind bool // more came since than early holds
}

// maxEarly is how many messages wait for a client whose connection is not yet
// admitted, beside what it missed; the oldest go first, as for any client that joins
// later.
const maxEarly = 1024

// Admit lets the client have what was broadcast to it while its connection was
// being decided, and from now on everything at once.
func (a *Adapter) Admit(id socket.SocketId) {
	round := a.engine.Begin()
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.members[id]
	if m == nil || m.admitted || !a.find(m) {
		return
	}
	if m.coming != nil && m.coming.behind { // it comes once more, and is sent all of it
		m.session.Close(engineio.TransportError)
		return
	}
	m.admitted = true
	for _, msg := range m.early {
		round.Queue(m.session, msg)
	}
	m.early, m.coming = nil, nil
}

// Introduce makes a client known before its connection is admitted, so that it
// takes part in what its connect handler does. owner is who is told of it.
func (a *Adapter) Introduce(s *socket.Socket, owner any) {
	a.mu.Lock()
	m := a.member(s.Id())
	m.sock, m.owner = s, owner
	for _, room := range m.rooms { // it has come back to
		a.tellMovedLocked(m, room, true)
	}
	a.mu.Unlock()
	a.AddAll(s.Id(), types.NewSet(socket.Room(s.Id())))
}

// member returns the member of that id, new if there was none. The mutex is held.
func (a *Adapter) member(id socket.SocketId) *member {
	m := a.members[id]
	if m == nil {
		m = &member{id: id, index: len(a.order), past: a.recovery.begin()}
		a.members[id] = m
		a.order = append(a.order, m)
	}
	return m
}

// find sees to it that the member's socket and session are known.
func (a *Adapter) find(m *member) bool {
	if m.session != nil {
		return true
	}
	if m.sock == nil {
		m.sock, _ = a.nsp.Sockets().Load(m.id)
	}
	if m.sock == nil {
		return false
	}
	if c, ok := m.sock.Conn().(Carrier); ok {
		m.session = c.Session()
	}
	return m.session != nil
}

// send queues msg for the member, or keeps it until the member is admitted.
func (a *Adapter) send(round *engineio.Round, m *member, msg *engineio.Message) {
	if m.admitted {
		round.Queue(m.session, msg)
		return
	}
	m.keep(msg)
}

func (m *member) keep(msg *engineio.Message) {
	if c := m.coming; c != nil {
		if len(m.early) >= maxEarly+c.owed {
			c.behind, m.early = true, nil
		}
		if c.behind {
			return
		}
	} else if len(m.early) >= maxEarly {
		m.early = slices.Delete(m.early, 0, 1)
	}
	m.early = append(m.early, msg)
}

// Broadcast sends a packet to the members that opts selects, and has the other
// servers do the same.
func (a *Adapter) Broadcast(p *parser.Packet, opts *socket.BroadcastOptions) {
	a.broadcast(p, opts, nil)
	a.publish(p, opts)
}

// Direct sends a packet to one client.
func (a *Adapter) Direct(id socket.SocketId, p *parser.Packet) {
	p.Nsp = a.nsp.Name()
	if a.recovery != nil && p.Id == nil {
		a.directStamped(id, p)
		return
	}
	msg, err := Encode(p)
	if err != nil {
		return // as in broadcast
	}
	a.mu.Lock()
	m := a.members[id]
	admitted := m != nil && m.admitted
	if m != nil && !admitted {
		m.keep(msg)
	}
	if m != nil {
		m.tellSentLocked(p)
	}
	a.mu.Unlock()
	if admitted {
		m.session.Send(msg)
	}
}

// directStamped is Direct with recovery: what has an offset is queued in its order.
func (a *Adapter) directStamped(id socket.SocketId, p *parser.Packet) {
	round := a.engine.Begin()
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	msg, err := a.recovery.stamp(p, logged{to: id})
	if m := a.members[id]; err == nil && m != nil {
		m.tellSentLocked(p)
		a.send(round, m, msg)
	}
}

// BroadcastWithAck is CallMembers in the library's form.
func (a *Adapter) BroadcastWithAck(p *parser.Packet, opts *socket.BroadcastOptions, counted func(uint64), ack socket.Ack) {
	a.CallMembers(p, opts, counted, func(_ socket.SocketId, args []any, err error) { ack(args, err) })
}

// CallMembers sends a packet and calls answered with each member's answer, or an
// error for one that goes instead; counted is told how many members it went to.
// It is for this server's members: see CallOthers.
func (a *Adapter) CallMembers(p *parser.Packet, opts *socket.BroadcastOptions, counted func(uint64),
	answered func(member socket.SocketId, args []any, err error)) {
	id := a.nsp.Ids()
	p.Id = &id
	counted(a.broadcast(p, opts, func(m *member) {
		ack := func(args []any, err error) { answered(m.id, args, err) }
		if m.sock == nil {
			ack(nil, errGone)
			return
		}
		m.sock.Acks().Store(id, ack)
		// Who went before the ack was stored did not end it.
		if c, ok := m.sock.Conn().(leaver); ok && c.Gone(m.id) {
			if ack, waits := m.sock.Acks().LoadAndDelete(id); waits {
				ack(nil, errGone)
			}
		}
	}))
}

// ForgetAck makes the members stop waiting to acknowledge a broadcast.
func (a *Adapter) ForgetAck(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range a.order {
		if m.sock != nil {
			m.sock.Acks().Delete(id)
		}
	}
}

func (a *Adapter) broadcast(p *parser.Packet, opts *socket.BroadcastOptions, each func(*member)) uint64 {
	p.Nsp = a.nsp.Name()
	volatile := opts != nil && opts.Flags != nil && opts.Flags.Volatile
	stamped := a.recovery != nil && !volatile && p.Type == parser.EVENT && p.Id == nil
	to := chosen(opts)
	var msg *engineio.Message
	var err error
	if !stamped { // else it has to happen in the order of sending
		msg, err = Encode(p)
	}
	round := a.engine.Begin()
	defer round.End()
	a.mu.Lock()
	defer a.mu.Unlock()
	if stamped {
		msg, err = a.recovery.stamp(p, logged{among: to})
	}
	if err != nil {
		return 0 // emits check their arguments before they come here
	}
	msg.Share()
	var n uint64
	a.eachLocked(to, func(m *member) {
		if volatile && !(m.admitted && m.session.Writable()) {
			return
		}
		if each != nil {
			each(m)
		}
		m.tellSentLocked(p)
		a.send(round, m, msg)
		n++
	})
	return n
}

func selection(opts *socket.BroadcastOptions) (rooms, except []socket.Room) {
	if opts != nil && opts.Rooms != nil {
		rooms = opts.Rooms.Keys()
	}
	if opts != nil && opts.Except != nil {
		except = opts.Except.Keys()
	}
	return rooms, except
}

// sockets lists the sockets that opts names.
func (a *Adapter) sockets(opts *socket.BroadcastOptions) []*socket.Socket {
	of := chosen(opts)
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []*socket.Socket
	a.eachLocked(of, func(m *member) {
		if a.find(m) {
			list = append(list, m.sock)
		}
	})
	return list
}

// AddAll puts a client into rooms. One that has left, or was never introduced, is
// not: it would stay in them for ever.
func (a *Adapter) AddAll(id socket.SocketId, rooms *types.Set[socket.Room]) {
	a.mu.Lock()
	m := a.members[id]
	if m == nil {
		a.mu.Unlock()
		return
	}
	created, joined := a.join(m, rooms.Keys())
	a.mu.Unlock()
	a.announceJoined(id, created, joined)
}

// join puts m into rooms and says which of them are new, to it or altogether. The
// mutex is held.
func (a *Adapter) join(m *member, rooms []socket.Room) (created, joined []socket.Room) {
	for _, room := range rooms {
		if _, in := a.rooms[room][m]; in {
			continue
		}
		if a.rooms[room] == nil {
			a.rooms[room] = make(map[*member]struct{})
			created = append(created, room)
		}
		a.rooms[room][m] = struct{}{}
		m.rooms = append(m.rooms, room)
		if m.past != nil {
			m.past.enter(room, a.recovery.next)
		}
		joined = append(joined, room)
		a.tellMovedLocked(m, room, true)
	}
	return created, joined
}

func (a *Adapter) tellMovedLocked(m *member, room socket.Room, in bool) {
	if a.moved != nil && m.owner != nil {
		a.moved(m.owner, string(room), in)
	}
}

func (a *Adapter) announceJoined(id socket.SocketId, created, joined []socket.Room) {
	for _, room := range created {
		a.Emit("create-room", room)
	}
	for _, room := range joined {
		a.Emit("join-room", room, id)
	}
}

// Del takes a client out of a room.
func (a *Adapter) Del(id socket.SocketId, room socket.Room) {
	a.mu.Lock()
	m := a.members[id]
	if m == nil {
		a.mu.Unlock()
		return
	}
	left, gone := a.leave(m, room)
	if left {
		m.rooms = slices.DeleteFunc(m.rooms, func(r socket.Room) bool { return r == room })
		if m.past != nil {
			m.past.exit(room, a.recovery.next, a.recovery.first())
		}
	}
	a.mu.Unlock()
	a.announceLeft(id, room, left, gone)
}

// DelAll takes a client out of all rooms and forgets it.
func (a *Adapter) DelAll(id socket.SocketId) {
	a.mu.Lock()
	m := a.members[id]
	if m == nil {
		a.mu.Unlock()
		return
	}
	gone := make([]bool, len(m.rooms))
	for i, room := range m.rooms {
		_, gone[i] = a.leave(m, room)
	}
	last := a.order[len(a.order)-1]
	a.order[m.index], last.index = last, m.index
	a.order[len(a.order)-1] = nil
	a.order = a.order[:len(a.order)-1]
	delete(a.members, id)
	sock := m.sock
	a.mu.Unlock()
	if sock != nil {
		if c, ok := sock.Conn().(leaver); ok {
			c.Left(id, m.rooms)
		}
	}
	for i, room := range m.rooms {
		a.announceLeft(id, room, true, gone[i])
	}
}

// leave removes m from the room's set; the member's own list is the caller's.
func (a *Adapter) leave(m *member, room socket.Room) (left, gone bool) {
	set := a.rooms[room]
	if _, left = set[m]; !left {
		return false, false
	}
	delete(set, m)
	a.tellMovedLocked(m, room, false)
	if len(set) == 0 {
		delete(a.rooms, room)
		gone = true
	}
	return true, gone
}

func (a *Adapter) announceLeft(id socket.SocketId, room socket.Room, left, gone bool) {
	if left {
		a.Emit("leave-room", room, id)
	}
	if gone {
		a.Emit("delete-room", room)
	}
}

// Sockets returns the ids of the clients in any of the rooms, of all clients for none.
func (a *Adapter) Sockets(rooms *types.Set[socket.Room]) *types.Set[socket.SocketId] {
	ids := types.NewSet[socket.SocketId]()
	for _, s := range a.sockets(&socket.BroadcastOptions{Rooms: rooms}) {
		ids.Add(s.Id())
	}
	return ids
}

// SocketRooms returns the rooms a client is in, nil for an unknown one.
func (a *Adapter) SocketRooms(id socket.SocketId) *types.Set[socket.Room] {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.members[id]
	if m == nil {
		return nil
	}
	return types.NewSet(m.rooms...)
}

// FetchSockets calls back with the sockets of this server that opts names: see
// FetchOthers.
func (a *Adapter) FetchSockets(opts *socket.BroadcastOptions) func(func([]socket.SocketDetails, error)) {
	return func(callback func([]socket.SocketDetails, error)) {
		details := []socket.SocketDetails{}
		for _, s := range a.sockets(opts) {
			details = append(details, s)
		}
		callback(details, nil)
	}
}

// AddSockets makes the sockets that opts names join rooms.
func (a *Adapter) AddSockets(opts *socket.BroadcastOptions, rooms []socket.Room) {
	for _, s := range a.sockets(opts) {
		s.Join(rooms...)
	}
	if peers := a.others(opts); peers != nil {
		peers.Join(a.nsp.Name(), Select(opts), names(rooms))
	}
}

// DelSockets makes the sockets that opts names leave rooms.
func (a *Adapter) DelSockets(opts *socket.BroadcastOptions, rooms []socket.Room) {
	for _, s := range a.sockets(opts) {
		for _, room := range rooms {
			s.Leave(room)
		}
	}
	if peers := a.others(opts); peers != nil {
		peers.Leave(a.nsp.Name(), Select(opts), names(rooms))
	}
}

// DisconnectSockets disconnects the sockets that opts names from the namespace,
// and with closing set ends their connections.
func (a *Adapter) DisconnectSockets(opts *socket.BroadcastOptions, closing bool) {
	for _, s := range a.sockets(opts) {
		if j, ok := s.Conn().(joiner); !ok || !j.Unwanted(s.Id()) {
			s.Disconnect(false)
		}
		if e, ok := s.Conn().(ender); ok && closing {
			e.End(s.Id())
		}
	}
	if peers := a.others(opts); peers != nil {
		peers.Disconnect(a.nsp.Name(), Select(opts), closing)
	}
}

// ServerSideEmit sends an event to the other servers, of which there may be none.
func (a *Adapter) ServerSideEmit(event []any) error {
	if a.peers == nil {
		return nil
	}
	return a.peers.ServerSideEmit(a.nsp.Name(), event)
}

// Rooms is a copy of the rooms and who is in them.
func (a *Adapter) Rooms() *types.Map[socket.Room, *types.Set[socket.SocketId]] {
	a.mu.Lock()
	defer a.mu.Unlock()
	rooms := &types.Map[socket.Room, *types.Set[socket.SocketId]]{}
	for room, set := range a.rooms {
		ids := types.NewSet[socket.SocketId]()
		for m := range set {
			ids.Add(m.id)
		}
		rooms.Store(room, ids)
	}
	return rooms
}

// Sids is a copy of the clients and the rooms they are in.
func (a *Adapter) Sids() *types.Map[socket.SocketId, *types.Set[socket.Room]] {
	a.mu.Lock()
	defer a.mu.Unlock()
	sids := &types.Map[socket.SocketId, *types.Set[socket.Room]]{}
	for id, m := range maps.All(a.members) {
		sids.Store(id, types.NewSet(m.rooms...))
	}
	return sids
}

// The rest of the library's interface.

func (a *Adapter) Prototype(proto socket.Adapter) { a.proto = proto }
func (a *Adapter) Proto() socket.Adapter          { return a.proto }
func (a *Adapter) Nsp() socket.Namespace          { return a.nsp }
func (a *Adapter) Construct(nsp socket.Namespace) { a.nsp = nsp }
func (a *Adapter) Init()                          {}

// Close ends the namespace's part in the cluster.
func (a *Adapter) Close() {
	if a.peers != nil {
		a.peers.Detach(a)
	}
}

// ServerCount is the number of servers in the cluster.
func (a *Adapter) ServerCount() int64 {
	if a.peers == nil {
		return 1
	}
	return int64(a.peers.Servers())
}
