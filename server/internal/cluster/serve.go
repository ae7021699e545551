package cluster

import (
	"fmt"
	"strings"
	"time"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// serve does what another server asks for.
func (c *Cluster) serve(s *space, r *nodewire.Request) error {
	a := s.adapter
	who := here(r.Target)
	answer := nodewire.Response{Type: nodewire.NoType, RequestID: r.RequestID}
	switch r.Type {
	case nodewire.Sockets:
		answer.SocketIDs = []string{}
		for _, m := range a.Members(fanout.Selection{Rooms: r.Rooms}) {
			answer.SocketIDs = append(answer.SocketIDs, m.ID())
		}
	case nodewire.AllRooms:
		answer.Rooms = a.Rooms()
	case nodewire.RemoteFetch:
		answer.Sockets = describe(a.Members(who))
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
	Auth    struct{}          `json:"auth"`
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

// opened describes how a client's connection was opened.
func opened(m *fanout.Member) packet.Value {
	r := m.Session().Request()
	v, err := packet.NewValue(handshake{
		Headers: headers(r.Header),
		Time:    m.Since().Format(time.DateTime),
		Address: m.Address(),
		Xdomain: r.Header.Get("Origin") != "",
		Secure:  r.TLS != nil,
		Issued:  m.Since().UnixMilli(),
		URL:     r.URL.RequestURI(),
		Query:   query(r.URL.Query()),
	})
	if err != nil {
		return packet.Value{JSON: []byte("{}")}
	}
	return v
}

// describe lists clients as Node's adapter does.
func describe(members []*fanout.Member) []nodewire.Socket {
	list := make([]nodewire.Socket, len(members))
	for i, m := range members {
		list[i] = nodewire.Socket{ID: m.ID(), Handshake: opened(m), Rooms: m.Rooms(), Data: packet.Value{JSON: []byte("{}")}}
	}
	return list
}

// respond answers a request.
func (c *Cluster) respond(s *space, r *nodewire.Request, answer *nodewire.Response) {
	payload, err := nodewire.AppendResponse(nil, answer)
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
	reply := s.adapter.HandleServerEvent(r.Event, r.Args)
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
	e, err := eventOf(r.Event, r.Args)
	if err != nil {
		return err
	}
	asked, forget := s.adapter.Call(e, who, func(client string, args []packet.Value, err error) {
		if err != nil {
			return // the client has left; Node's format has no word for it
		}
		answer := nodewire.Response{Type: nodewire.BroadcastAck, RequestID: r.RequestID, Args: args}
		if len(args) > 0 {
			answer.Data = args[0]
		}
		if strings.HasPrefix(r.UID, uidPrefix) { // Node would have it twice
			answer.Client = client
		}
		c.respond(s, r, &answer)
	})
	c.respond(s, r, &nodewire.Response{Type: nodewire.BroadcastClientCount, RequestID: r.RequestID, ClientCount: asked})
	patience := forgetAfter
	if r.Flags.Timeout > 0 {
		patience = min(r.Flags.Timeout, forgetLast)
	}
	time.AfterFunc(patience, forget)
	return nil
}
