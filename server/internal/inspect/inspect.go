// Package inspect is the door through which the server's own parts, such as the Admin
// UI, see all clients and act on them: what handlers have no use for. Package socketio
// opens it, see package extras.
package inspect

import (
	"context"
	"net/http"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// Door is what a server is made with that lets somebody look in. The functions that it
// was made with are told what happens: they run where it happens, before what
// follows, and must not wait; nil ones are left out.
type Door struct {
	Connected    func(c Client)                                      // the client was told so
	Disconnected func(c Client, reason string)                       // its handler has run
	Joined, Left func(namespace, room, id string)                    // the client's own room among them, also if it is refused
	Received     func(c Client, event string, args []packet.Value)   // its handler is about to run
	Sent         func(to Clients, event string, args []packet.Value) // to those clients

	// Handled is told how long the handlers of an event took, middleware included,
	// and Failed of events that failed, before the error handler is. namespace and
	// event are names that handlers were registered under, so there is a bounded
	// number of them: what "*" stands for is "*", and an event without a handler "".
	Handled func(namespace, event string, took time.Duration)
	Failed  func(namespace, event string, panicked bool)

	// The rest is set by the server.

	// Namespaces are all clients of each namespace by its name, of those too that
	// clients brought into being through Of("*").
	Namespaces func() map[string]Clients
	// Stats counts; it looks at every session.
	Stats func() Stats
	// Lost is to be told of requests for paths that nothing is served at: a client's
	// is logged.
	Lost func(r *http.Request)
	// AdmitHost and AdmitOps report whether a request may be served: of any, whether the
	// server goes by the name it was called by, and of one for the operators' address,
	// also whether a page of another site makes it. They write and log the refusal.
	AdmitHost, AdmitOps func(w http.ResponseWriter, r *http.Request) bool
	// ServeForwarded serves what another server of the cluster has passed on.
	ServeForwarded func(w http.ResponseWriter, r *http.Request, what engineio.Forwarded)
	// Trusts reports whether a trusted proxy made a request, whose RemoteAddr is still
	// that of its connection.
	Trusts func(r *http.Request) bool
	// Warn is to be told of what was not accepted before it came to a client: it is
	// counted and logged as other refusals are.
	Warn func(cause engineio.Cause, msg string, args ...any)
	// Life ends when background tasks have to: at the end, after the last disconnect
	// handler.
	Life context.Context
	// Begin begins the background tasks that were held back until now.
	Begin func()
}

// Stats is what a server has counted since it began, and what it has now.
type Stats struct {
	engineio.Stats
	Waiting int64 // packets of all clients that came in and wait for handlers
}

// Client is one client's connection to one namespace. Two are equal if they are the same.
type Client interface {
	ID() string
	Namespace() string
	Rooms() []string
	Request() *http.Request // that opened the connection
	Since() time.Time       // when it came to the namespace
	Transport() string      // what it uses now: "polling" or "websocket"

	// Connection names the connection, which a client's namespaces share. It does
	// not tell the id of the session, which is a secret.
	Connection() string
}

// Clients is a choice of a namespace's clients.
type Clients interface {
	Namespace() string
	To(room string) Clients
	List() []Client
	IDs() []string // of all of them, quicker than List
	Emit(event string, args ...any) error
	Join(room string)
	Leave(room string)
	Disconnect() // from the namespace
	Close()      // their connections, and so from every namespace
}
