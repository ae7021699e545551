package fanout

import (
	"context"

	"hipflask/server/internal/packet"
)

// act does something to the clients that are selected: here to each member, and elsewhere by what
// the peers are told, who in a sequence have it done here as well.
func (a *Adapter) act(who Selection, here func(*Member), elsewhere func(Peers)) {
	if sequence := a.sequenceOf(who); sequence != nil {
		elsewhere(sequence)
		return
	}
	for _, m := range a.Members(who) {
		here(m)
	}
	if peers := a.others(who); peers != nil {
		elsewhere(peers)
	}
}

// Join makes the clients that are selected join rooms.
func (a *Adapter) Join(who Selection, rooms []string) {
	a.act(who, func(m *Member) { m.Join(rooms...) }, func(p Peers) { p.Join(a.name, who, rooms) })
}

// Leave makes the clients that are selected leave rooms.
func (a *Adapter) Leave(who Selection, rooms []string) {
	a.act(who, func(m *Member) { m.Leave(rooms...) }, func(p Peers) { p.Leave(a.name, who, rooms) })
}

// Disconnect disconnects the clients that are selected from the namespace, and with closing set
// ends their connections.
func (a *Adapter) Disconnect(who Selection, closing bool) {
	end := Client.Disconnect
	if closing {
		end = Client.Close
	}
	a.act(who, func(m *Member) { end(m.client) }, func(p Peers) { p.Disconnect(a.name, who, closing) })
}

// CallOthers sends an event to clients of the other servers: see [Peers]. Without others it returns
// at once.
func (a *Adapter) CallOthers(ctx context.Context, e Event, to Selection, answer func(Answer)) error {
	if peers := a.others(to); peers != nil {
		return peers.Call(ctx, a.name, e, to, answer)
	}
	return nil
}

// ServerSideEmit sends an event to the other servers, of which there may be none.
func (a *Adapter) ServerSideEmit(e Event) error {
	if a.config.Peers == nil {
		return nil
	}
	return a.config.Peers.ServerSideEmit(a.name, e)
}

// HandleServerEvent handles an event that another server sent this one, and returns the answer for
// it.
func (a *Adapter) HandleServerEvent(event string, args []packet.Value) packet.Value {
	if a.config.ServerEvent == nil {
		return packet.Value{}
	}
	return a.config.ServerEvent(a.name, event, args)
}
