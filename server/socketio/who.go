package socketio

import (
	"context"
	"errors"
	"maps"
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

	// Data is what handlers have kept with [Context.SetData], as it was then; what JSON
	// cannot write is not there. Of a Node server's client it is socket.data.
	Data map[string]Value
}

// Sockets lists the clients, those of the other servers of a cluster among them. When ctx
// ends first, or 5 seconds have passed if it has no deadline, it returns what it has and
// an error that names the servers that did not answer. Node: fetchSockets(). Flask has
// none: its manager knows the clients of its own process alone.
func (t *Target) Sockets(ctx context.Context) ([]Socket, error) {
	if err := t.checkRooms(); err != nil {
		return nil, err
	}
	list := []Socket{}
	err := t.fetch(ctx, func(ctx context.Context, a *fanout.Adapter) error {
		for _, owner := range a.Owners(t.selected()) {
			if c, ok := owner.(*Context); ok {
				list = append(list, c.socket())
			}
		}
		if t.local {
			return nil
		}
		others, err := a.FetchOthers(ctx, t.selected())
		for i := range others {
			list = append(list, remoteSocket(&others[i]))
		}
		return err
	})
	return list, err
}

// Count counts the clients, those of the other servers of a cluster among them; ctx and
// errors are those of Sockets. Flask has none; Node: (await fetchSockets()).length.
func (t *Target) Count(ctx context.Context) (int, error) {
	ids, err := t.ids(ctx)
	return len(ids), err
}

// Clients lists the ids of the clients. In a cluster it asks the other servers, and
// logs it when one of them does not answer in seconds: [Target.Sockets] returns that.
// Flask: socketio.server.manager.get_participants(namespace, room).
func (t *Target) Clients() []string {
	ids, err := t.ids(t.server.life)
	if err != nil {
		t.server.log.Warn("clients not listed, or not all", "namespace", t.io.Name(), "error", err)
	}
	return ids
}

func (t *Target) ids(ctx context.Context) ([]string, error) {
	ids := []string{}
	if err := t.checkRooms(); err != nil {
		return ids, err
	}
	err := t.fetch(ctx, func(ctx context.Context, a *fanout.Adapter) error {
		for _, owner := range a.Owners(t.selected()) {
			if c, ok := owner.(*Context); ok {
				ids = append(ids, c.ID())
			}
		}
		if t.local {
			return nil
		}
		others, err := a.OtherIDs(ctx, t.selected())
		ids = append(ids, others...)
		return err
	})
	return ids, err
}

// fetch calls from with the adapter of each of the namespaces, and a context that ends.
func (t *Target) fetch(ctx context.Context, from func(context.Context, *fanout.Adapter) error) error {
	if _, ok := ctx.Deadline(); !ok {
		timed, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		ctx = timed
	}
	var errs []error
	for _, nsp := range t.namespaces() {
		errs = append(errs, from(ctx, nsp.Adapter().(*fanout.Adapter))) // from our own builder
	}
	return errors.Join(errs...)
}

// socket describes the client.
func (c *Context) socket() Socket {
	s := Socket{ID: c.ID(), Rooms: c.Rooms(), Auth: c.Auth(), Address: c.Address(), Transport: c.Transport(), Since: c.since()}
	shown := c.shown()
	s.Data = make(map[string]Value, len(shown))
	for key, v := range shown {
		s.Data[key] = Value{packet.Carry(v)}
	}
	return s
}

func (c *Context) since() time.Time { return time.UnixMilli(c.sock.Handshake().Issued) }

// shown is what of the client's own values others see.
func (c *Context) shown() map[string]packet.Value {
	c.conn.mu.Lock()
	own := c.own
	c.conn.mu.Unlock()
	if own == nil {
		return nil
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	return maps.Clone(own.shown)
}

// describe is the client for another server: see [fanout.Builder].
func describe(owner any, headers bool) fanout.Client {
	c, ok := owner.(*Context)
	if !ok {
		return fanout.Client{}
	}
	h := handshake.Of(c.Request(), c.Address(), c.since())
	h.Auth = packet.Carried(c.Auth().raw)
	if !headers {
		h.Headers = nil
	}
	d := fanout.Client{ID: c.ID(), Rooms: c.Rooms(), Transport: c.Transport()}
	// What is in these has been written before.
	d.Handshake, _ = packet.NewValue(h)
	d.Data, _ = packet.NewValue(c.shown())
	return d
}

// remoteSocket is a client of another server.
func remoteSocket(c *fanout.Client) Socket {
	h := handshake.Read(c.Handshake)
	s := Socket{
		ID: c.ID, Rooms: c.Rooms, Auth: Value{packet.Carry(h.Auth)}, Address: h.Address,
		Transport: c.Transport, Since: h.At, Data: make(map[string]Value),
	}
	if s.Transport == "" {
		s.Transport = h.Transport
	}
	if s.Auth.IsNull() {
		s.Auth = Value{packet.Carry(packet.Value{JSON: []byte("{}")})}
	}
	// Node's data is whatever the application put there: no object has no members.
	_ = c.Data.Members(func(key string, v packet.Value) error {
		s.Data[key] = Value{packet.Carry(v)}
		return nil
	})
	return s
}
