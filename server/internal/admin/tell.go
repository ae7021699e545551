package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"hipflask/server/internal/handshake"
	"hipflask/server/internal/inspect"
	"hipflask/server/internal/packet"
)

const (
	// maxListed is how many clients a UI is told of when it comes, those of all servers together.
	// It is of no use with more, and their handshakes take about a kilobyte each. Each server has
	// the same part of that, and minListed at least.
	maxListed = 5000
	minListed = 50
	// maxRecipients is for how many clients one event that was sent is shown.
	maxRecipients = 100
	// maxShown is how many bytes of an event's arguments are shown.
	maxShown = 16 << 10
)

// Observe has the UI told of what happens on the server that is made with the hooks.
func (a *Admin) Observe(hooks *inspect.Hooks) {
	hooks.Connected = a.connected
	hooks.Disconnected = a.disconnected
	hooks.Joined = func(namespace, room, id string) { a.moved("room_joined", namespace, room, id) }
	hooks.Left = func(namespace, room, id string) { a.moved("room_left", namespace, room, id) }
	if a.opts.Events {
		hooks.Received, hooks.Sent = a.received, a.sent
	}
	if a.share != nil {
		hooks.Described = a.described
	}
}

// connected tells a UI that has come of all sockets: not before it is one of them, as the UI
// chooses a namespace by that list. The other servers add theirs to it.
func (a *Admin) connected(c inspect.Client) {
	a.change("socket_connected", func() []any { return []any{a.describe(c)} })
	if c.Namespace() != Namespace {
		return
	}
	a.list(c.ID())
	a.announce()
	if a.share != nil {
		a.aside(func(ctx context.Context) { a.listNode(ctx, c.ID()) })
	}
}

// list tells a UI of all sockets of this server. It chooses the namespace to show by that: "/", if
// it has heard of it, which it does here where other servers' clients may be in it.
func (a *Admin) list(id string) {
	a.listing.Lock()
	defer a.listing.Unlock()
	if a.share != nil {
		a.tellHere([]string{id}, "socket_updated", update{Namespace: "/"}) // of no socket
	}
	a.tellHere([]string{id}, "all_sockets", a.sockets())
}

// change tells of a client that came, went or moved. A UI forgets what it was told before it is
// told of all sockets, so no change may come between their listing and the telling.
func (a *Admin) change(event string, what func() []any) {
	if !a.isWatched() {
		return
	}
	a.listing.Lock()
	defer a.listing.Unlock()
	a.tell(event, append(what(), now())...)
}

func (a *Admin) disconnected(c inspect.Client, reason string) {
	a.mu.Lock()
	delete(a.polling, c)
	a.mu.Unlock()
	a.change("socket_disconnected", func() []any { return []any{c.Namespace(), c.ID(), reason} })
}

func (a *Admin) moved(event, namespace, room, id string) {
	a.change(event, func() []any { return []any{namespace, room, id} })
}

// received and sent leave the UI's own events out: each would make the next.

func (a *Admin) received(c inspect.Client, event string, args []packet.Value) {
	if a.isWatched() && c.Namespace() != Namespace {
		a.tell("event_received", c.Namespace(), c.ID(), shown(event, args), now())
	}
}

func (a *Admin) sent(to inspect.Clients, event string, args []packet.Value) {
	namespace := to.Namespace()
	if namespace == Namespace || !a.isWatched() {
		return
	}
	ids := to.IDs()
	list, at := shown(event, args), now()
	for _, id := range ids[:min(len(ids), maxRecipients)] {
		a.tell("event_sent", namespace, id, list, at)
	}
}

// shown is an event as the UI displays it: a list of its name and its arguments. Binary is the
// placeholder that stands for it in the packet.
func shown(event string, args []packet.Value) []any {
	list := []any{fmt.Sprintf("%.200s", event)}
	size := 0
	for i, arg := range args {
		var text json.RawMessage
		if err := arg.Decode(&text); err != nil {
			text = nil // shown as null
		}
		if size += len(text); size > maxShown {
			return append(list, fmt.Sprintf("(%d arguments are too long to show)", len(args)-i))
		}
		list = append(list, text)
	}
	return list
}

// describe is a client as the UI keeps it. It notes who is polling, for tellUpgrades.
func (a *Admin) describe(c inspect.Client) *socket {
	transport := c.Transport()
	if transport == "polling" {
		a.mu.Lock()
		a.polling[c] = struct{}{}
		a.mu.Unlock()
	}
	return &socket{
		ID:        c.ID(),
		ClientID:  c.Connection(),
		Transport: transport,
		Namespace: c.Namespace(),
		Data:      map[string]any{},
		Handshake: opened(c),
		Rooms:     c.Rooms(),
	}
}

// opened is how the client's connection was opened, without what its user could be impersonated
// with.
func opened(c inspect.Client) *handshake.Handshake {
	r := c.Request()
	h := handshake.Of(r, c.Address(), c.Since()).WithHeaders(r)
	h.Hide()
	return h
}

// sockets describes the clients of all namespaces.
func (a *Admin) sockets() []*socket {
	list := []*socket{}
	for c := range a.clients() {
		list = append(list, a.describe(c))
	}
	return list
}

// clients are those of all namespaces of this server, up to its share of what a UI is told of when
// it comes.
func (a *Admin) clients() iter.Seq[inspect.Client] {
	return func(yield func(inspect.Client) bool) {
		left := max(maxListed/a.servers(), minListed)
		for _, t := range a.view.Namespaces() {
			for _, c := range t.List() {
				if left == 0 {
					a.log.Warn("the admin UI is told of some clients only", "limit", maxListed, "servers", a.servers())
					return
				}
				left--
				if !yield(c) {
					return
				}
			}
		}
	}
}

// tellUpgrades tells which clients have gone over to WebSocket since they were described.
func (a *Admin) tellUpgrades() {
	var upgraded []inspect.Client
	a.mu.Lock()
	for c := range a.polling {
		if c.Transport() != "polling" {
			delete(a.polling, c)
			upgraded = append(upgraded, c)
		}
	}
	a.mu.Unlock()
	for _, c := range upgraded {
		a.tell("socket_updated", update{c.ID(), c.Namespace(), c.Transport()})
	}
}
