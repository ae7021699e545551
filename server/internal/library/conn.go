package library

import (
	"net/url"
	"sync/atomic"

	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/locks"
)

// Owner is whose connection a [Conn] is. Its methods are called while one of the Conn's runs, but
// Disconnected also while [Client.Disconnect] does.
type Owner interface {
	// Connecting decides whether a client may connect to a namespace; nil: it may. It is not told
	// so before Connecting returns.
	Connecting(c *Client) *Refusal
	// Answered is told by which key the client may come back to its session, before the client is;
	// "" without recovery.
	Answered(pid string)
	// Connected follows when the client was told that it is.
	Connected(c *Client)
	// Disconnected is called once the client that is connected has left the namespace, with
	// Flask-SocketIO's name for the reason.
	Disconnected(c *Client, reason string)
}

// Refusal is the answer to a client that may not connect.
type Refusal struct {
	Message string
	Data    any // nil: none
}

// base is the engine.BaseServer that the library binds to, and what all connections share.
type base struct {
	engine.BaseServer // nil

	connected events.Listener
	request   *types.HttpContext // see noRequest
}

func (b *base) On(name events.EventName, l ...events.Listener) error {
	if name == "connection" && len(l) == 1 {
		b.connected = l[0]
	}
	return nil
}

// Conn is a session to the library: an engine.Socket. Its methods for the owner are called one
// after another.
type Conn struct {
	engine.Socket // nil: what the library does not call is not there

	base    *base
	session *engineio.Session
	owner   Owner

	onData, onClose events.Listener // the library's, set before its first packet

	mu         locks.Library
	closed     bool          // the library was told of the end, or wished for it
	leaving    bool          // the client ended the session, and not only a namespace
	pending    chan struct{} // closed when the library has dealt with a packet; nil otherwise
	pendingNsp string        // the namespace that the packet is for
	connected  bool          // what was waited for is that the client is connected to it

	// joining is the one that the owner was asked for, until it is connected or refused, and answer
	// how it is told that it is connected: of the one goroutine that is waited for, then of who
	// waited.
	joining *Client
	answer  *encoded
}

// Begin introduces the session to the library. A client of Engine.IO 3 is then connected to "/"
// without asking.
func (c *Conn) Begin() {
	introduce := func() { c.base.connected(c) }
	if c.Protocol() == 3 {
		c.await("/", introduce)
	} else {
		introduce()
	}
}

// Connect asks for a namespace. A client that comes back to its session names the key to it and the
// offset of the last event that it has seen; others have an empty one. Connect reports whether the
// library could be asked: it reads the name of an Engine.IO 3 client as a URL, and would connect it
// to another namespace than it asked for.
func (c *Conn) Connect(namespace, pid, offset string) bool {
	if c.Protocol() == 3 {
		if u, err := url.Parse(namespace); err != nil || u.Path != namespace {
			return false
		}
	}
	p := &parser.Packet{Type: parser.CONNECT, Nsp: namespace}
	if pid != "" {
		p.Data = map[string]any{"pid": pid, "offset": offset}
	}
	c.await(namespace, func() { c.onData(p) })
	return true
}

// Leave takes the client out of a namespace, as it has asked for.
func (c *Conn) Leave(namespace string) {
	c.await(namespace, func() { c.onData(&parser.Packet{Type: parser.DISCONNECT, Nsp: namespace}) })
}

// End tells the library of the session's end. A polling client sends the close packet also when a
// request of it was cut off, and comes back; so to the library it is a connection that was lost.
func (c *Conn) End(reason engineio.Reason) {
	c.mu.Lock()
	told := c.closed
	c.closed = true
	if c.leaving = reason == engineio.ClientDisconnect; c.leaving {
		reason = engineio.TransportClose
	}
	c.mu.Unlock()
	if !told && c.onClose != nil {
		c.onClose(string(reason))
	}
}

// await lets the library begin to connect or disconnect a namespace and waits until it is done.
// Then it does for a client that is connected what there is to do: the library's goroutine is a new
// one, whose stack would have to grow for that.
func (c *Conn) await(namespace string, begin func()) {
	done := make(chan struct{})
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.pending, c.pendingNsp, c.connected = done, namespace, false
	c.mu.Unlock()
	begin()
	<-done
	c.mu.Lock()
	connected := c.connected
	c.mu.Unlock()
	if connected {
		c.admit()
	}
}

// pass ends the wait for a namespace; the empty name stands for any.
func (c *Conn) pass(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passLocked(namespace, false)
}

// passConnected ends the wait for a namespace that the client is connected to, and reports whether
// somebody waited for that.
func (c *Conn) passConnected(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passLocked(namespace, true)
}

func (c *Conn) passLocked(namespace string, connected bool) bool {
	if c.pending == nil || namespace != "" && namespace != c.pendingNsp {
		return false
	}
	c.connected = connected
	close(c.pending)
	c.pending = nil
	return true
}

// admit tells a client that it is connected, and the owner that it was told.
func (c *Conn) admit() {
	client, answer := c.joining, c.answer
	c.joining, c.answer = nil, nil
	if answer != nil {
		c.owner.Answered(answer.pid()) // before the client can know of it
		if m := answer.message(); m != nil {
			c.session.Send(m)
		}
	}
	sock := client.sock
	sock.Nsp().Sockets().Delete(sock.Id()) // see Create
	c.owner.Connected(client)
	_ = sock.On("disconnect", client.disconnected)
	if !sock.Connected() { // this side has disconnected it before we listened
		client.disconnected("server namespace disconnect")
	}
}

// Protocol is the library's: there is none for plain clients.
func (c *Conn) Protocol() int {
	if c.session.Protocol() == 3 {
		return 3
	}
	return 4
}

// Client is one client's connection to one namespace.
type Client struct {
	conn *Conn
	sock *socket.Socket
	left atomic.Bool // the owner was told
	kick bool        // this side disconnects it; guarded by the Conn's mutex
}

// ID is the client's id in the namespace.
func (c *Client) ID() string { return string(c.sock.Id()) }

// Rooms is the adapter of the namespace.
func (c *Client) Rooms() *fanout.Adapter { return roomsOf(c.sock.Nsp()) }

// Disconnect tells the client that it is disconnected from the namespace. The library ignores that
// until the client is connected.
func (c *Client) Disconnect() {
	c.conn.mu.Lock()
	c.kick = c.kick || !c.conn.closed && c.sock.Connected()
	c.conn.mu.Unlock()
	c.sock.Disconnect(false)
}

// disconnected is called by the library once the client has left the namespace.
func (c *Client) disconnected(args ...any) {
	if c.left.Swap(true) {
		return
	}
	reason, _ := args[0].(string)
	c.conn.mu.Lock()
	kick, leaving := c.kick, c.conn.leaving
	c.conn.mu.Unlock()
	c.conn.owner.Disconnected(c, reasonName(reason, kick, leaving))
	c.conn.pass(c.sock.Nsp().Name())
}

// reasonName gives the library's reasons the names that Flask-SocketIO uses.
func reasonName(reason string, kick, leaving bool) string {
	switch {
	case kick: // the connection may have been quicker to end
		return "server disconnect"
	case leaving && reason == string(engineio.TransportClose):
		return string(engineio.ClientDisconnect)
	}
	switch reason {
	case "client namespace disconnect":
		return "client disconnect"
	case "server namespace disconnect", "forced close", "forced server close":
		return "server disconnect"
	}
	return reason
}
