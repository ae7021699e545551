package library

import (
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/fanout"
)

// adapters makes an adapter for each namespace, as the library asks for them.
type adapters func(namespace string) *fanout.Adapter

func (rooms adapters) New(nsp socket.Namespace) socket.Adapter {
	return &adapter{rooms: rooms(nsp.Name())}
}

// roomsOf is what the adapter of a namespace stands for.
func roomsOf(nsp socket.Namespace) *fanout.Adapter {
	return nsp.Adapter().(*adapter).rooms // of our own making
}

// adapter is the part of an adapter that the library reaches: whatever else one does goes past it.
type adapter struct {
	socket.Adapter // nil

	rooms *fanout.Adapter
}

// AddAll is for the room of a client's own id, and for all that it was in if it comes back: it is
// in them.
func (a *adapter) AddAll(socket.SocketId, *types.Set[socket.Room]) {}

// DelAll is for a client that leaves, or was refused.
func (a *adapter) DelAll(id socket.SocketId) { a.rooms.Remove(string(id)) }

// SocketRooms is for what PersistSession is given, which needs none.
func (a *adapter) SocketRooms(socket.SocketId) *types.Set[socket.Room] { return nil }

// PersistSession keeps what a client that was cut off will need to go on.
func (a *adapter) PersistSession(s *socket.SessionToPersist) {
	a.rooms.Persist(string(s.Sid), string(s.Pid))
}

// RestoreSession gives a client that was cut off its session back, once. The library has nothing to
// send: it would do so before it has answered CONNECT.
func (a *adapter) RestoreSession(pid socket.PrivateSessionId, offset string) (*socket.Session, error) {
	id, ok := a.rooms.Restore(string(pid), offset)
	if !ok {
		return nil, nil
	}
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: socket.SocketId(id), Pid: pid, Rooms: types.NewSet[socket.Room](),
	}}, nil
}

// Close is for a namespace that is forgotten.
func (a *adapter) Close() { a.rooms.Close() }
