package socketio

import (
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

// OnOutgoing registers a function that is told of each event that this server's handlers emit to
// clients of the namespace, once, however many those are: to is who they are. It takes the place of
// an earlier one; nil takes it away. Acknowledgements are no events.
//
// The function is called after the fact, beside the handlers and one event after another: what it
// does holds nobody up. When a megabyte of events waits for it, later ones are left out, and the
// log says so. What it emits itself it is told too. Flask has none; in Node it is
// [Context.OnOutgoing] on every client.
func (n *Namespace) OnOutgoing(listener func(to *Target, event string, args []Value)) {
	o := &n.outgoing
	o.mu.Lock()
	defer o.mu.Unlock()
	o.listener = listener
	if was := o.heard.Swap(listener != nil); was != (listener != nil) {
		if was {
			n.server.heard.Add(-1)
		} else {
			n.server.heard.Add(1)
		}
	}
}

// OnOutgoing registers a function that is told of each event that is sent to this client, whoever
// emits it: this client's handlers, others, another server of the cluster. What a client missed and
// is sent again is not told again. The rest is as [Namespace.OnOutgoing] says. Flask has none;
// Node: socket.onAnyOutgoing, and offAnyOutgoing for nil.
func (c *Context) OnOutgoing(listener func(event string, args []Value)) {
	if listener == nil {
		c.member.Listen(nil)
		return
	}
	l := new(sentLine)
	l.init(c.space.server, func(s sent) { listener(s.event.Name, valueList(eventArgs(s.event))) })
	c.member.Listen(func(e fanout.Event) { l.add(nil, e) })
}

func (o *outgoing) tell(s sent) {
	o.mu.Lock()
	listener := o.listener
	o.mu.Unlock()
	if listener != nil {
		listener(s.to, s.event.Name, valueList(eventArgs(s.event)))
	}
}

// eventArgs are the arguments of an event that newEvent made, or that came from another server.
func eventArgs(e fanout.Event) []packet.Value {
	args := make([]packet.Value, len(e.Args))
	for i, arg := range e.Args {
		// There is nothing in it that could not be written.
		args[i], _ = packet.NewValue(arg)
	}
	return args
}

const (
	// maxUntold is how many bytes of events wait for one listener.
	maxUntold = 1 << 20
	// sentOverhead is about what an event takes beside its arguments, and each of these.
	sentOverhead = 96
)

func (l *sentLine) init(s *Server, tell func(sent)) {
	l.server = s
	l.line.Begin = s.aside
	l.line.Do = func(v sent) {
		l.behind.Store(false)
		l.size.Add(int64(-v.size))
		s.memory.Give(v.size)
		s.guard(func() { tell(v) }, "listener panicked")
	}
}

// add puts an event at the end, or leaves it out when the listener is too far behind. A single
// event always has room there.
func (l *sentLine) add(to *Target, e fanout.Event) {
	v := sent{to: to, event: e, size: sentSize(e)}
	now := l.size.Add(int64(v.size))
	if now > maxUntold && now > int64(v.size) || !l.server.memory.TakeHalf(v.size) {
		l.size.Add(int64(-v.size))
		if !l.behind.Swap(true) {
			l.server.aside(l.warn) // the namespace may be locked
		}
		return
	}
	l.line.Push(v)
}

func (l *sentLine) warn() {
	l.server.log.Warn("outgoing events not told: the listener of OnOutgoing is too slow", "limit", maxUntold)
}

func sentSize(e fanout.Event) int {
	n := sentOverhead + len(e.Name)
	for _, arg := range e.Args {
		n += sentOverhead
		switch v := arg.(type) {
		case string:
			n += len(v)
		case packet.Value:
			n += len(v.JSON)
			for _, b := range v.Attachments {
				n += len(b)
			}
		}
	}
	return n
}

// tellListeners tells those of OnOutgoing of an event that the target was sent.
func (t *Target) tellListeners(e fanout.Event) {
	if t.server.heard.Load() == 0 {
		return
	}
	told := make(map[*Namespace]bool)
	for _, a := range t.adapters() {
		if n := t.server.handling(a.Name()); n != nil && n.outgoing.heard.Load() && !told[n] {
			told[n] = true
			n.outgoing.line.add(t, e)
		}
	}
}
