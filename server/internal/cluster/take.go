package cluster

import "hipflask/server/internal/packet"

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
