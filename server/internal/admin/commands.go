package admin

import (
	"errors"
	"fmt"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/sparse"
	"hipflask/server/socketio"
)

// The commands of the UI name a namespace and, in most cases, a filter: the id of a client or a
// room. Without one, or with an empty one, all clients are meant.

func (a *Admin) join(c *socketio.Context, namespace, room string, filter ...*string) error {
	t, err := a.target(c, "join", namespace, filter)
	if err == nil {
		t.Join(room)
	}
	return err
}

func (a *Admin) leave(c *socketio.Context, namespace, room string, filter ...*string) error {
	t, err := a.target(c, "leave", namespace, filter)
	if err == nil {
		t.Leave(room)
	}
	return err
}

// cut disconnects clients; with closing set, from all their namespaces.
func (a *Admin) cut(c *socketio.Context, namespace string, closing bool, filter ...*string) error {
	t, err := a.target(c, "disconnect", namespace, filter)
	switch {
	case err != nil:
		return err
	case closing:
		t.Close()
	default:
		t.Disconnect()
	}
	return nil
}

func (a *Admin) emit(c *socketio.Context, namespace string, filter *string, event string, args ...socketio.Value) error {
	t, err := a.target(c, "emit", namespace, []*string{filter})
	if err != nil {
		return err
	}
	list := make([]any, len(args))
	for i, arg := range args {
		list[i] = arg
	}
	return t.Emit(event, list...)
}

// errReadOnly is why a command is refused: a UI of a user who may only look does not offer it.
var errReadOnly = errors.New("this user may only look")

// target finds whom a command is for, and logs who gave it.
func (a *Admin) target(c *socketio.Context, command, namespace string, filter []*string) (inspect.Clients, error) {
	a.mu.Lock()
	by := a.uis[c.ID()].user
	a.mu.Unlock()
	if by.Name == "" || !a.mayAct(by) {
		return nil, errReadOnly
	}
	t := a.view.Namespaces()[namespace]
	if t == nil && a.isElsewhere(namespace) {
		t = a.view.Elsewhere(namespace)
	}
	if t == nil {
		return nil, fmt.Errorf("there is no namespace %.100q", namespace)
	}
	to := ""
	if len(filter) > 0 && filter[0] != nil {
		to = *filter[0]
	}
	a.log.Info("admin command", "command", command, "namespace", namespace, "to", addressee(t, to), "user", by.Name, "address", c.Request().RemoteAddr)
	if to != "" {
		t = t.To(to)
	}
	return t, nil
}

// addressee names a room for the log, and a client by its connection: the id of an Engine.IO 3
// client is its session's, which is a secret.
func addressee(t inspect.Clients, to string) string {
	if to == "" {
		return ""
	}
	for _, c := range t.To(to).List() {
		if c.ID() == to {
			return c.Connection()
		}
	}
	return sparse.Cut(engineio.Shown(to)) // of another server
}
