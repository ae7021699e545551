// Package engineio serves Engine.IO 3 and 4: it owns sessions, their heartbeats, the polling and
// WebSocket transports, the upgrade from one to the other, and the bounded queue of what each
// client is still to be sent.
//
// It follows the Engine.IO protocol documents (revisions 3 and 4) and, where they are silent, the
// official server. It knows nothing of Socket.IO: whoever opens a [Server] is given each new
// [Session], and gives back a [Receiver] for what comes in.
package engineio

import (
	"log/slog"
	"net/http"
	"time"

	"hipflask/server/internal/budget"
	"hipflask/server/internal/origin"
	"hipflask/server/internal/sparse"
	"hipflask/server/internal/websocket"
)

// The limits that hold where a [Config] names none.
const (
	defaultPingInterval      = 25 * time.Second
	defaultPingTimeout       = 20 * time.Second
	defaultUpgradeTimeout    = 10 * time.Second
	defaultMaxMessage        = 1_000_000
	defaultMaxPayloadPackets = 16384
	defaultMaxBacklog        = 1 << 20
	defaultBodyTimeout       = 30 * time.Second
)

// Config is how a [Server] behaves. The zero value of a limit means its default.
type Config struct {
	PingInterval   time.Duration // between two pings
	PingTimeout    time.Duration // how long a pong may take
	UpgradeTimeout time.Duration // from the WebSocket's opening to the upgrade packet
	BodyTimeout    time.Duration // how long the body of a POST may take

	MaxMessage        int // bytes of one message or POST body
	MaxPayloadPackets int // packets in one POST body
	MaxBacklog        int // bytes waiting for one client, beyond which it is dropped

	Path               string // the URL path of Engine.IO, named to clients that ask for another one
	PlainPath          string // the URL path of plain WebSocket clients; empty for none
	Polling, WebSocket bool   // the transports on offer
	AllowUpgrades      bool   // whether polling may become WebSocket

	Compression          bool // compress polling responses
	CompressionThreshold int  // from this many bytes on

	WebSocketCompression bool // agree on permessage-deflate with WebSockets that offer it
	WebSocketThreshold   int  // compress messages to them from this many bytes on

	Cookie           string // name of the cookie that carries the sid; empty for none
	CookieAttributes string // what follows its value, such as "path=/; SameSite=Lax"

	ServerID string         // with a dot, what each sid begins with; empty for nothing
	Origins  origin.Policy  // which pages may connect
	Bounds   Bounds         // over all clients, and on the rate of each
	Memory   *budget.Budget // what all clients together may hold; nil: no limit
	Proxies  Proxies        // who is believed about clients' addresses
	Logger   *slog.Logger

	// Allow returns the function that is asked before a session is opened; without either all are
	// allowed. The function may add to the header of the answer; if it reports false, it may have
	// answered.
	Allow func() func(w http.ResponseWriter, r *http.Request) bool

	// Elsewhere answers a request for a session that is not here, which was admitted, and reports
	// whether it did; nil: nobody does. See [Server.ServeForwarded].
	Elsewhere func(w http.ResponseWriter, r *http.Request, sid string) bool
	// Alive reports whether the server with this id still is there, see [Forwarded]; nil: all are.
	Alive func(server string) bool

	// Pack appends the data of the one binary packet that a message is to sessions of
	// [Session.Pack], made of its text and its attachments, which it must not change. A message for
	// which it returns nil is sent as it is.
	Pack func(dst, text []byte, attachments [][]byte) []byte

	// Open is called for each new session before anything of it is read or written. What the
	// session then receives goes to the Receiver. Open must not wait for the server or call its
	// methods.
	Open func(*Session) Receiver
}

// Receiver takes what one session receives. The methods of one receiver may be called from
// different goroutines, but Text and Binary never at the same time.
type Receiver interface {
	// Text and Binary take one message. data is valid during the call only. They may block: the
	// session then reads no further. An error closes the session as one that broke the protocol.
	Text(data []byte) error
	Binary(data []byte) error
	// Closed is called exactly once, whatever ended the session.
	Closed(reason Reason)
}

// Worker is a [Receiver] that works on messages after it has taken them. Of the two methods one is
// called soon after a message, or Closed is.
type Worker interface {
	// StartWork has the work done on another goroutine.
	StartWork()
	// Work returns what the caller is to do, nil for nothing. It may take long: then the session
	// reads on meanwhile.
	Work() Work
}

// Work is something to do.
type Work = websocket.Work

// Finisher is a [Receiver] that works on messages after it has taken them.
type Finisher interface {
	// Finish calls then once all that came before is done, in whatever goroutine.
	Finish(then func())
}

// Reason is why a session ended, in the words that Socket.IO servers use.
type Reason string

// The reasons of an end.
const (
	ClientDisconnect Reason = "client disconnect"    // the client said so: Engine.IO packet 1
	TransportClose   Reason = "transport close"      // the connection ended
	TransportError   Reason = "transport error"      // it failed, or the client was too slow
	PingTimeout      Reason = "ping timeout"         // no pong, or in Engine.IO 3 no ping, in time
	ParseError       Reason = "parse error"          // the client broke the protocol
	ServerClose      Reason = "forced close"         // this side closed it
	ServerShutdown   Reason = "server shutting down" // the process ends
)

// reasons lists them.
func reasons() []Reason {
	return []Reason{ClientDisconnect, TransportClose, TransportError, PingTimeout, ParseError, ServerClose, ServerShutdown}
}

func (c *Config) setDefaults() {
	positive(&c.PingInterval, defaultPingInterval)
	positive(&c.PingTimeout, defaultPingTimeout)
	positive(&c.UpgradeTimeout, defaultUpgradeTimeout)
	positive(&c.BodyTimeout, defaultBodyTimeout)
	positive(&c.MaxMessage, defaultMaxMessage)
	positive(&c.MaxPayloadPackets, defaultMaxPayloadPackets)
	positive(&c.MaxBacklog, defaultMaxBacklog)
	if c.Memory == nil {
		c.Memory = budget.New(0)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = sparse.Logger(c.Logger)
}

func positive[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// WriteTimeout is how long a response may take from its request on, or from the moment when a
// waiting poll has something to answer.
func (c *Config) WriteTimeout() time.Duration {
	return c.PingInterval + c.PingTimeout + c.BodyTimeout
}

// progressLimit is how long a client may take nothing of what is written to it.
func (c *Config) progressLimit() time.Duration { return c.PingInterval + c.PingTimeout }
