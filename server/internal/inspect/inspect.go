// Package inspect is what the server's own parts, such as the Admin UI, see of all clients and do
// to them, and what they are told: what handlers have no use for. Package socketio is given [Hooks]
// and hands out a [View], see package extras.
package inspect

import (
	"context"
	"net/http"
	"time"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

// Hooks are told what happens in the server that is made with them. They run where it happens,
// before what follows, and must not wait; nil ones are left out.
type Hooks struct {
	Connected    func(c Client)                                      // the client was told so
	Disconnected func(c Client, reason string)                       // its handler has run
	Joined, Left func(namespace, room, id string)                    // the client's own room among them, also if it is refused
	Received     func(c Client, event string, args []packet.Value)   // its handler is about to run
	Sent         func(to Clients, event string, args []packet.Value) // to those clients

	// Described adds to what Node's servers are told of a client, beside what its handlers have
	// kept.
	Described func(c Client) map[string]any

	// Handled gets how long the handlers of an event took, middleware included, and Failed of
	// events that failed, before the error handler is. namespace and event are names that handlers
	// were registered under, so there is a bounded number of them: what "*" stands for is "*", and
	// an event without a handler "".
	Handled func(namespace, event string, took time.Duration)
	Failed  func(namespace, event string, panicked bool)
}

// View is a server as its own parts see it.
type View interface {
	// Namespaces are all clients of each namespace by its name, of those too that clients brought
	// into being through Of("*").
	Namespaces() map[string]Clients
	// Elsewhere is all clients of a namespace that this server has not and others of the cluster
	// may have. What is to be known of them is not known here.
	Elsewhere(namespace string) Clients
	// Stats counts; it looks at every session.
	Stats() Stats
	// Lost is to be told of requests for paths that nothing is served at: a client's is logged.
	Lost(r *http.Request)
	// AdmitHost and AdmitOps report whether a request may be served: of any, whether the server
	// goes by the name it was called by, and of one for the operators' address, also whether a page
	// of another site makes it. They write and log the refusal.
	AdmitHost(w http.ResponseWriter, r *http.Request) bool
	AdmitOps(w http.ResponseWriter, r *http.Request) bool
	// ServeForwarded serves what another server of the cluster has passed on.
	ServeForwarded(w http.ResponseWriter, r *http.Request, what engineio.Forwarded)
	// AnswersAlone reports whether a request may be answered by a connection that does not notice
	// when its client leaves: it polls a session of this server, or opens one.
	AnswersAlone(r *http.Request) bool
	// Trusts reports whether a trusted proxy made a request, whose RemoteAddr is still that of its
	// connection.
	Trusts(r *http.Request) bool
	// Warn is to be told of what was not accepted before it came to a client: it is counted and
	// logged as other refusals are.
	Warn(cause engineio.Cause, msg string, args ...any)
	// Life ends when background tasks have to: at the end, after the last disconnect handler.
	Life() context.Context
	// Begin begins the background tasks that were held back until now.
	Begin()
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
	Address() string        // without a port
	Since() time.Time       // when it came to the namespace
	Transport() string      // what it uses now: "polling" or "websocket"

	// Connection names the connection, which a client's namespaces share. It does not tell the id
	// of the session, which is a secret.
	Connection() string
}

// Remote is a client of another server, as that one tells of it.
type Remote struct {
	ID        string
	Handshake packet.Value // see package handshake
	Rooms     []string
	Data      packet.Value
	Transport string // empty: it is a server of Node's
}

// Clients is a choice of a namespace's clients: of all servers, for what is done to them.
type Clients interface {
	Namespace() string
	To(room string) Clients
	List() []Client                               // those of this server
	IDs() []string                                // theirs, quicker than List
	Others(ctx context.Context) ([]Remote, error) // those of the other servers; with an error some
	Emit(event string, args ...any) error
	Join(rooms ...string)
	Leave(rooms ...string)
	Disconnect() // from the namespace
	Close()      // their connections, and so from every namespace
}
