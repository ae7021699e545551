package library

import (
	"sync/atomic"

	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
)

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

// Disconnect tells the client that it is disconnected from the namespace. The library
// ignores that until the client is connected.
func (c *Client) Disconnect() {
	c.conn.mu.Lock()
	c.kick = c.kick || !c.conn.closed && c.sock.Connected()
	c.conn.mu.Unlock()
	c.sock.Disconnect(false)
}

// connecting is the library's middleware of all namespaces, which runs before the client
// is told that it is connected.
func connecting(sock *socket.Socket, next func(*socket.ExtendedError)) {
	conn := sock.Conn().(*Conn) // it knows no others
	c := &Client{conn: conn, sock: sock}
	conn.joining = c
	if refusal := conn.owner.Connecting(c); refusal != nil {
		next(socket.NewExtendedError(refusal.Message, refusal.Data))
		return
	}
	next(nil)
}

// connected is called by the library once the client was told that it is.
func connected(args ...any) {
	sock := args[0].(*socket.Socket)
	c := sock.Conn().(*Conn).joining
	sock.Nsp().Sockets().Delete(sock.Id()) // see Create
	c.conn.owner.Connected(c)
	_ = sock.On("disconnect", c.disconnected)
	if !sock.Connected() { // this side has disconnected it before we listened
		c.disconnected("server namespace disconnect")
	}
	c.conn.pass(sock.Nsp().Name())
}

// disconnected is called by the library once the client has left the namespace.
func (c *Client) disconnected(args ...any) {
	if c.left.Swap(true) {
		return
	}
	reason, _ := args[0].(string)
	c.conn.mu.Lock()
	kick, goodbye := c.kick, c.conn.goodbye
	c.conn.mu.Unlock()
	c.conn.owner.Disconnected(c, reasonName(reason, kick, goodbye))
	c.conn.pass(c.sock.Nsp().Name())
}

// reasonName gives the library's reasons the names that Flask-SocketIO uses.
func reasonName(reason string, kick, goodbye bool) string {
	switch {
	case kick: // the connection may have been quicker to end
		return "server disconnect"
	case goodbye && reason == string(engineio.TransportClose):
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
