package cluster

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
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
	to := here(b.Target)
	to.Volatile = b.Flags.Volatile
	return emit(s.adapter, b.Event, b.Args, to)
}

// concernsNobody says whether the channel names a room that is empty here.
func (c *Cluster) concernsNobody(channel string) bool {
	name, room, _ := strings.Cut(strings.TrimPrefix(channel, nodewire.DefaultPrefix+"#"), "#")
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

// here is a selection of another server, of the clients of this one alone.
func here(t nodewire.Target) fanout.Selection {
	return fanout.Selection{Rooms: t.Rooms, Except: t.Except, Local: true}
}

// there is a selection as the other servers are told.
func there(s fanout.Selection) nodewire.Target {
	return nodewire.Target{Rooms: s.Rooms, Except: s.Except}
}

// emit sends an event to clients of this server.
func emit(a *fanout.Adapter, event string, args []packet.Value, to fanout.Selection) error {
	e, err := eventOf(event, args)
	if err == nil {
		a.Broadcast(e, to)
	}
	return err
}

// eventOf is an event of another server as clients are sent it.
func eventOf(name string, args []packet.Value) (fanout.Event, error) {
	if packet.Reserved(name) {
		return fanout.Event{}, fmt.Errorf("the event's name is reserved for clients: %.40q", name)
	}
	e := fanout.Event{Name: name, Args: make([]any, len(args))}
	for i, arg := range args {
		e.Args[i] = arg
	}
	return e, nil
}

// valuesOf are the arguments of an event for the other servers.
func valuesOf(e fanout.Event) ([]packet.Value, error) {
	args := make([]packet.Value, len(e.Args))
	for i, arg := range e.Args {
		var err error
		if args[i], err = packet.NewValue(arg); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return args, nil
}

// Broadcast tells the other servers of a broadcast.
func (c *Cluster) Broadcast(namespace string, e fanout.Event, to fanout.Selection) {
	args, err := valuesOf(e)
	if err != nil {
		c.notSent(namespace, err)
		return
	}
	b := nodewire.Broadcast{UID: c.uid, Namespace: namespace, Event: e.Name, Args: args, Target: there(to)}
	b.Flags.Volatile = to.Volatile
	payload, err := nodewire.AppendBroadcast(make([]byte, 0, guess(args)), &b)
	if err != nil {
		c.notSent(namespace, err)
		return
	}
	channel := nodewire.NewChannels("", namespace).Broadcast(to.Rooms)
	c.out.put(entry{channel: channel, payload: payload}, true)
	c.emitToQueue(namespace, e.Name, args, to)
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
