package socketio

import (
	"context"
	"net/http"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/inspect"
)

// view is a Server as [inspect.View]: the engine's part of that, and the rest.
type view struct {
	*engineio.Server

	server *Server
}

func (v view) Life() context.Context { return v.server.life }

// ServeForwarded makes a connection end with its response, as ServeHTTP does.
func (v view) ServeForwarded(w http.ResponseWriter, r *http.Request, what engineio.Forwarded) {
	unread(w, r)
	v.Server.ServeForwarded(w, r, what)
}

func (v view) Begin() { v.server.release() }

func (v view) Stats() inspect.Stats {
	return inspect.Stats{Stats: v.Server.Stats(), Waiting: v.server.waiting.Load()}
}

func (v view) Namespaces() map[string]inspect.Clients {
	s := v.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make(map[string]inspect.Clients, len(s.spaces)+len(s.dynamic))
	for name, n := range s.spaces {
		if name != "*" {
			all[name] = inspected{n.To()}
		}
	}
	for name, d := range s.dynamic {
		all[name] = inspected{&Target{server: s, in: d.rooms}}
	}
	return all
}

// inspected is a Target as [inspect.Clients].
type inspected struct{ *Target }

func (t inspected) Namespace() string { return t.namespace() }

func (t inspected) To(room string) inspect.Clients { return inspected{t.Target.To(room)} }

func (t inspected) IDs() (ids []string) {
	for _, a := range t.adapters() {
		for _, m := range a.Members(t.who) {
			ids = append(ids, m.ID())
		}
	}
	return ids
}

func (t inspected) Others(ctx context.Context) (list []inspect.Remote, err error) {
	err = t.fetch(ctx, func(ctx context.Context, a *fanout.Adapter) error {
		others, err := a.FetchOthers(ctx, t.who)
		for _, c := range others {
			list = append(list, inspect.Remote(c))
		}
		return err
	})
	return list, err
}

func (t inspected) List() []inspect.Client {
	var list []inspect.Client
	for _, a := range t.adapters() {
		for _, m := range a.Members(t.who) {
			// One that is only being connected is no client yet.
			if ctx, ok := m.Client().(*Context); ok && ctx.conn.space(a.Name()) == ctx {
				list = append(list, inspectedClient{ctx})
			}
		}
	}
	return list
}

func (v view) Elsewhere(namespace string) inspect.Clients {
	if v.server.opts.Peers == nil {
		return nil
	}
	return distant{v.server.opts.Peers, namespace, fanout.Selection{}}
}

// distant is clients of other servers, in a namespace that is not here.
type distant struct {
	peers fanout.Peers
	name  string
	who   fanout.Selection
}

func (d distant) Namespace() string { return d.name }

func (d distant) To(room string) inspect.Clients {
	d.who = d.who.To(room)
	return d
}

func (d distant) List() []inspect.Client { return nil }

func (d distant) IDs() []string { return nil }

func (d distant) Others(context.Context) ([]inspect.Remote, error) { return nil, nil }

func (d distant) Emit(event string, args ...any) error {
	e, err := newEvent(event, args)
	if err == nil {
		d.peers.Broadcast(d.name, e, d.who)
	}
	return err
}

func (d distant) Join(rooms ...string) { d.peers.Join(d.name, d.who, rooms) }

func (d distant) Leave(rooms ...string) { d.peers.Leave(d.name, d.who, rooms) }

func (d distant) Disconnect() { d.peers.Disconnect(d.name, d.who, false) }

func (d distant) Close() { d.peers.Disconnect(d.name, d.who, true) }

// inspectedClient is a Context as [inspect.Client].
type inspectedClient struct{ *Context }

func (c inspectedClient) Since() time.Time { return c.member.Since() }

func (c inspectedClient) Connection() string { return c.conn.session.Name() }
