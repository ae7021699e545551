package cluster

import (
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet"
)

// deliverBroadcast gives a broadcast of another server to who takes it, or else sends it to clients
// of this one. at is its place in the stream, zero without.
func (c *Cluster) deliverBroadcast(a *fanout.Adapter, b *nodewire.Broadcast, at offset.ID) error {
	if taken, err := c.taken(b.Namespace, b.Target.Rooms, b.Event, b.Args); taken {
		return err
	}
	e, err := eventOf(b.Event, b.Args)
	if err == nil {
		to := here(b.Target)
		to.Volatile, to.Uncompressed = b.Flags.Volatile, isUncompressed(b.Flags)
		a.Deliver(e, to, at)
	}
	return err
}

// taken gives what another server emits in a namespace to who takes it there in the place of the
// clients. It reports false for other namespaces.
func (c *Cluster) taken(namespace string, rooms []string, event string, args []packet.Value) (bool, error) {
	take := c.opts.Take[namespace]
	switch {
	case take == nil:
		return false, nil
	case len(rooms) > 0: // for some of the clients
		return true, nil
	}
	return true, take(event, args)
}
