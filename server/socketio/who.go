package socketio

import (
	"cmp"
	"context"
	"errors"
	"time"

	"hipflask/server/internal/fanout"
	"hipflask/server/internal/handshake"
	"hipflask/server/internal/packet"
)

// fetchTimeout is how long the other servers have to list their clients.
const fetchTimeout = 5 * time.Second

// Socket is a client as [Target.Sockets] finds it, on whichever server it is.
type Socket struct {
	ID        string
	Rooms     []string  // its own among them
	Auth      Value     // as it came
	Address   string    // without a port
	Transport string    // "polling" or "websocket"; of a Node server's client, what it began with
	Since     time.Time // when it came to the namespace

	// Data is what handlers have kept with [Context.SetData], as it was then; what JSON cannot
	// write is not there. Of a Node server's client it is socket.data.
	Data map[string]Value
}

// Sockets lists the clients, those of the other servers of a cluster among them. When ctx ends
// first, or 5 seconds have passed if it has no deadline, it returns what it has and an error that
// names the servers that did not answer. Node: fetchSockets(). Flask has none: its manager knows
// the clients of its own process alone.
func (t *Target) Sockets(ctx context.Context) ([]Socket, error) {
	if err := t.checkRooms(); err != nil {
		return nil, err
	}
	list := []Socket{}
	err := t.fetch(ctx, func(ctx context.Context, a *fanout.Adapter) error {
		for _, m := range a.Members(t.who) {
			list = append(list, socketOf(m))
		}
		others, err := a.FetchOthers(ctx, t.who)
		for i := range others {
			list = append(list, remoteSocket(&others[i]))
		}
		return err
	})
	return list, err
}

// Count counts the clients, those of the other servers of a cluster among them; ctx and errors are
// those of Sockets. Flask has none; Node: (await fetchSockets()).length.
func (t *Target) Count(ctx context.Context) (int, error) {
	ids, err := t.ids(ctx)
	return len(ids), err
}

// Clients lists the ids of the clients. In a cluster it asks the other servers, and logs it when
// one of them does not answer in seconds: [Target.Sockets] returns that.
// Flask: socketio.server.manager.get_participants(namespace, room).
func (t *Target) Clients() []string {
	ids, err := t.ids(t.server.life)
	if err != nil {
		t.server.log.Warn("clients not listed, or not all", "namespace", t.namespace(), "error", err)
	}
	return ids
}

func (t *Target) ids(ctx context.Context) ([]string, error) {
	ids := []string{}
	if err := t.checkRooms(); err != nil {
		return ids, err
	}
	err := t.fetch(ctx, func(ctx context.Context, a *fanout.Adapter) error {
		for _, m := range a.Members(t.who) {
			ids = append(ids, m.ID())
		}
		others, err := a.OtherIDs(ctx, t.who)
		ids = append(ids, others...)
		return err
	})
	return ids, err
}

// fetch calls from with the adapter of each of the namespaces, and a context that ends.
func (t *Target) fetch(ctx context.Context, from func(context.Context, *fanout.Adapter) error) error {
	ctx, cancel := withDeadline(ctx, fetchTimeout)
	defer cancel()
	var errs []error
	for _, a := range t.adapters() {
		errs = append(errs, from(ctx, a))
	}
	return errors.Join(errs...)
}

// socketOf describes a client of this server.
func socketOf(m *fanout.Member) Socket {
	s := Socket{
		ID: m.ID(), Rooms: m.Rooms(), Address: m.Address(), Transport: m.Session().Transport(), Since: m.Since(),
		Data: make(map[string]Value),
	}
	if c, ok := m.Client().(*Context); ok {
		s.Auth = c.Auth()
		for key, v := range c.shown() {
			s.Data[key] = Value{packet.Carry(v)}
		}
	}
	return s
}

// shown is what of the client's own values others see.
func (c *Context) shown() map[string]packet.Value {
	c.conn.mu.Lock()
	own := c.own
	c.conn.mu.Unlock()
	return own.all()
}

// shownTo is shown for another server, with what one of Node's is told besides.
func (c *Context) shownTo(node bool) map[string]any {
	all := make(map[string]any)
	for name, v := range c.shown() {
		all[name] = v
	}
	if more := c.space.server.opts.Hooks.Described; node && more != nil {
		for name, v := range more(inspectedClient{c}) {
			all[name] = v
		}
	}
	return all
}

// describe is a client of this server for another one: see [fanout.Config].
func describe(m *fanout.Member, headers bool) fanout.Description {
	r := m.Session().Request()
	h := handshake.Of(r, m.Address(), m.Since())
	if headers {
		h.WithHeaders(r)
	}
	d := fanout.Description{ID: m.ID(), Rooms: m.Rooms(), Transport: m.Session().Transport()}
	// What is in these has been written before.
	if c, ok := m.Client().(*Context); ok {
		h.Auth = packet.Carried(c.Auth().raw)
		d.Data, _ = packet.NewValue(c.shownTo(headers))
	}
	d.Handshake, _ = packet.NewValue(h)
	return d
}

// remoteSocket is a client of another server.
func remoteSocket(c *fanout.Description) Socket {
	h := handshake.Read(c.Handshake)
	s := Socket{
		ID: c.ID, Rooms: c.Rooms, Auth: Value{packet.Carry(h.Auth)}, Address: h.Address,
		Transport: c.Transport, Since: h.At, Data: make(map[string]Value),
	}
	s.Transport = cmp.Or(s.Transport, h.Transport)
	if s.Auth.IsNull() {
		s.Auth = Value{packet.Carry(noAuth())}
	}
	// Node's data is whatever the application put there: no object has no members.
	_ = c.Data.Members(func(key string, v packet.Value) error {
		s.Data[key] = Value{packet.Carry(v)}
		return nil
	})
	return s
}
