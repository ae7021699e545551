package socketio

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	eiopacket "github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/freeze"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/packet"
)

// conn is one session on its way to handlers. To the engine it is the receiver; to
// the library it is an engine.Socket.
//
// Everything that happens to a session is a task in one queue, worked off by one
// goroutine that exists while there are tasks. The library sees CONNECT and
// DISCONNECT packets and the end only when their turn comes, and the queue waits
// until it has dealt with them: it does so in goroutines of its own, which would
// otherwise race with the next packet and with the end. For the same reason the
// library is told that the session is open until it was told of its end.
type conn struct {
	engine.Socket // nil: what the library does not call is not there

	server   *Server
	session  *engineio.Session
	incoming incoming

	onData, onClose events.Listener // the library's, set before its first packet

	mu       locks.Connection
	tasks    []task
	size     int           // of the packets among tasks, in memory
	working  bool          // the goroutine exists
	ended    bool          // the session is over: nothing more comes in
	closed   bool          // the library was told so
	goodbye  bool          // the client ended the session, and not only a namespace
	room     chan struct{} // closed when a waiting reader may go on; nil without one
	gate     chan struct{} // closed when the library has dealt with a packet; nil otherwise
	gateNsp  string
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

// Gone says whether the client of that id has left, in the adapter's eyes: it has
// also when its end is still in the queue.
func (c *conn) Gone(id socket.SocketId) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joining != nil && c.joining.sock.Id() == id {
		return c.joining.over
	}
	for _, ctx := range c.spaces {
		if ctx.sock.Id() == id {
			return ctx.over
		}
	}
	return true
}

// Left keeps the rooms of a client that has just left them all, for its disconnect
// handler.
func (c *conn) Left(id socket.SocketId, rooms []socket.Room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joining != nil && c.joining.sock.Id() == id {
		c.joining.rooms = rooms
		return
	}
	for _, ctx := range c.spaces {
		if ctx.sock.Id() == id {
			ctx.rooms = rooms
		}
	}
}

// Unwanted has a client that is only now being connected disconnected once it is, and
// reports whether the client of that id is.
func (c *conn) Unwanted(id socket.SocketId) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joining == nil || c.joining.sock.Id() != id {
		return false
	}
	c.joining.unwanted = true
	return true
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
		c.session.Warn(engineio.CauseNoConnect, "client closed: it connected to no namespace in time")
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
	introduce := func() { c.server.io.Engine().Emit("connection", c) }
	if c.session.Protocol() != 3 {
		introduce()
		if c.session.IsPlain() {
			c.connect(&packet.Packet{Type: packet.Connect, Namespace: "/"})
		}
		return
	}
	defer c.excuse(time.Now())
	c.await("/", introduce)
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
		c.leave(p.Namespace)
	}
}

func (c *conn) leave(nsp string) {
	c.await(nsp, func() { c.onData(&parser.Packet{Type: parser.DISCONNECT, Nsp: nsp}) })
}

// reconnect handles a CONNECT to a namespace that the client is connected to: it has
// begun anew, as a page does that disconnects and connects in one turn, whose
// DISCONNECT is never sent. A refusal, or a DISCONNECT from here, would leave it
// deaf for good. The old one's disconnect handler comes first: what leaves puts it in
// front of the queue.
func (c *conn) reconnect(p *packet.Packet) {
	c.before(func() { c.connect(p) })
	c.leave(p.Namespace)
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
			"limit", c.server.opts.MaxNamespaces)
		c.reply(&parser.Packet{Type: parser.CONNECT_ERROR, Nsp: p.Namespace,
			Data: map[string]any{"message": "Connected to too many namespaces"}})
		return
	}
	nsp := p.Namespace
	if p.Query != "" && c.Protocol() == 3 {
		nsp += "?" + p.Query // the library parses it; newer clients have auth instead
	}
	if u, err := url.Parse(p.Namespace); c.Protocol() == 3 && (err != nil || u.Path != p.Namespace) {
		// The library reads the name of an Engine.IO 3 client as a URL, and would
		// connect it to another namespace than it asked for.
		c.reply(&parser.Packet{Type: parser.CONNECT_ERROR, Nsp: p.Namespace, Data: "Invalid namespace"})
		return
	}
	defer c.server.enter(p.Namespace)()
	session := c.comeBack(p)
	c.mu.Lock()
	c.auth = auth(p)
	c.mu.Unlock()
	c.await(p.Namespace, func() {
		c.onData(&parser.Packet{Type: parser.CONNECT, Nsp: nsp, Data: session})
	})
	c.dropClaim()
}

// await lets the library begin to connect or disconnect a namespace and waits
// until it is done.
func (c *conn) await(nsp string, begin func()) {
	gate := make(chan struct{})
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.gate, c.gateNsp = gate, nsp
	c.mu.Unlock()
	begin()
	<-gate
	c.mu.Lock()
	if c.joining != nil { // it was not connected after all
		c.joining.dropAuthLocked()
	}
	c.joining, c.auth = nil, packet.Value{}
	c.mu.Unlock()
}

// pass opens the gate for a namespace; the empty name stands for any.
func (c *conn) pass(nsp string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gate != nil && (nsp == "" || nsp == c.gateNsp) {
		close(c.gate)
		c.gate = nil
	}
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
	told := c.closed
	c.closed = true
	c.goodbye = reason == engineio.ClientDisconnect
	if c.goodbye {
		reason = engineio.TransportClose
	}
	c.settle()
	c.mu.Unlock()
	if !told && c.onClose != nil {
		c.onClose(string(reason))
	}
	c.mu.Lock()
	left := slices.Clone(c.spaces)
	c.mu.Unlock()
	for _, ctx := range left {
		ctx.sock.Disconnect(false)
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
func (c *conn) reply(p *parser.Packet) {
	msg, err := fanout.Encode(p)
	if err != nil {
		c.server.log.Error("packet not sent", "connection", c.session.Name(), "error", err)
		return
	}
	c.session.Send(msg)
}

// acked calls what waits for an ack.
func (c *conn) acked(p *packet.Packet) {
	ctx := c.space(p.Namespace)
	if ctx == nil {
		return
	}
	ack, ok := ctx.sock.Acks().LoadAndDelete(p.ID)
	if !ok {
		return
	}
	args := make([]any, len(p.Args))
	for i, v := range p.Args {
		args[i] = Value{packet.Carry(v)}
	}
	ack(args, nil)
}

// The engine.Socket that the library sees.

// Session lets the adapter find the session.
func (c *conn) Session() *engineio.Session { return c.session }

func (c *conn) On(name events.EventName, l ...events.Listener) error {
	if name == "data" && len(l) == 1 {
		c.onData = l[0]
	}
	return nil
}

func (c *conn) Once(name events.EventName, l ...events.Listener) error {
	if name == "close" && len(l) == 1 {
		c.onClose = l[0]
	}
	return nil
}

// RemoveListener keeps the listeners: they are called from the queue only, which
// knows when the library has closed.
func (c *conn) RemoveListener(events.EventName, events.Listener) bool { return true }

func (c *conn) Id() string { return c.session.ID() }

func (c *conn) Protocol() int {
	if c.session.Protocol() == 3 {
		return 3
	}
	return 4
}

// ReadyState is "open" until the library was told of the end.
func (c *conn) ReadyState() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "closed"
	}
	return "open"
}

func (c *conn) RemoteAddress() string {
	addr := c.session.Remote()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// Request is what the library copies into a socket's handshake. Nobody reads that
// here, see Context.Request, so it is an empty one that all share: a copy of each
// client's headers would be a kilobyte a connection.
func (c *conn) Request() *types.HttpContext { return c.server.http }

func (c *conn) Transport() transports.Transport { return transport{session: c.session} }

// Write takes what our encoder made of a packet: all of it in one.
func (c *conn) Write(r io.Reader, _ *eiopacket.Options, _ engine.SendCallback) engine.Socket {
	e, ok := r.(*fanout.Encoded)
	if !ok {
		return c
	}
	if ctx := c.space(e.Namespace); e.Type == parser.DISCONNECT && ctx != nil {
		ctx.kick()
	}
	if e.Type == parser.CONNECT { // before the client can know of it
		c.answered(e.Pid)
	}
	if e.Message != nil {
		c.session.Send(e.Message)
	}
	if e.Type == parser.CONNECT_ERROR {
		if c.session.IsPlain() {
			c.session.Close(engineio.ServerClose) // it cannot read why
		}
		c.pass("") // the library refused: nothing else will be heard of it
	}
	return c
}

// Close is the library's wish to close the connection, which it then treats as
// closed.
func (c *conn) Close(bool) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.session.Close(engineio.ServerClose)
	c.pass("")
}

// transport answers the one question that the library has for a transport.
type transport struct {
	transports.Transport // nil

	session *engineio.Session
}

func (t transport) Writable() bool { return t.session.Writable() }
func (t transport) Name() string   { return t.session.Transport() }

// base is the engine.BaseServer that the library binds to.
type base struct {
	engine.BaseServer // nil

	server    *Server
	connected events.Listener
}

func (b *base) On(name events.EventName, l ...events.Listener) error {
	if name == "connection" && len(l) == 1 {
		b.connected = l[0]
	}
	return nil
}

func (b *base) Emit(_ events.EventName, args ...any) { b.connected(args...) }

// noRequest is an empty request as the library has them.
func noRequest() *types.HttpContext {
	c := types.NewHttpContext(noResponse{}, &http.Request{Header: http.Header{}, URL: new(url.URL)})
	c.Flush() // ends the goroutine that it starts
	return c
}

// noResponse stands where the library wants a response writer and uses its header.
type noResponse struct{}

func (noResponse) Header() http.Header         { return http.Header{} }
func (noResponse) Write(p []byte) (int, error) { return len(p), nil }
func (noResponse) WriteHeader(int)             {}
