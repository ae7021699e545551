package socketio

import (
	"context"
	"errors"

	"hipflask/server/internal/packet"
)

// EmitServers sends an event to the other servers of the cluster, to be handled there by what
// [Namespace.OnServers] registered; clients get nothing of it. Without others nothing happens.
// Arguments are those of [Namespace.Emit], binary excepted. Flask has no counterpart; Node's is
// io.serverSideEmit.
func (n *Namespace) EmitServers(event string, args ...any) error {
	e, err := newEvent(event, args)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range n.To().adapters() {
		errs = append(errs, a.ServerSideEmit(e))
	}
	return errors.Join(errs...)
}

// CallServers is EmitServers for who wants answers: it returns what the handlers of the other
// servers returned, Node's among them, once all have answered. When ctx ends, or a minute has
// passed if it has no deadline, it returns those that came and an error. Flask has no counterpart;
// Node's is io.serverSideEmitWithAck.
func (n *Namespace) CallServers(ctx context.Context, event string, args ...any) ([]Value, error) {
	e, err := newEvent(event, args)
	if err != nil || n.server.opts.Peers == nil {
		return nil, err
	}
	ctx, cancel := withDeadline(ctx, waitTimeout)
	defer cancel()
	var answers []Value
	var errs []error
	for _, a := range n.To().adapters() {
		found, err := n.server.opts.Peers.CallServers(ctx, a.Name(), e)
		answers = append(answers, valueList(found)...)
		errs = append(errs, err)
	}
	return answers, errors.Join(errs...)
}

// OnServers registers the handler of an event that another server sends, in place of an earlier
// one. Such events are handled one after another. Flask has no counterpart; Node's is io.on.
func (n *Namespace) OnServers(event string, fn ServerHandler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.servers == nil {
		n.servers = make(map[string]ServerHandler)
	}
	n.servers[event] = fn
}

// serverEvent runs the handler of an event from another server.
func (s *Server) serverEvent(namespace, event string, args []packet.Value) (reply packet.Value) {
	n := s.handling(namespace)
	if n == nil {
		return packet.Value{}
	}
	n.mu.RLock()
	fn := n.servers[event]
	n.mu.RUnlock()
	if fn == nil {
		s.log.Debug("event of another server ignored: nobody has registered for it", "namespace", namespace, "event", event)
		return packet.Value{}
	}
	s.guard(func() {
		answer, err := fn(valueList(args))
		if err == nil {
			reply, err = packet.NewValue(answer)
		}
		if err != nil {
			s.log.Error("event of another server failed", "namespace", namespace, "event", event, "error", err)
		}
	}, "event of another server failed", "namespace", namespace, "event", event)
	return reply
}
