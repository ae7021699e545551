package cluster

import (
	"hipflask/server/internal/cluster/nodewire"
)

// What servers ask each other is published in the form of Node's Redis adapter, or of its streams
// adapter.

// appendRequest writes a question to the other servers.
func (c *Cluster) appendRequest(namespace string, r *nodewire.Request) ([]byte, error) {
	if c.stream != nil {
		return nodewire.AppendPublishedRequest(nil, namespace, r)
	}
	return nodewire.AppendRequest(nil, r)
}

// appendResponse writes an answer to a question, and names the channel for it.
func (c *Cluster) appendResponse(s *space, r *nodewire.Request, answer *nodewire.Response) (payload []byte, channel string, err error) {
	if c.stream != nil {
		payload, err = nodewire.AppendPublishedResponse(nil, c.uid, s.adapter.Name(), answer)
		return payload, s.channels.Private(r.UID), err
	}
	channel = s.channels.Response()
	if r.UID != "" {
		channel = s.channels.ResponseTo(r.UID) // which spares the others
	}
	payload, err = nodewire.AppendResponse(nil, answer)
	return payload, channel, err
}
