package cluster

import (
	"fmt"
	"time"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// serve does what another server asks for.
func (c *Cluster) serve(s *space, r *nodewire.Request) error {
	a := s.adapter
	who := here(r.Target)
	answer := nodewire.Response{Type: nodewire.NoType, RequestID: r.RequestID}
	switch r.Type {
	case nodewire.Sockets:
		answer.UID, answer.SocketIDs = c.uid, []string{}
		for _, m := range a.Members(fanout.Selection{Rooms: r.Rooms}) {
			answer.SocketIDs = append(answer.SocketIDs, m.ID())
		}
	case nodewire.AllRooms:
		answer.Rooms = a.Rooms()
	case nodewire.RemoteFetch:
		answer.UID, answer.Sockets = c.uid, c.describe(s, r)
	case nodewire.RemoteJoin, nodewire.RemoteLeave, nodewire.RemoteDisconnect:
		if r.HasTarget {
			move(a, r, who)
			return nil
		}
		if m := a.Member(r.SID); m != nil {
			moveOne(m, r)
		}
		return nil
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
	switch r.Type {
	case nodewire.RemoteJoin:
		a.Join(who, r.Rooms)
	case nodewire.RemoteLeave:
		a.Leave(who, r.Rooms)
	case nodewire.RemoteDisconnect:
		a.Disconnect(who, r.Close)
	}
}

// moveOne does it to one client.
func moveOne(m *fanout.Member, r *nodewire.Request) {
	switch r.Type {
	case nodewire.RemoteJoin:
		m.Join(r.Room)
	case nodewire.RemoteLeave:
		m.Leave(r.Room)
	case nodewire.RemoteDisconnect:
		m.Client().Disconnect()
	}
}

// respond answers a request.
func (c *Cluster) respond(s *space, r *nodewire.Request, answer *nodewire.Response) {
	payload, channel, err := c.appendResponse(s, r, answer)
	if err == nil && len(payload) > jsonval.DefaultMaxBytes {
		err = fmt.Errorf("an answer of %d bytes is over the limit of %d", len(payload), jsonval.DefaultMaxBytes)
	}
	if err != nil {
		c.notSent(s.adapter.Name(), err)
		return
	}
	c.out.put(entry{channel: channel, payload: payload, once: true}, false)
}

// serveEvent runs a handler and answers with what it returns, where that is wanted.
func (c *Cluster) serveEvent(s *space, r *nodewire.Request) {
	reply := s.adapter.HandleServerEvent(r.Event, r.Args)
	if r.RequestID != "" {
		c.respond(s, r, &nodewire.Response{Type: nodewire.ServerSideEmit, RequestID: r.RequestID, Data: reply})
	}
}

// How long clients may take to acknowledge: where the request does not say, and whatever it says.
const (
	forgetAfter = time.Minute
	forgetLast  = time.Hour
)

// serveCall sends an event to clients and answers with how many there are, and with what each
// acknowledges.
func (c *Cluster) serveCall(s *space, r *nodewire.Request, who fanout.Selection) error {
	if taken, err := c.taken(s.adapter.Name(), r.Target.Rooms, r.Event, r.Args); taken {
		return err
	}
	e, err := eventOf(r.Event, r.Args)
	if err != nil {
		return err
	}
	who.Uncompressed = isUncompressed(r.Flags)
	asked, forget := s.adapter.Call(e, who, func(client string, args []packet.Value, err error) {
		if err != nil {
			return // the client has left; Node's format has no word for it
		}
		answer := nodewire.Response{Type: nodewire.BroadcastAck, RequestID: r.RequestID, Args: args}
		if len(args) > 0 {
			answer.Data = args[0]
		}
		if isOurs(r.UID) { // Node would have it twice
			answer.Client = client
		}
		c.respond(s, r, &answer)
	})
	c.respond(s, r, &nodewire.Response{Type: nodewire.BroadcastClientCount, RequestID: r.RequestID, ClientCount: asked})
	after := forgetAfter
	if r.Flags.Timeout > 0 {
		after = min(r.Flags.Timeout, forgetLast)
	}
	time.AfterFunc(after, forget)
	return nil
}

// describe lists clients of this server as Node's adapter does. Who is no Node server is not sent
// the headers, which are most of it, and what a user is known by.
func (c *Cluster) describe(s *space, r *nodewire.Request) []nodewire.Socket {
	clients := s.adapter.Describe(here(r.Target), !isOurs(r.UID))
	list := make([]nodewire.Socket, len(clients))
	for i, client := range clients {
		list[i] = nodewire.Socket(client)
		if !isOurs(r.UID) {
			list[i].Transport = ""
		}
		if list[i].Data.IsNull() {
			list[i].Data = packet.Value{JSON: []byte("{}")}
		}
	}
	return list
}
