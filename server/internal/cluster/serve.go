package cluster

import (
	"fmt"
	"strings"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

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
		answer.SocketIDs = []string{}
		for _, sock := range a.LocalSockets(fanout.Selection{Rooms: r.Rooms}) {
			answer.SocketIDs = append(answer.SocketIDs, string(sock.Id()))
		}
	case nodewire.AllRooms:
		answer.Rooms = []string{}
		for _, room := range a.Rooms().Keys() {
			answer.Rooms = append(answer.Rooms, string(room))
		}
	case nodewire.RemoteFetch:
		answer.Sockets = describe(a.LocalSockets(who))
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

// handshake is what Node's sockets know of how they were opened.
type handshake struct {
	Headers map[string]string `json:"headers"`
	Time    string            `json:"time"`
	Address string            `json:"address"`
	Xdomain bool              `json:"xdomain"`
	Secure  bool              `json:"secure"`
	Issued  int64             `json:"issued"`
	URL     string            `json:"url"`
	Query   map[string]string `json:"query"`
	Auth    any               `json:"auth"`
}

// headers are written as Node writes them: names in lower case, and one text each.
func headers(all map[string][]string) map[string]string {
	texts := make(map[string]string, len(all))
	for name, values := range all {
		texts[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return texts
}

// query has one value for each name, the last.
func query(all map[string][]string) map[string]string {
	texts := make(map[string]string, len(all))
	for name, values := range all {
		if len(values) > 0 {
			texts[name] = values[len(values)-1]
		}
	}
	return texts
}

// opened describes how a socket was opened.
func opened(sock *socket.Socket) packet.Value {
	h := sock.Handshake()
	seen := handshake{Time: h.Time, Address: h.Address, Issued: h.Issued, Auth: h.Auth}
	if c, ok := sock.Conn().(fanout.Carrier); ok {
		r := c.Session().Request() // the library keeps nothing of it
		seen.Headers, seen.URL, seen.Query = headers(r.Header), r.URL.RequestURI(), query(r.URL.Query())
		seen.Xdomain, seen.Secure = r.Header.Get("Origin") != "", r.TLS != nil
	}
	v, err := packet.NewValue(seen)
	if err != nil {
		return packet.Value{JSON: []byte("{}")}
	}
	return v
}

// describe lists sockets as Node's adapter does.
func describe(sockets []*socket.Socket) []nodewire.Socket {
	list := make([]nodewire.Socket, 0, len(sockets))
	for _, sock := range sockets {
		d := nodewire.Socket{ID: string(sock.Id()), Handshake: opened(sock), Data: packet.Value{JSON: []byte("{}")}}
		for _, room := range sock.Rooms().Keys() {
			d.Rooms = append(d.Rooms, string(room))
		}
		list = append(list, d)
	}
	return list
}

// respond answers a request.
func (c *Cluster) respond(s *space, r *nodewire.Request, answer *nodewire.Response) {
	payload, channel, err := c.appendResponse(s, r, answer)
	if err != nil {
		c.notSent(s.adapter.Name(), err)
		return
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
		if strings.HasPrefix(r.UID, uidPrefix) { // Node would have it twice
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
