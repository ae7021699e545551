package cluster

import (
	"fmt"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/cluster/jsonval"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// serve does what another server asks for.
func (c *Cluster) serve(s *space, r *nodewire.Request) error {
	a := s.adapter
	who := fanout.Selection(r.Target)
	answer := nodewire.Response{Type: nodewire.NoType, RequestID: r.RequestID}
	switch r.Type {
	case nodewire.Sockets:
		answer.UID, answer.SocketIDs = c.uid, []string{}
		for _, sock := range a.LocalSockets(fanout.Selection{Rooms: r.Rooms}) {
			answer.SocketIDs = append(answer.SocketIDs, string(sock.Id()))
		}
	case nodewire.AllRooms:
		answer.Rooms = []string{}
		for _, room := range a.Rooms().Keys() {
			answer.Rooms = append(answer.Rooms, string(room))
		}
	case nodewire.RemoteFetch:
		answer.UID, answer.Sockets = c.uid, c.describe(s, r)
	case nodewire.RemoteJoin, nodewire.RemoteLeave, nodewire.RemoteDisconnect:
		if r.HasTarget {
			move(a, r, who)
			return nil
		}
		sock := a.LocalSocket(r.SID)
		if sock == nil {
			return nil
		}
		moveOne(sock, r)
	case nodewire.ServerSideEmit:
		c.later(func() { c.serveEvent(s, r) })
		return nil
	case nodewire.BroadcastWithAck:
		return c.serveCall(s, r, who)
	default:
		return fmt.Errorf("request of unknown type %d", r.Type)
	}
	c.respond(s, r, &answer)
	return nil
}

// move does to a selection of clients what a request says.
func move(a *fanout.Adapter, r *nodewire.Request, who fanout.Selection) {
	rooms := make([]socket.Room, len(r.Rooms))
	for i, room := range r.Rooms {
		rooms[i] = socket.Room(room)
	}
	switch opts := who.Local(false); r.Type {
	case nodewire.RemoteJoin:
		a.AddSockets(opts, rooms)
	case nodewire.RemoteLeave:
		a.DelSockets(opts, rooms)
	case nodewire.RemoteDisconnect:
		a.DisconnectSockets(opts, r.Close)
	}
}

// moveOne does it to one client.
func moveOne(sock *socket.Socket, r *nodewire.Request) {
	switch r.Type {
	case nodewire.RemoteJoin:
		sock.Join(socket.Room(r.Room))
	case nodewire.RemoteLeave:
		sock.Leave(socket.Room(r.Room))
	case nodewire.RemoteDisconnect:
		sock.Disconnect(false)
	}
}

// respond answers a request.
func (c *Cluster) respond(s *space, r *nodewire.Request, answer *nodewire.Response) {
	payload, err := nodewire.AppendResponse(nil, answer)
	if err == nil && len(payload) > jsonval.DefaultMaxBytes {
		err = fmt.Errorf("an answer of %d bytes is over the limit of %d", len(payload), jsonval.DefaultMaxBytes)
	}
	if err != nil {
		c.notSent(s.adapter.Name(), err)
		return
	}
	channel := s.channels.Response()
	if r.UID != "" {
		channel = s.channels.ResponseTo(r.UID) // which spares the others
	}
	c.out.put(entry{channel: channel, payload: payload, once: true}, false)
}

// serveEvent runs a handler and answers with what it returns, where that is wanted.
func (c *Cluster) serveEvent(s *space, r *nodewire.Request) {
	reply := s.adapter.ServerEvent(r.Event, r.Args)
	if r.RequestID != "" {
		c.respond(s, r, &nodewire.Response{Type: nodewire.ServerSideEmit, RequestID: r.RequestID, Data: reply})
	}
}

// How long clients may take to acknowledge: where the request does not say, and
// whatever it says.
const (
	forgetAfter = time.Minute
	forgetLast  = time.Hour
)

// serveCall sends an event to clients and answers with how many there are, and with
// what each acknowledges.
func (c *Cluster) serveCall(s *space, r *nodewire.Request, who fanout.Selection) error {
	p, err := eventPacket(r.Event, r.Args)
	if err != nil {
		return err
	}
	s.adapter.CallMembers(p, who.Local(false), func(n uint64) {
		c.respond(s, r, &nodewire.Response{
			Type: nodewire.BroadcastClientCount, RequestID: r.RequestID, ClientCount: int(n),
		})
	}, func(client socket.SocketId, args []any, err error) {
		if err != nil {
			return // the client has left; Node's format has no word for it
		}
		answer := nodewire.Response{Type: nodewire.BroadcastAck, RequestID: r.RequestID, Args: valuesOf(args)}
		if len(answer.Args) > 0 {
			answer.Data = answer.Args[0]
		}
		if isOurs(r.UID) { // Node would have it twice
			answer.Client = string(client)
		}
		c.respond(s, r, &answer)
	})
	patience := forgetAfter
	if r.Flags.Timeout > 0 {
		patience = min(r.Flags.Timeout, forgetLast)
	}
	id := *p.Id
	time.AfterFunc(patience, func() { s.adapter.ForgetAck(id) })
	return nil
}

// valuesOf are the arguments of an acknowledgement.
func valuesOf(args []any) []packet.Value {
	values := make([]packet.Value, len(args))
	for i, arg := range args {
		values[i], _ = packet.NewValue(arg) // a client has sent it: it can be written
	}
	return values
}
