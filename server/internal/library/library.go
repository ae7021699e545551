// Package library is the one place that faces github.com/zishang520/socket.io, the Socket.IO layer:
// which namespaces there are, who is connected to them, and the handshake. Everything that it asks
// for is answered here, in its own terms, and nobody else sees those. Events, acknowledgements,
// rooms and broadcasts go past it.
//
// It connects and disconnects in goroutines of its own, which would race with the next packet and
// with the end of the session. So a [Conn] waits until it is done, and tells it that the session is
// open until it is told of the end.
package library

import (
	"net/http"
	"net/url"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/fanout"
)

// connectTimeout is longer than any client lasts that connects to nothing: the library has a timer
// for that, and so has the owner of a [Conn], which knows why it takes long.
const connectTimeout = 1000 * time.Hour

// Options are what a [Server] is made of.
type Options struct {
	// Rooms makes the adapter of a namespace. It is called by New for "/", by Of and by Create.
	Rooms func(namespace string) *fanout.Adapter
	// Recovery is how long clients that were cut off may come back; 0: not at all.
	Recovery time.Duration
	// Failed gets the errors of packets that could not be encoded.
	Failed func(error)
}

// Server is the library's server.
type Server struct {
	io     *socket.Server
	parent socket.ParentNamespace // of what Create makes
	base   base
}

// New makes a server, whose namespace "/" is there though Of has still to name it.
func New(o Options) *Server {
	s := &Server{base: base{request: noRequest()}}
	opts := socket.DefaultServerOptions()
	opts.SetParser(parsing{o.Failed})
	opts.SetAdapter(adapters(o.Rooms))
	if o.Recovery > 0 {
		recovery := new(socket.ConnectionStateRecovery)
		recovery.SetMaxDisconnectionDuration(o.Recovery.Milliseconds())
		recovery.SetSkipMiddlewares(false) // connect handlers run as ever
		opts.SetConnectionStateRecovery(recovery)
	}
	opts.SetCleanupEmptyChildNamespaces(true) // in the way that Create tells of
	opts.SetConnectTimeout(connectTimeout)
	s.io = socket.NewServer(nil, opts)
	s.io.Bind(&s.base)
	s.parent = socket.NewParentNamespace(s.io)
	prepare(s.parent)
	return s
}

// Open makes the connection of a session, which Begin introduces to the library.
func (s *Server) Open(session *engineio.Session, owner Owner) *Conn {
	return &Conn{base: &s.base, session: session, owner: owner}
}

// Of makes clients able to connect to a namespace, for good. It is called once for a name.
func (s *Server) Of(name string) *fanout.Adapter {
	nsp := s.io.Of(name, nil)
	prepare(nsp)
	return roomsOf(nsp)
}

// placeholder is the socket with the empty id.
var placeholder = socket.SocketId("")

// Create makes clients able to connect to a namespace until forget is called.
//
// The library forgets a namespace only by itself, when a socket is removed and its table of sockets
// is empty, whoever is on the way into it. So the table is never empty before the right moment: a
// placeholder is in it. And it holds nothing else for long, as the library counts all of it
// whenever a client leaves.
func (s *Server) Create(name string) (rooms *fanout.Adapter, forget func()) {
	nsp := s.parent.CreateChild(name)
	nsp.Sockets().Store(placeholder, new(socket.Socket))
	return roomsOf(nsp), func() {
		nsp.Remove(new(socket.Socket)) // the placeholder: with it the library lets go
		// Who still holds the namespace cannot make the library let go of the next one of that
		// name.
		nsp.Sockets().Store(placeholder, new(socket.Socket))
	}
}

// Created counts the namespaces that Create has made and that are not forgotten.
func (s *Server) Created() int { return s.parent.Children().Len() }

// prepare has a namespace ask and tell the owners of its clients' connections.
func prepare(nsp socket.Namespace) {
	nsp.Use(connecting)
	// The library never fails to add a listener.
	_ = nsp.On("connection", connected)
}

// connecting is the library's middleware of all namespaces, which runs before the client is told
// that it is connected.
func connecting(sock *socket.Socket, next func(*socket.ExtendedError)) {
	conn := sock.Conn().(*Conn) // it knows no others
	c := &Client{conn: conn, sock: sock}
	conn.joining = c
	if refusal := conn.owner.Connecting(c); refusal != nil {
		conn.joining = nil
		next(socket.NewExtendedError(refusal.Message, refusal.Data))
		return
	}
	next(nil)
}

// connected is called by the library once it has a client for connected, and has answered it.
func connected(args ...any) {
	sock := args[0].(*socket.Socket)
	conn := sock.Conn().(*Conn)
	if !conn.passConnected(sock.Nsp().Name()) {
		conn.admit()
	}
}

// noRequest is an empty request as the library has them. It copies of that into what it knows of
// each client, and nobody reads it, so all share one: a copy of each client's headers would be a
// kilobyte a connection.
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
