package cluster

import (
	"strings"
	"time"

	"hipflask/server/internal/cluster/flaskqueue"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// say publishes a message on the queue.
func (c *Cluster) say(m *flaskqueue.Message) {
	payload, err := flaskqueue.Append(nil, m, c.flask.choose(c.opts.Format))
	if err != nil {
		c.notSent(m.Namespace, err)
		return
	}
	c.out.put(entry{channel: c.opts.Channel, payload: payload}, false)
}

// emitToQueue tells Flask-SocketIO servers of a broadcast.
func (c *Cluster) emitToQueue(namespace, event string, args []packet.Value, to fanout.Selection) {
	m := flaskqueue.Message{
		Method: flaskqueue.Emit, HostID: c.uid, Namespace: namespace, Event: event, Args: args, SkipSIDs: to.Except,
	}
	if len(to.Rooms) > 0 { // an empty list would be nobody
		m.Rooms = to.Rooms
	}
	c.say(&m)
}

// moveOnQueue says on the queue what becomes of a client and these rooms. What the queue has no word
// for is not said: it knows single clients, where we have selections of them. A room's name may be a
// client's id; nobody is harmed where it is not.
func (c *Cluster) moveOnQueue(method flaskqueue.Method, namespace string, who fanout.Selection, rooms ...string) {
	if len(who.Rooms) != 1 || len(who.Except) > 0 {
		return
	}
	for _, room := range rooms {
		m := flaskqueue.Message{Method: method, HostID: c.uid, Namespace: namespace, SID: who.Rooms[0], Room: room}
		if method == flaskqueue.LeaveRoom && m.SID == room { // everybody who is in it
			m.Method = flaskqueue.CloseRoom
		}
		c.say(&m)
	}
}

// fromHipflask reports whether a message in JSON ends as ours do, which spares reading it: no text
// of a message can hold these quotes.
func fromHipflask(payload string) bool {
	const key = `"host_id":"` + uidPrefix
	i := len(payload) - len(key) - uidDigits - len(`"}`)
	return i >= 0 && strings.HasPrefix(payload[i:], key)
}

// handleQueue does what a message on the queue says. Hipflask processes talk to each other on
// Node's channels: what they say here is for others.
func (c *Cluster) handleQueue(payload string) error {
	if fromHipflask(payload) {
		return nil
	}
	m, err := flaskqueue.Decode([]byte(payload), jsonval.Limits{})
	if err != nil || strings.HasPrefix(m.HostID, uidPrefix) {
		return err
	}
	if m.Method != flaskqueue.Callback { // a server of ours may have written it
		c.flask.saw(m.Format)
	}
	s := c.space(m.Namespace)
	if s == nil {
		return nil
	}
	if m.Method == flaskqueue.Emit {
		return c.serveQueued(s.adapter, &m)
	}
	switch member := s.adapter.Member(m.SID); {
	case m.Method == flaskqueue.CloseRoom:
		in := []string{m.Room}
		s.adapter.Leave(fanout.Selection{Rooms: in, Local: true}, in)
	case member == nil: // another server's client
	case m.Method == flaskqueue.EnterRoom:
		member.Join(m.Room)
	case m.Method == flaskqueue.LeaveRoom:
		member.Leave(m.Room)
	case m.Method == flaskqueue.Disconnect:
		member.Client().Disconnect()
	}
	return nil // a callback is for who asked, and nobody does here
}

// serveQueued delivers an event of the queue, and says on it what clients acknowledge, where that
// is wanted.
func (c *Cluster) serveQueued(a *fanout.Adapter, m *flaskqueue.Message) error {
	if m.Rooms != nil && len(m.Rooms) == 0 {
		return nil // nobody
	}
	if taken, err := c.taken(a.Name(), m.Rooms, m.Event, m.Args); taken {
		return err
	}
	e, err := eventOf(m.Event, m.Args)
	if err != nil {
		return err
	}
	to := fanout.Selection{Rooms: m.Rooms, Except: m.SkipSIDs, Local: true}
	if m.Callback == nil {
		a.Broadcast(e, to)
		return nil
	}
	reply := flaskqueue.Message{
		Method: flaskqueue.Callback, HostID: m.HostID,
		SID: m.Callback.SID, Namespace: m.Callback.Namespace, ID: m.Callback.ID,
	}
	_, forget := a.Call(e, to, func(_ string, args []packet.Value, err error) {
		if err == nil {
			answer := reply
			answer.Args = args
			c.say(&answer)
		}
	})
	time.AfterFunc(forgetLast, forget)
	return nil
}
