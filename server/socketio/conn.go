package socketio

import (
	"slices"
	"sync"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/freeze"
	"hipflask/server/internal/library"
	"hipflask/server/internal/packet"
)

// conn is one session on its way to handlers. To the engine it is the receiver; to
// the library it is the owner of a connection.
//
// Everything that happens to a session is a task in one queue, worked off by one
// goroutine that exists while there are tasks. The library sees CONNECT and
// DISCONNECT packets and the end only when their turn comes, and the queue waits
// until it has dealt with them.
type conn struct {
	server   *Server
	session  *engineio.Session
	library  *library.Conn
	incoming incoming

	mu       sync.Mutex
	tasks    []task
	size     int           // of the packets among tasks, in memory
	working  bool          // the goroutine exists
	ended    bool          // the session is over: nothing more comes in
	room     chan struct{} // closed when a waiting reader may go on; nil without one
	joining  *Context      // the one whose connect handler runs or has run last
	spaces   []*Context    // the namespaces the client is connected to
	slots    chan struct{} // see concurrently; the queue's own
	patience *time.Timer   // ends a session that connects to nothing; nil once it has
	limit    freeze.Limit  // of that
	values   *session      // nil until somebody asks
	auth     packet.Value  // the payload of the CONNECT that is being dealt with
	coming   *claim        // to the session that its client comes back to
	waiting  chan struct{} // closed when the session ends; nil unless takeOver waits

	turn turn // the queue's own
}

// task is a packet to handle, or something else to run.
type task struct {
	packet *packet.Packet
	size   int // taken from the memory for clients, until the packet is handled
	run    func()
}

func (s *Server) open(session *engineio.Session) engineio.Receiver {
	c := &conn{server: s, session: session, incoming: incoming{decoder: packet.Decoder{Limits: s.opts.Limits}}}
	c.library = s.library.Open(session, c)
	s.conns.Add(1)
	c.mu.Lock()
	c.limit = freeze.Begin(s.opts.ConnectTimeout)
	c.patience = time.AfterFunc(s.opts.ConnectTimeout, c.lookLater)
	c.tasks = []task{{run: c.opened}}
	if session.Protocol() == 4 { // its CONNECT is awaited: one goroutine then does both
		c.mu.Unlock()
	} else {
		c.wake()
	}
	return c
}

// Text takes one Socket.IO packet, or a plain client's message.
func (c *conn) Text(data []byte) error {
	if c.session.IsPlain() {
		return c.plain(packet.TextValue(string(data)))
	}
	return c.decode((*packet.Decoder).Text, data)
}

// Binary takes one attachment, or a plain client's message.
func (c *conn) Binary(data []byte) error {
	if c.session.IsPlain() {
		return c.plain(packet.BytesValue(slices.Clone(data)))
	}
	return c.decode((*packet.Decoder).Binary, data)
}

func (c *conn) plain(v packet.Value) error {
	p := &packet.Packet{Type: packet.Event, Namespace: "/", Event: "message", Args: []packet.Value{v}}
	c.accept(p)
	return nil
}

// accept queues a packet and then holds the reader back while too much is queued.
// Acks do not wait in the queue: the handler they are for may be what blocks it.
func (c *conn) accept(p *packet.Packet) {
	if p.Type == packet.Ack {
		c.acked(p)
		return
	}
	size := p.Cost()
	if !c.server.memory.Take(size) {
		c.tooMuch()
		return
	}
	if p.Type == packet.Connect && c.space(p.Namespace) != nil {
		c.finish(p.Namespace) // the old one; once this is queued there may be a new one
	}
	c.enqueue(task{packet: p, size: size})
	if p.Type == packet.Disconnect {
		c.finish(p.Namespace)
	}
	for {
		c.mu.Lock()
		full := !c.ended && (len(c.tasks) > c.server.opts.MaxQueuedEvents || c.size > maxQueuedBytes)
		if !full {
			c.mu.Unlock()
			return
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		<-room
		c.session.Delayed()
	}
}

// maxQueuedBytes is how much memory one client's events that wait for handlers may
// take, beside MaxQueuedEvents.
const maxQueuedBytes = 1 << 20

// Closed queues the end of the session.
func (c *conn) Closed(reason engineio.Reason) {
	c.mu.Lock()
	c.ended = true
	if c.waiting != nil {
		close(c.waiting)
	}
	c.mu.Unlock()
	c.awaitNoMore()
	c.finish("")
	c.enqueue(task{run: func() { c.close(reason) }})
}

// Finish calls then once all that came before is handled.
func (c *conn) Finish(then func()) {
	c.enqueue(task{run: func() {
		for range cap(c.slots) { // events beside the queue; none without slots
			c.slots <- struct{}{}
		}
		for range cap(c.slots) {
			<-c.slots
		}
		then()
	}})
}

// finish ends what waits for the client of a namespace, or of all for "": a handler
// that waits for it holds up the queue, in which the end is only one more task.
func (c *conn) finish(nsp string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ctx := range c.spaces {
		if nsp == "" || nsp == ctx.Namespace() {
			ctx.finish()
		}
	}
	if c.joining != nil && (nsp == "" || nsp == c.joining.Namespace()) {
		c.joining.finish()
	}
}

// leaves says whether a client that is only now being connected has gone already, as
// one may have that did not wait for the answer. The mutex is held.
func (c *conn) leaves(nsp string) bool {
	return c.ended || slices.ContainsFunc(c.tasks, func(t task) bool {
		return t.packet != nil && t.packet.Type == packet.Disconnect && t.packet.Namespace == nsp
	})
}

func (c *conn) enqueue(t task) {
	c.mu.Lock()
	c.tasks = append(c.tasks, t)
	c.size += t.size
	if t.packet != nil {
		c.server.waiting.Add(1)
	}
	c.wake()
}

// before puts a task in front of those that wait.
func (c *conn) before(run func()) {
	c.mu.Lock()
	c.tasks = slices.Insert(c.tasks, 0, task{run: run})
	c.wake()
}

// wake starts the goroutine if there is none. It releases the mutex.
func (c *conn) wake() {
	c.makeRoom()
	start := !c.working
	c.working = true
	c.mu.Unlock()
	if start {
		c.server.conns.Add(1)
		c.server.pool.Run(c)
	}
}

// Run works the queue off, for the pool.
func (c *conn) Run() {
	defer c.server.conns.Done()
	c.server.turns.runs.Add(1)
	c.turn.runs++
	c.work()
}

// makeRoom lets a waiting reader look again. The mutex is held.
func (c *conn) makeRoom() {
	if c.room != nil && (c.ended || len(c.tasks) <= c.server.opts.MaxQueuedEvents/2 && c.size <= maxQueuedBytes/2) {
		close(c.room)
		c.room = nil
	}
}

// work handles the tasks one after another and ends when there are none.
func (c *conn) work() {
	for {
		c.mu.Lock()
		if len(c.tasks) == 0 {
			c.tasks = nil
			c.working = false
			c.mu.Unlock()
			return
		}
		t := c.tasks[0]
		c.tasks[0] = task{}
		c.tasks = c.tasks[1:]
		c.size -= t.size
		c.makeRoom()
		c.mu.Unlock()
		if t.run != nil {
			t.run()
		} else {
			c.server.waiting.Add(-1)
			c.handle(t)
			c.giveWay()
		}
	}
}

// lookLater has connectedTooLate look when its turn has come. While a client is being
// connected, or waits for a session that it comes back to, it is not: so nobody can be
// ended in the moment in which that succeeds.
func (c *conn) lookLater() {
	c.mu.Lock()
	if c.patience == nil { // connected, or ended: then nothing may be queued any more
		c.mu.Unlock()
		return
	}
	c.tasks = append(c.tasks, task{run: c.connectedTooLate})
	c.wake()
}

// connectedTooLate ends a session that was connected to no namespace in time. The
// library has a timer of its own, which would not ask.
func (c *conn) connectedTooLate() {
	c.mu.Lock()
	connected := c.patience == nil
	left := c.limit.Left()
	if !connected && left > 0 {
		c.patience.Reset(left)
	}
	c.mu.Unlock()
	if !connected && left == 0 {
		c.session.Warn(engineio.CauseNoConnect, "client closed: it connected to no namespace in time", "setting", "--connect-timeout")
		c.session.Close(engineio.ServerClose)
	}
}

// excuse gives a client the time back that an attempt to connect it has taken since it
// began: its handlers took that.
func (c *conn) excuse(began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit.Extend(time.Since(began))
}

// opened introduces the session to the library. Engine.IO 3 clients, and plain
// ones, are connected to "/" without asking.
func (c *conn) opened() {
	if c.session.Protocol() == 3 {
		defer c.excuse(time.Now())
	}
	c.library.Begin()
	c.tried()
	if c.session.IsPlain() {
		c.connect(&packet.Packet{Type: packet.Connect, Namespace: "/"})
	}
}

// handle deals with a packet when its turn has come.
func (c *conn) handle(t task) {
	p := t.packet
	ctx := c.space(p.Namespace)
	if ctx != nil && p.Type == packet.Event && c.server.opts.Concurrent {
		c.concurrently(func() {
			defer c.server.memory.Give(t.size)
			ctx.event(p)
		})
		return
	}
	defer c.server.memory.Give(t.size)
	switch {
	case p.Type == packet.Connect && ctx == nil:
		c.connect(p)
	case p.Type == packet.Connect:
		c.reconnect(p)
	case ctx == nil:
		c.server.log.Debug("packet for a namespace that is not connected", "connection", c.session.Name(),
			"namespace", p.Namespace, "type", p.Type.String())
	case p.Type == packet.Event:
		ctx.event(p)
	case p.Type == packet.Disconnect:
		c.library.Leave(p.Namespace)
	}
}

// reconnect handles a CONNECT to a namespace that the client is connected to: it has
// begun anew, as a page does that disconnects and connects in one turn, whose
// DISCONNECT is never sent. A refusal, or a DISCONNECT from here, would leave it
// deaf for good. The old one's disconnect handler comes first: what leaves puts it in
// front of the queue.
func (c *conn) reconnect(p *packet.Packet) {
	c.before(func() { c.connect(p) })
	c.library.Leave(p.Namespace)
}

// maxConcurrent is how many events of one client are handled at the same time,
// where that was asked for.
const maxConcurrent = 64

// concurrently runs an event's handlers beside the queue, which waits while too
// many run.
func (c *conn) concurrently(run func()) {
	if c.slots == nil {
		c.slots = make(chan struct{}, maxConcurrent)
	}
	c.slots <- struct{}{}
	c.server.conns.Go(func() {
		defer func() { <-c.slots }()
		run()
	})
}

func (c *conn) connect(p *packet.Packet) {
	defer c.excuse(time.Now())
	c.mu.Lock()
	full := len(c.spaces) >= c.server.opts.MaxNamespaces
	c.mu.Unlock()
	if full {
		c.session.Warn(engineio.CauseNamespaces, "namespace refused: the client is connected to too many",
			"limit", c.server.opts.MaxNamespaces, "setting", "--max-namespaces")
		c.reply(fanout.EncodeConnectError(p.Namespace, map[string]any{"message": "Connected to too many namespaces"}))
		return
	}
	defer c.server.enter(p.Namespace)()
	pid, offset := c.comeBack(p)
	c.mu.Lock()
	c.auth = auth(p)
	c.mu.Unlock()
	if !c.library.Connect(p.Namespace, pid, offset) {
		c.reply(fanout.EncodeConnectError(p.Namespace, "Invalid namespace"))
	}
	c.tried()
	c.dropClaim()
}

// tried lets go of what was held for a client while it was being connected.
func (c *conn) tried() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joining != nil { // it was not connected after all
		c.joining.dropAuthLocked()
	}
	c.joining, c.auth = nil, packet.Value{}
}

func (c *conn) space(name string) *Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ctx := range c.spaces {
		if ctx.Namespace() == name {
			return ctx
		}
	}
	return nil
}

// close tells the library of the end. What it still holds then, it is made to let
// go of: a namespace that was connected while the library closed on its own.
func (c *conn) close(reason engineio.Reason) {
	c.mu.Lock()
	c.settle()
	c.mu.Unlock()
	c.library.End(reason)
	c.mu.Lock()
	left := slices.Clone(c.spaces)
	c.mu.Unlock()
	for _, ctx := range left {
		ctx.client.Disconnect()
	}
	c.server.conns.Done()
}

// settle stops the timer for the first connection. The mutex is held.
func (c *conn) settle() {
	if c.patience != nil {
		c.patience.Stop()
		c.patience = nil
	}
}

// reply sends a packet to this client outside the library.
func (c *conn) reply(msg *engineio.Message, err error) {
	if err != nil {
		c.server.log.Error("packet not sent", "connection", c.session.Name(), "error", err)
		return
	}
	c.session.Send(msg)
}

// acked calls what waits for an ack.
func (c *conn) acked(p *packet.Packet) {
	if ctx := c.space(p.Namespace); ctx != nil {
		ctx.member.Answer(p.ID, p.Args)
	}
}
