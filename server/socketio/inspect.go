package socketio

import (
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/inspect"
	"hipflask/server/internal/packet"
)

// openDoor lets whoever made the server look in.
func (s *Server) openDoor() {
	s.opts.Inspect.Namespaces = s.namespaces
	s.opts.Inspect.Stats = s.stats
	s.opts.Inspect.Lost = s.engine.Lost
	s.opts.Inspect.AdmitHost, s.opts.Inspect.AdmitOps = s.engine.AdmitHost, s.engine.AdmitOps
	s.opts.Inspect.ServeForwarded = s.serveForwarded
	s.opts.Inspect.Trusts = s.engine.Trusts
	s.opts.Inspect.Warn = s.engine.Warn
	s.opts.Inspect.Life = s.life
	s.opts.Inspect.Begin = s.release
}

func (s *Server) stats() inspect.Stats {
	return inspect.Stats{Stats: s.engine.Stats(), Waiting: s.waiting.Load()}
}

func (s *Server) namespaces() map[string]inspect.Clients {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make(map[string]inspect.Clients, len(s.spaces)+len(s.dynamic))
	for name, n := range s.spaces {
		if name != "*" {
			all[name] = inspected{n.To()}
		}
	}
	for name, d := range s.dynamic {
		all[name] = inspected{&Target{server: s, io: d.io}}
	}
	return all
}

// inspected is a Target as [inspect.Clients].
type inspected struct{ *Target }

func (t inspected) Namespace() string { return t.io.Name() }

func (t inspected) To(room string) inspect.Clients { return inspected{t.Target.To(room)} }

func (t inspected) IDs() []string { return t.Clients() }

func (t inspected) List() []inspect.Client {
	var list []inspect.Client
	for _, nsp := range t.namespaces() {
		nsp.Adapter().FetchSockets(t.options())(func(found []socket.SocketDetails, _ error) {
			for _, details := range found {
				sock, ok := details.(*socket.Socket)
				if !ok {
					continue
				}
				if c, ok := sock.Conn().(*conn); ok {
					if ctx := c.space(nsp.Name()); ctx != nil {
						list = append(list, inspectedClient{ctx})
					}
				}
			}
		})
	}
	return list
}

func (t inspected) Join(room string) { t.Target.Join(room) }

func (t inspected) Leave(room string) { t.Target.Leave(room) }

// inspectedClient is a Context as [inspect.Client].
type inspectedClient struct{ *Context }

func (c inspectedClient) Since() time.Time { return time.UnixMilli(c.sock.Handshake().Issued) }

func (c inspectedClient) Connection() string { return c.conn.session.Name() }

// tellSent tells of an event that was sent to the client.
func (c *Context) tellSent(data []any) {
	if c.space.server.opts.Inspect.Sent != nil {
		c.To(c.ID()).tellSent(data)
	}
}

// tellSent tells of an event, as eventData made it, that was sent.
func (t *Target) tellSent(data []any) {
	tell := t.server.opts.Inspect.Sent
	if tell == nil {
		return
	}
	event, _ := data[0].(string)
	args := make([]packet.Value, len(data)-1)
	for i, arg := range data[1:] {
		// eventData has left nothing in it that could not be written.
		args[i], _ = packet.NewValue(arg)
	}
	tell(inspected{t}, event, args)
}

// tellHandled tells how long an event took that began at start.
func (n *Namespace) tellHandled(event string, start time.Time) {
	took := time.Since(start)
	n.server.opts.Inspect.Handled(n.name, n.registered(event), took)
}

// registered is the name that an event's handlers were registered under, empty
// without any.
func (n *Namespace) registered(event string) string {
	if isLifecycle(event) {
		return event
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	switch {
	case event != "*" && n.handlers[event] != nil:
		return event
	case n.handlers["*"] != nil:
		return "*"
	}
	return ""
}

// tellRooms has whoever looks told who joins and leaves rooms of a namespace.
func (s *Server) tellRooms(io socket.Namespace) {
	name := io.Name()
	listen := func(event string, tell func(namespace, room, id string)) {
		if tell == nil {
			return
		}
		// The library never fails to add a listener.
		_ = io.Adapter().On(events.EventName(event), func(args ...any) {
			room, _ := args[0].(socket.Room)
			id, _ := args[1].(socket.SocketId)
			tell(name, string(room), string(id))
		})
	}
	listen("join-room", s.opts.Inspect.Joined)
	listen("leave-room", s.opts.Inspect.Left)
}
