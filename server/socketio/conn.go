package socketio

import (
	"io"
	"net"
	"net/http"
	"net/url"

	eiopacket "github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
	"hipflask/server/internal/packet"
)

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

// answered notes the key to the session that the client is about to be told it has.
func (c *conn) answered(pid string) {
	if pid == "" || c.session.IsPlain() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.joining.claim = c.server.claims.answered(pid, c.joining.Namespace(), c.session, c.coming)
	if c.joining.claim == c.coming {
		c.coming = nil
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
