package engineio

// Cause names a reason for which something that a client did is not accepted, or a client given up.
type Cause string

// The causes. Metrics count by them, and each has its share of the log.
const (
	CauseOrigin         Cause = "origin"           // a page that may not connect
	CauseHost           Cause = "host"             // a name that the server does not go by
	CauseTransport      Cause = "transport"        // none that is served
	CauseProtocol       Cause = "protocol version" // neither 3 nor 4
	CauseSession        Cause = "unknown session"  // a sid that is not there
	CauseLateSession    Cause = "late session"     // a sid that a ping timeout ended, whose client goes on
	CauseRequest        Cause = "bad request"      // of another kind
	CausePath           Cause = "path"             // a Socket.IO client where none is served
	CausePlainPath      Cause = "plain path"       // a plain WebSocket where none is served
	CauseHandshake      Cause = "handshake"        // a WebSocket handshake that is none
	CauseUnread         Cause = "unread handshake" // a WebSocket whose client does not read the 101
	CauseBlockedUpgrade Cause = "blocked upgrade"  // a WebSocket's request without its Upgrade header
	CauseStuckUpgrade   Cause = "stuck upgrade"    // a WebSocket on which nothing came through
	CauseSlowClient     Cause = "slow client"      // its backlog is full
	CauseMessageSize    Cause = "message size"     // beyond the limit
	CauseFrame          Cause = "websocket rule"   // broken by a frame
	CausePacket         Cause = "broken packet"    // of Engine.IO, or beyond a limit of Socket.IO's
	CauseMalformed      Cause = "malformed packet" // of Socket.IO, ignored unless it is a CONNECT
	CauseNamespaces     Cause = "namespaces"       // one namespace too many
	CauseAttachments    Cause = "attachments"      // announced, and not all there in time
	CauseMemory         Cause = "memory"           // all clients together hold as much as they may
	CauseNoConnect      Cause = "no connect"       // a session that connected to no namespace in time
	CauseRecovery       Cause = "recovery"         // a client not given its session back: the old connection's handlers take too long
	CauseDraining       Cause = "shutting down"    // a client that came while the server goes down
	CauseConnections    Cause = "connections"      // one client too many
	CauseAddress        Cause = "address"          // one too many of its address
	CauseOpen           Cause = "open connections" // a TCP connection too many
	CauseOpenAddress    Cause = "open connections of an address"
	CauseIdle           Cause = "idle connections" // closed, to make room for another
	CauseHandshakeRate  Cause = "handshake rate"   // too many clients in a second
	CauseRate           Cause = "client rate"      // a client held back because it sends too much
)

// Causes lists them, so that each is counted from 0 on.
func Causes() []Cause {
	return []Cause{CauseOrigin, CauseHost, CauseTransport, CauseProtocol, CauseSession, CauseLateSession, CauseRequest, CausePath,
		CausePlainPath, CauseHandshake, CauseUnread, CauseBlockedUpgrade, CauseStuckUpgrade, CauseSlowClient, CauseMessageSize,
		CauseFrame, CausePacket, CauseMalformed, CauseNamespaces, CauseAttachments, CauseMemory, CauseNoConnect, CauseRecovery, CauseDraining,
		CauseConnections, CauseAddress, CauseOpen, CauseOpenAddress, CauseIdle, CauseHandshakeRate, CauseRate}
}

// The bounds of causes that have more than one, each with a remedy of its own. A line of the log
// has them as "bound", for those who know the remedy.
const (
	BoundPing       = "ping"            // of no cause: the time for a pong, at the end of a session
	BoundPlain      = "plain"           // CauseTransport: a WebSocket that is no socket.io client's
	BoundURL        = "URL"             // CauseRequest: its length
	BoundUpgrade    = "upgrade"         // CauseFrame: the time for an upgrade whose probe was answered
	BoundAnswer     = "answer"          // CauseSlowClient: the time in which some of an answer to a poll must be taken
	BoundPackets    = "payload packets" // CausePacket: in one POST
	BoundWebSockets = "websockets"      // CauseConnections: of sessions, those on WebSockets
	BoundTurn       = "turn"            // CauseRate: what others' events leave
)

// BoundError is an error of a [Receiver] for a packet that is over a bound: the log's line about
// the session's end names it.
type BoundError struct {
	Bound string
	Err   error
}

func (e *BoundError) Error() string { return e.Err.Error() }
func (e *BoundError) Unwrap() error { return e.Err }
