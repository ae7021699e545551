package cluster

import (
	"runtime/debug"
	"strings"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet/jsonval"
)

// handle deals with one message from Redis. Whatever it holds, it does not end the goroutine that
// hears the others.
func (c *Cluster) handle(m *redis.Message) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("message from Redis failed", "channel", shown(m.Channel), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	var err error
	switch {
	case m.Pattern != "":
		err = c.handleBroadcast(m.Channel, m.Payload)
	case m.Channel == c.opts.Channel:
		err = c.handleQueue(m.Payload)
	case c.sessions != nil && m.Channel == c.sessions.Channel():
		err = c.sessions.Handle(m.Payload)
	default:
		err = c.handleOther(m.Channel, m.Payload)
	}
	if err != nil {
		c.refused.Add(1)
		c.log.Warn("message from Redis refused", "channel", shown(m.Channel), "error", err)
	}
}

// shown is a channel without the room that it is for: the room of an Engine.IO 3 client is named by
// the id of its session, which is a secret.
func shown(channel string) string {
	prefix, rest, _ := strings.Cut(channel, "#")
	namespace, room, isNode := strings.Cut(rest, "#")
	if !isNode || room == "" {
		return channel
	}
	return prefix + "#" + namespace + "#..."
}

// handleBroadcast delivers a broadcast of another server to clients of this one.
func (c *Cluster) handleBroadcast(channel, payload string) error {
	uid, n, numbered := readSerial(payload)
	if numbered && (uid == c.uid || !c.heard.fresh(uid, n, payload)) || c.concernsNobody(channel) {
		return nil
	}
	data := []byte(payload)
	if numbered {
		data = withoutSerial(data)
	}
	b, err := nodewire.DecodeBroadcast(data, jsonval.Limits{})
	if err != nil {
		return err
	}
	s := c.space(b.Namespace)
	if s == nil || b.UID == c.uid {
		return nil
	}
	return c.deliverBroadcast(s.adapter, &b, offset.ID{})
}

// concernsNobody reports whether the channel names a room that is empty here.
func (c *Cluster) concernsNobody(channel string) bool {
	name, room, _ := strings.Cut(strings.TrimPrefix(channel, c.opts.Prefix+"#"), "#")
	room, isRoom := strings.CutSuffix(room, "#")
	// A name with # in it cannot be told from a room: then the message itself says.
	if !isRoom || strings.Contains(room, "#") {
		return false
	}
	c.mu.RLock()
	s, sharp := c.spaces[name], c.sharp
	c.mu.RUnlock()
	return !sharp && (s == nil || !s.adapter.HasRoom(room))
}

// handleOther deals with a request or with an answer to one.
func (c *Cluster) handleOther(channel, payload string) error {
	l := c.listener(channel)
	if l.space == nil {
		return nil
	}
	if c.stream != nil {
		return c.handlePublished(l.space, payload)
	}
	if !l.isRequest {
		r, err := nodewire.DecodeResponse([]byte(payload), jsonval.Limits{})
		if err == nil {
			c.asked.answer(&r)
		}
		return err
	}
	r, err := nodewire.DecodeRequest([]byte(payload), jsonval.Limits{})
	if err != nil || r.UID == c.uid {
		return err
	}
	return c.serve(l.space, &r)
}

// handlePublished deals with a question, or an answer to one, of a server with Node's streams
// adapter.
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
