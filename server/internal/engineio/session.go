package engineio

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/freeze"
	"hipflask/server/internal/locks"
	"hipflask/server/internal/websocket"
)

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // ended for the receiver; what was queued still goes out
	stateClosed
)

// common is what the sessions of a server have in common, and the server with them.
type common struct {
	cfg       Config
	heart     *heartbeat
	outlet    outlet
	refusals  refusals
	admission *admission
	packets   struct{ ping, pong, noop, close *Message }
	registrar registrar

	upgrader websocket.Upgrader
	packer   *packer        // nil: WebSockets are sent nothing compressed
	resume   func(*Session) // has one flushed that is marked as dirty
	upgrades struct{ done, failed atomic.Uint64 }
	workers  sync.WaitGroup // readers and drains, one or two a WebSocket; see registrar.addWorker
}

func (c *common) init(cfg Config, list registrar) {
	c.cfg = cfg
	c.heart = newHeartbeat(cfg.PingInterval, cfg.PingTimeout)
	c.outlet.init(cfg.Memory)
	c.outlet.pack = cfg.Pack
	c.outlet.compressFrom = -1
	if cfg.Compression {
		c.outlet.compressFrom = cfg.CompressionThreshold
	}
	c.refusals = refusals{log: cfg.Logger, cfg: &c.cfg}
	if cfg.WebSocketCompression {
		c.upgrader.Compression = true
		c.packer = &packer{threshold: cfg.WebSocketThreshold, compress: c.upgrader.Compress, memory: cfg.Memory}
	}
	c.admission = newAdmission(cfg.Bounds)
	c.registrar = list
	for packet, m := range map[string]**Message{
		"1": &c.packets.close, "2": &c.packets.ping, "3": &c.packets.pong, "6": &c.packets.noop,
	} {
		*m = newControl(packet)
		(*m).Share()
	}
}

// packerOf is the packer for a client that takes what is compressed.
func (c *common) packerOf(conn *websocket.Conn) *packer {
	if !conn.TakesCompressed() {
		return nil
	}
	return c.packer
}

// registrar is the list of a server's sessions, as they see it.
type registrar interface {
	// addWorker counts a goroutine among common.workers that is about to start. It fails once
	// Shutdown has begun, which waits for those that were counted before.
	addWorker() bool
	// receiver is the session's receiver, nil if it ends before it began. While the session is
	// being opened, which what Open started may be quicker than, it waits for that.
	receiver(s *Session) Receiver
	// remove takes a session that has ended off the list.
	remove(s *Session)
	// relieve makes room in what all clients together may hold, and reports whether the session
	// that asks is still there. No session's mutex is held.
	relieve(asking *Session) bool
}

// Session is one client's connection, whichever transports carry it.
type Session struct {
	// Set before the server's other goroutines see it, and not changed:
	srv          *common
	id           string
	protocol     uint8 // Engine.IO revision 3 or 4; 0 for a plain WebSocket client
	base64Only   bool  // the client cannot read binary by polling
	polled       bool  // it began by polling
	opening      opening
	since        time.Time
	addressCount *addressCount // of its address; nil unless sessions are counted by address
	rcv          Receiver      // asked for by registrar.receiver where Open may not be done
	worker       Worker        // that, nil if it is none

	// With guards of their own:
	meter   meter
	reading reading
	beat    beat

	// Guarded by mu:
	mu      locks.Session
	state   state
	reason  Reason        // why it is open no more
	leaving *freeze.Timer // ends a closing session that makes no progress; nil before
	polls   polls
	upgrade upgrade
	socket
	outbox
}

// ID is the session id, unguessable, as the OPEN packet told it to the client.
func (s *Session) ID() string { return s.id }

// Protocol is the Engine.IO revision, 3 or 4, or 0 for a plain WebSocket client.
func (s *Session) Protocol() int { return int(s.protocol) }

// IsPlain reports whether the client speaks bare WebSocket messages.
func (s *Session) IsPlain() bool { return s.protocol == 0 }

// Request is the request that opened the session: method, URL, header, host, address and TLS state,
// without body and context. It is made anew for each call. The header is at most 8 KiB: fields
// beyond that are left out.
func (s *Session) Request() *http.Request { return s.opening.request() }

// Remote is the client's address: what a trusted proxy says it is, as an IP address and with a port
// only if the proxy named one, or else the connection's other end. It is also the RemoteAddr of
// Request.
func (s *Session) Remote() string { return s.opening.remote }

// Opened is when that was.
func (s *Session) Opened() time.Time { return s.since }

// Name names the session in logs and to people. It is made from its id, which is a secret, and does
// not tell it.
func (s *Session) Name() string { return nameOf(s.id) }

func nameOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}

// idEnd is what every session id ends with: what newSession makes at random.
var idEnd = regexp.MustCompile(`[A-Za-z0-9_-]{20}$`)

// Shown is how a text is shown that may be, or end with, a session's id, which is secret: such an
// end is replaced with what [Session.Name] would return. With Engine.IO 3 the id of a client, and
// so the room of its own, is the session's, behind the namespace's name and # in another than "/".
func Shown(text string) string {
	id := text[strings.LastIndexByte(text, '#')+1:]
	if !idEnd.MatchString(id) {
		return text
	}
	return text[:len(text)-len(id)] + nameOf(id)
}

// Transport names the transport in use: "polling" or "websocket".
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kindLocked().Transport
}

// kindLocked is what the session counts as.
func (s *Session) kindLocked() Kind {
	k := Kind{transportWebSocket, int(s.protocol)}
	if s.conn == nil {
		k.Transport = transportPolling
	}
	return k
}

// IsOpen reports whether the session can still be sent to.
func (s *Session) IsOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen
}

// Writable reports whether a message sent now would leave at once: what a volatile emit asks.
func (s *Session) Writable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen && (s.conn != nil && !s.parked || s.polls.poll != nil && s.polls.answer == nil)
}

// IsBehind reports whether more than half of what may wait for the client does, so that it should
// be sent no more for a moment, where that can wait.
func (s *Session) IsBehind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parked && s.state == stateOpen && s.queued > s.srv.cfg.MaxBacklog/2
}

// Delayed is for a Receiver to call when it has made its caller wait: a heartbeat that came
// meanwhile may still lie unread.
func (s *Session) Delayed() { s.beat.delayed.Store(true) }

// stalledLocked reports whether the kernel takes no more for the session's WebSocket, and a drain
// goroutine waits for the peer.
func (s *Session) stalledLocked() bool { return s.conn != nil && s.parked }

// waitingLocked is how many bytes the session keeps, for the client or our own writer, what is
// being written included.
func (s *Session) waitingLocked() int { return s.waiting() + s.polls.left() }

// held is how many bytes wait for the client, what is being written to it included; 0 when all that
// waits is our own writer's.
func (s *Session) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.parked {
		return s.polls.left()
	}
	return s.waitingLocked()
}

// Warn logs something that this client did and that was not accepted, with its address. A flood of
// one cause is cut short.
func (s *Session) Warn(cause Cause, msg string, args ...any) {
	s.srv.refusals.warn(cause, msg, append([]any{"connection", s.Name(), "address", s.Remote()}, args...)...)
}

// Pack has the session sent each message, from now on, as the one binary packet that [Config.Pack],
// which there has to be, makes of it. It is called by the Receiver, with the first message that
// came in such a form: from here on a binary one is no attachment, but counts as a message.
func (s *Session) Pack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.packs {
		s.packs = true
		s.meter.messagesIn.Add(1)
	}
}
