package admin

import (
	"context"
	"strings"
	"time"

	"hipflask/server/internal/handshake"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/packet"
)

// Servers of Node with @socket.io/admin-ui emit all that a UI is told to the namespace's clients of
// all servers, whether there are any or not; and when a UI comes, they list the clients of all
// servers as fetchSockets does. So they are heard by Take, and once one was, this server looks
// which UIs are connected to them, and emits to those.

// fetchTime is how long other servers may take to list clients.
const fetchTime = time.Second

// Take is what other servers emit to the clients of the namespace, in place of those.
func (a *Admin) Take(event string, args []packet.Value) error {
	if a.watchers.Load() == 0 && event != "server_stats" {
		return nil
	}
	list, err := checked(event, args)
	if err != nil {
		a.share.refused.Add(1)
		return err
	}
	if s, is := list[0].(*stats); is {
		a.noteNamespaces(s)
		a.mu.Lock()
		a.others.node = time.Now()
		a.mu.Unlock()
	}
	a.pass(event, list)
	return nil
}

// hearsNode reports whether there is a server of Node.
func (a *Admin) hearsNode() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Since(a.others.node) < silentAfter
}

// lookAtNode looks which UIs are connected to servers of Node.
func (a *Admin) lookAtNode(ctx context.Context) {
	var uis []string
	if a.hearsNode() {
		for _, c := range a.ofNode(ctx, a.view.Namespaces()[Namespace]) {
			if len(uis) < maxUIs && isName(c.ID) {
				uis = append(uis, c.ID)
			}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.others.nodeUIs = uis
	a.countLocked()
}

// ofNode lists clients of servers of Node.
func (a *Admin) ofNode(ctx context.Context, t inspect.Clients) (list []inspect.Remote) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	all, err := t.Others(ctx)
	if err != nil {
		a.log.Warn("the admin UI lacks clients of other servers", "namespace", t.Namespace(), "error", err)
	}
	for _, c := range all {
		if c.Transport == "" { // ours tell it
			list = append(list, c)
		}
	}
	return list
}

// listNode tells a UI of the clients of servers of Node, if there are any.
func (a *Admin) listNode(ctx context.Context, id string) {
	if !a.hearsNode() {
		return
	}
	left := max(maxListed/a.servers(), minListed)
	for name, t := range a.view.Namespaces() {
		for _, c := range a.ofNode(ctx, t) {
			if left--; left < 0 {
				return
			}
			s, err := readSocket(packet.Value{JSON: nodeSocket(name, &c)})
			if err != nil {
				a.refuse(err)
				continue
			}
			a.tellHere([]string{id}, "socket_connected", s, written(handshake.Read(c.Handshake).At))
		}
	}
}

// nodeSocket is a client as Node's side of the UI would tell of it.
func nodeSocket(namespace string, c *inspect.Remote) []byte {
	var data struct {
		Admin struct {
			ClientID  string `json:"clientId"`
			Transport string `json:"transport"`
		} `json:"_admin"`
	}
	_ = c.Data.Decode(&data) // what is something else names no connection
	text, _, _ := packet.AppendJSON(nil, map[string]any{
		"id": c.ID, "nsp": namespace, "rooms": c.Rooms, "handshake": c.Handshake,
		"clientId": data.Admin.ClientID, "transport": data.Admin.Transport,
	}) // there is nothing in it that could not be written
	return text
}

// tellNode sends an event to the UIs of Node's servers.
func (a *Admin) tellNode(event string, args []any) {
	a.mu.Lock()
	uis := a.others.nodeUIs
	a.mu.Unlock()
	if len(uis) == 0 {
		return
	}
	if err := a.space.To(uis...).Emit(event, args...); err != nil {
		a.log.Error("admin event not sent", "event", event, "error", strings.TrimSpace(err.Error()))
	}
}

// described is what Node's servers are told of a client beside its handlers' values.
func (a *Admin) described(c inspect.Client) map[string]any {
	return map[string]any{"_admin": map[string]any{"clientId": c.Connection(), "transport": c.Transport()}}
}
