package library

import (
	"io"
	"net/url"
	"sync"

	eiopacket "github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"hipflask/server/internal/engineio"
)

// Owner is whose connection a [Conn] is. Its methods are called while one of the Conn's
// runs, but Disconnected also while [Client.Disconnect] does.
type Owner interface {
	// Connecting decides whether a client may connect to a namespace; nil: it may. It
	// is not told so before Connecting returns.
	Connecting(c *Client) *Refusal
	// Answered is told by which key the client may come back to its session, before the
	// client is; "" without recovery.
	Answered(pid string)
	// Connected follows when the client was told that it is.
	Connected(c *Client)
	// Disconnected is called once the client that is connected has left the namespace,
	// with Flask-SocketIO's name for the reason.
	Disconnected(c *Client, reason string)
}

// Refusal is what a client is told that may not connect.
type Refusal struct {
	Message string
	Data    any // nil: none
}

// Conn is a session to the library: an engine.Socket. Its methods for the owner are
// called one after another.
type Conn struct {
	engine.Socket // nil: what the library does not call is not there

	server  *Server
	session *engineio.Session
	owner   Owner

	onData, onClose events.Listener // the library's, set before its first packet

	mu      sync.Mutex
	closed  bool          // the library was told of the end, or wished for it
	goodbye bool          // the client ended the session, and not only a namespace
	gate    chan struct{} // closed when the library has dealt with a packet; nil otherwise
	gateNsp string
	joining *Client // the one that the owner was asked for last
}

// Open makes the connection of a session, which Begin introduces to the library.
func (s *Server) Open(session *engineio.Session, owner Owner) *Conn {
	return &Conn{server: s, session: session, owner: owner}
}

// Begin introduces the session to the library. A client of Engine.IO 3 is then connected
// to "/" without asking.
func (c *Conn) Begin() {
	introduce := func() { c.server.base.connected(c) }
	if c.Protocol() == 3 {
		c.await("/", introduce)
	} else {
		introduce()
	}
}

// Connect asks for a namespace. A client that comes back to its session names the key to
// it and the offset of the last event that it has seen; others have an empty one. Connect
// reports whether the library could be asked: it reads the name of an Engine.IO 3 client
// as a URL, and would connect it to another namespace than it asked for.
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

// End tells the library of the session's end. A polling client says goodbye also when a
// request of it was cut off, and comes back; so to the library it is a connection that
// was lost.
func (c *Conn) End(reason engineio.Reason) {
	c.mu.Lock()
	told := c.closed
	c.closed = true
	if c.goodbye = reason == engineio.ClientDisconnect; c.goodbye {
		reason = engineio.TransportClose
	}
	c.mu.Unlock()
	if !told && c.onClose != nil {
		c.onClose(string(reason))
	}
}

// await lets the library begin to connect or disconnect a namespace and waits
// until it is done.
func (c *Conn) await(namespace string, begin func()) {
	gate := make(chan struct{})
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.gate, c.gateNsp = gate, namespace
	c.mu.Unlock()
	begin()
	<-gate
}

// pass opens the gate for a namespace; the empty name stands for any.
func (c *Conn) pass(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gate != nil && (namespace == "" || namespace == c.gateNsp) {
		close(c.gate)
		c.gate = nil
	}
}

// The engine.Socket that the library sees.

func (c *Conn) On(name events.EventName, l ...events.Listener) error {
	if name == "data" && len(l) == 1 {
		c.onData = l[0]
	}
	return nil
}

func (c *Conn) Once(name events.EventName, l ...events.Listener) error {
	if name == "close" && len(l) == 1 {
		c.onClose = l[0]
	}
	return nil
}

// RemoveListener keeps the listeners: they are called by the owner's methods only, and
// not after the end.
func (c *Conn) RemoveListener(events.EventName, events.Listener) bool { return true }

func (c *Conn) Id() string { return c.session.ID() }

func (c *Conn) Protocol() int {
	if c.session.Protocol() == 3 {
		return 3
	}
	return 4
}

// ReadyState is "open" until the library was told of the end.
func (c *Conn) ReadyState() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "closed"
	}
	return "open"
}

func (c *Conn) RemoteAddress() string       { return "" } // nobody reads it
func (c *Conn) Request() *types.HttpContext { return c.server.request }

// Write takes what our encoder made of a packet: all of it in one.
func (c *Conn) Write(r io.Reader, _ *eiopacket.Options, _ engine.SendCallback) engine.Socket {
	e, ok := r.(*encoded)
	if !ok {
		return c
	}
	if e.kind == parser.CONNECT { // before the client can know of it
		c.owner.Answered(e.pid)
	}
	if e.message != nil {
		c.session.Send(e.message)
	}
	if e.kind == parser.CONNECT_ERROR {
		if c.session.IsPlain() {
			c.session.Close(engineio.ServerClose) // it cannot read why
		}
		c.pass("") // the library refused: nothing else will be heard of it
	}
	return c
}

// Close is the library's wish to close the connection, which it then treats as
// closed.
func (c *Conn) Close(bool) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.session.Close(engineio.ServerClose)
	c.pass("")
}
