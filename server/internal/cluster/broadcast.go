package cluster

import (
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// Broadcast tells the other servers of a broadcast.
func (c *Cluster) Broadcast(namespace string, e fanout.Event, to fanout.Selection) {
	args, err := valuesOf(e)
	if err != nil {
		c.notSent(namespace, err)
		return
	}
	b := nodewire.Broadcast{UID: c.uid, Namespace: namespace, Event: e.Name, Args: args, Target: there(to), Flags: flags(to)}
	if c.stream != nil {
		c.broadcastInOrder(&b)
	} else {
		payload, err := nodewire.AppendBroadcast(make([]byte, 0, guess(args)), &b)
		if err != nil {
			c.notSent(namespace, err)
			return
		}
		c.out.put(entry{channel: c.names(namespace).Broadcast(to.Rooms), payload: payload}, true)
	}
	c.emitToQueue(namespace, e.Name, args, to)
}

// guess estimates the size of a broadcast, so that encoding allocates once.
func guess(args []packet.Value) int {
	n := 160
	for _, arg := range args {
		n += len(arg.JSON)
	}
	return n
}
