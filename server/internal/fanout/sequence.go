package fanout

import (
	"sync"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/offset"
)

// Sequence are peers that bring what all servers emit into one order. What they are told
// of comes back to this server as well, in its place: broadcasts by [Adapter.Deliver],
// the rest as for this server's clients alone.
type Sequence interface {
	Peers
	// After calls fn once this server's clients have been sent what the peers were told of
	// before, or that was given up: at once, if nothing waits. fn takes so many bytes, and
	// may be dropped if too much waits; never, if they are 0. It must not block.
	After(bytes int, fn func())
}

// sequenced reports whether what opts says has a place in the order of all servers.
func (a *Adapter) sequenced(opts *socket.BroadcastOptions) bool {
	return a.sequence != nil && a.others(opts) != nil
}

// Deliver sends an event of the sequence, which has this place in it, to the members that
// opts selects.
func (a *Adapter) Deliver(p *parser.Packet, opts *socket.BroadcastOptions, place offset.ID) {
	a.broadcast(p, opts, place, nil)
}

// inTurn sends a packet to one client behind what was emitted before. With recovery it
// takes a place in the order of all servers, since the client may come back to any.
func (a *Adapter) inTurn(id socket.SocketId, p *parser.Packet) {
	if a.recovery != nil && p.Id == nil {
		a.publish(p, &socket.BroadcastOptions{Rooms: roomSet([]string{string(id)})})
		return
	}
	msg, err := Encode(p)
	if err != nil {
		return // as in broadcast
	}
	a.sequence.After(msg.Memory(), func() { a.direct(id, msg) })
}

// lastWords is how long the end of a client waits for what was emitted before it.
const lastWords = time.Second

// Finally calls fn once the clients have been sent what was emitted before, or after a
// second: it is for what ends a client. fn must not block.
func (a *Adapter) Finally(fn func()) {
	if a.sequence == nil {
		fn()
		return
	}
	once := sync.OnceFunc(fn)
	late := time.AfterFunc(lastWords, once)
	a.sequence.After(0, func() {
		late.Stop()
		once()
	})
}

// Lapse is for a sequence of which some is lost: clients cannot go on from where they
// are. They are cut off, and come back to new sessions.
func (a *Adapter) Lapse() {
	a.mu.Lock()
	var cut []*engineio.Session
	for _, m := range a.order {
		if a.find(m) {
			cut = append(cut, m.session)
		}
	}
	if a.recovery != nil {
		a.recovery.lapse()
	}
	a.mu.Unlock()
	for _, s := range cut {
		s.Close(engineio.TransportClose)
	}
}
