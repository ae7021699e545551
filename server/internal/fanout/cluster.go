package fanout

import (
	"context"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/packet"
)

// Peers are the other servers of a cluster. Methods that return no answer do not
// wait for them: what they are told leaves in the order of the calls. Events carry
// their name and then their arguments, as [packet.AppendEvent] takes them.
type Peers interface {
	// Attach makes what the others say of a namespace reach its adapter.
	Attach(a *Adapter)
	// Detach ends that: the namespace is forgotten.
	Detach(a *Adapter)
	// Servers counts the servers of the cluster, this one among them, as of late.
	Servers() int

	Broadcast(namespace string, event []any, to Selection, volatile bool)
	Join(namespace string, who Selection, rooms []string)
	Leave(namespace string, who Selection, rooms []string)
	Disconnect(namespace string, who Selection, closing bool)
	ServerSideEmit(namespace string, event []any) error

	// CallServers is ServerSideEmit for who wants answers: it returns those that came, and
	// an error unless all have.
	CallServers(ctx context.Context, namespace string, event []any) ([]packet.Value, error)

	// Call sends an event to clients of the other servers and calls answer with
	// what each acknowledges, until all have or ctx ends.
	Call(ctx context.Context, namespace string, event []any, to Selection, answer func(Answer)) error
	// Fetch lists clients of the other servers, and IDs their ids, which costs less. With
	// an error that names who did not answer they return what came.
	Fetch(ctx context.Context, namespace string, who Selection) ([]Client, error)
	IDs(ctx context.Context, namespace string, who Selection) ([]string, error)
}

// Answer is what a client of another server acknowledges. Client is empty where that
// server does not name it, as Node's do, which pass on the first argument alone.
type Answer struct {
	Client string
	Args   []packet.Value
}

// Selection is a choice of a namespace's clients: those in any of Rooms, or all if
// there are none, that are in none of Except.
type Selection struct{ Rooms, Except []string }

// Select reads the library's form of a selection, which may be nil.
func Select(opts *socket.BroadcastOptions) Selection {
	rooms, except := selection(opts)
	return Selection{names(rooms), names(except)}
}

func names(rooms []socket.Room) []string {
	list := make([]string, len(rooms))
	for i, r := range rooms {
		list[i] = string(r)
	}
	return list
}

// Local is the selection as the adapter's methods take it, for clients of this
// server alone.
func (s Selection) Local(volatile bool) *socket.BroadcastOptions {
	flags := &socket.BroadcastFlags{Local: true}
	flags.Volatile = volatile
	return &socket.BroadcastOptions{Rooms: roomSet(s.Rooms), Except: roomSet(s.Except), Flags: flags}
}

func roomSet(rooms []string) *types.Set[socket.Room] {
	if len(rooms) == 0 {
		return nil
	}
	set := types.NewSet[socket.Room]()
	for _, r := range rooms {
		set.Add(socket.Room(r))
	}
	return set
}

// others returns the other servers where what opts says is for them as well.
func (a *Adapter) others(opts *socket.BroadcastOptions) Peers {
	if a.peers == nil || opts != nil && opts.Flags != nil && opts.Flags.Local {
		return nil
	}
	return a.peers
}

// publish tells the other servers of a broadcast.
func (a *Adapter) publish(p *parser.Packet, opts *socket.BroadcastOptions) {
	peers := a.others(opts)
	if peers == nil || p.Type != parser.EVENT {
		return
	}
	if event, ok := p.Data.([]any); ok && len(event) > 0 {
		volatile := opts != nil && opts.Flags != nil && opts.Flags.Volatile
		peers.Broadcast(a.nsp.Name(), event, Select(opts), volatile)
	}
}

// CallOthers sends an event to clients of the other servers: see [Peers]. Without
// others it returns at once.
func (a *Adapter) CallOthers(ctx context.Context, event []any, to Selection, answer func(Answer)) error {
	if a.peers == nil {
		return nil
	}
	return a.peers.Call(ctx, a.nsp.Name(), event, to, answer)
}

// ServerEvent handles an event that another server sent this one, and returns the
// answer for it.
func (a *Adapter) ServerEvent(event string, args []packet.Value) packet.Value {
	if a.serverEvent == nil {
		return packet.Value{}
	}
	return a.serverEvent(a.nsp.Name(), event, args)
}

// Name is the namespace's name.
func (a *Adapter) Name() string { return a.nsp.Name() }

// HasRoom says whether a client of this server is in the room.
func (a *Adapter) HasRoom(room string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rooms[socket.Room(room)]) > 0
}

// LocalSockets lists the sockets of this server that a selection names.
func (a *Adapter) LocalSockets(who Selection) []*socket.Socket { return a.sockets(who.Local(false)) }

// LocalSocket returns the socket of that id, nil if this server has none. Unlike a
// selection it is not misled by a room of that name.
func (a *Adapter) LocalSocket(id string) *socket.Socket {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.members[socket.SocketId(id)]
	if m == nil || !a.find(m) {
		return nil
	}
	return m.sock
}
