package cluster

import (
	"hipflask/server/internal/cluster/jsonval"
	"hipflask/server/internal/cluster/nodewire"
)

// What servers ask each other is published in the form of Node's Redis adapter, or of its
// streams adapter.

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

// handlePublished deals with a question, or an answer to one, of a server with Node's
// streams adapter.
func (c *Cluster) handlePublished(s *space, payload string) error {
	m, err := nodewire.DecodePublished([]byte(payload), jsonval.Limits{})
	switch {
	case err != nil || m.UID == c.uid:
		return err
	case m.Response != nil:
		c.asked.answer(m.Response)
		return nil
	}
	return c.serve(s, m.Request)
}
