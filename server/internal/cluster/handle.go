package cluster

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/cluster/jsonval"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// handle deals with one message from Redis. Whatever it holds, it does not end the
// goroutine that hears the others.
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
	default:
		err = c.handleOther(m.Channel, m.Payload)
	}
	if err != nil {
		c.refused.Add(1)
		c.log.Warn("message from Redis refused", "channel", shown(m.Channel), "error", err)
	}
}

// shown is a channel without the room that it is for: the room of an Engine.IO 3 client
// is named by the id of its session, which is a secret.
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
	return emit(s.adapter, b.Event, b.Args, fanout.Selection(b.Target), b.Flags.Volatile)
}

// concernsNobody says whether the channel names a room that is empty here.
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

// emit sends an event to clients of this server.
func emit(a *fanout.Adapter, event string, args []packet.Value, to fanout.Selection, volatile bool) error {
	p, err := eventPacket(event, args)
	if err == nil {
		a.Broadcast(p, to.Local(volatile))
	}
	return err
}

// eventPacket is an event as the adapter takes it.
func eventPacket(event string, args []packet.Value) (*parser.Packet, error) {
	if socket.SOCKET_RESERVED_EVENTS.Has(event) {
		return nil, fmt.Errorf("the event's name is reserved for clients: %.40q", event)
	}
	data := make([]any, 1, 1+len(args))
	data[0] = event
	for _, arg := range args {
		data = append(data, arg)
	}
	return &parser.Packet{Type: parser.EVENT, Data: data}, nil
}

// eventParts is the reverse.
func eventParts(event []any) (name string, args []packet.Value, err error) {
	name, ok := event[0].(string)
	if !ok {
		return "", nil, fmt.Errorf("an event's name is a string, not %T", event[0])
	}
	args = make([]packet.Value, len(event)-1)
	for i, arg := range event[1:] {
		if args[i], err = packet.NewValue(arg); err != nil {
			return "", nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return name, args, nil
}

// Broadcast tells the other servers of a broadcast.
func (c *Cluster) Broadcast(namespace string, event []any, to fanout.Selection, volatile bool) {
	name, args, err := eventParts(event)
	if err != nil {
		c.notSent(namespace, err)
		return
	}
	b := nodewire.Broadcast{UID: c.uid, Namespace: namespace, Event: name, Args: args, Target: nodewire.Target(to)}
	b.Flags.Volatile = volatile
	if c.stream != nil {
		c.broadcastInOrder(&b)
		c.emitToQueue(namespace, name, args, to)
		return
	}
	payload, err := nodewire.AppendBroadcast(make([]byte, 0, guess(args)), &b)
	if err != nil {
		c.notSent(namespace, err)
		return
	}
	channel := c.names(namespace).Broadcast(to.Rooms)
	c.out.put(entry{channel: channel, payload: payload}, true)
	c.emitToQueue(namespace, name, args, to)
}

// notSent logs what cannot be said to the others. Emits have checked their
// arguments before, so it is about limits of the formats.
func (c *Cluster) notSent(namespace string, err error) {
	c.out.lose(1)
	c.log.Warn("message for other servers not sent", "namespace", namespace, "error", err)
}

// guess estimates the size of a broadcast, so that encoding allocates once.
func guess(args []packet.Value) int {
	n := 160
	for _, arg := range args {
		n += len(arg.JSON)
	}
	return n
}
