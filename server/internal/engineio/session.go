package engineio

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hipflask/server/internal/engineio/payload"
	"hipflask/server/internal/freeze"
	"hipflask/server/internal/websocket"
)

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // ended for the receiver; what was queued still goes out
	stateClosed
)

var (
	errDirection = errors.New("heartbeat in the wrong direction for this protocol version")
	errUnknown   = errors.New("unknown packet type")
	errClosed    = errors.New("session closed")
	errNoRoom    = errors.New("too much memory for all clients together")
)

// Session is one client's connection, whichever transports carry it.
type Session struct {
	srv      *Server
	id       string
	protocol uint8 // Engine.IO revision 3 or 4; 0 for a plain WebSocket client
	opening  opening
	rcv      Receiver
	since    time.Time
	polled   bool // it began by polling
	meter    meter

	place *place // of its address among the server's; nil unless that is counted
	quota *quota // nil: it may send as much as it likes

	partial int // taken for a WebSocket message that is not whole; the reader's

	// receiving counts the calls into rcv that are under way, and pauses: a session
	// whose reading waits for its handlers is not one that fell silent.
	receiving atomic.Int32
	// delayed is set when reading goes on after a wait: there may be more to read.
	delayed atomic.Bool
	// receiveMu is held while rcv is called: around an upgrade a POST may still be
	// handled when the first WebSocket message comes.
	receiveMu sync.Mutex

	mu         sync.Mutex
	state      state
	reason     Reason // why it is open no more
	wire       wire
	base64Only bool            // the client cannot read binary
	conn       *websocket.Conn // the transport in use; nil while polling
	upgrading  bool            // a WebSocket was opened for this session
	probe      *websocket.Conn // it, until it takes over
	probed     bool            // its probe was answered: polls are to end soon
	abandoned  bool            // that came to nothing, and no poll has come since
	poll       *poll           // the GET that waits
	passed     *passed         // what the last one was answered by way of another server; nil after the next
	answer     *answer         // of the one before, while it is written
	leaving    *freeze.Timer   // ends a closing session that makes no progress; nil before
	writing    bool            // a goroutine writes to conn
	dirty      bool            // on the flusher's list
	turn       chan struct{}   // closed when the turn of writing or the session ends; nil unless awaited
	posting    bool            // a POST is being read
	telling    bool            // a POST is being told why the session has ended
	paused     chan struct{}   // closed when a pause must end; nil without one
	outbox

	beat beat // guarded by the server's heartbeat
}

// ID is the session id, unguessable, as the OPEN packet told it to the client.
func (s *Session) ID() string { return s.id }

// Protocol is the Engine.IO revision, 3 or 4, or 0 for a plain WebSocket client.
func (s *Session) Protocol() int { return int(s.protocol) }

// IsPlain says whether the client speaks bare WebSocket messages.
func (s *Session) IsPlain() bool { return s.protocol == 0 }

// Request is the request that opened the session: method, URL, header, host,
// address and TLS state, without body and context. It is made anew for each call. The
// header is at most 8 KiB: fields beyond that are left out.
func (s *Session) Request() *http.Request { return s.opening.request() }

// Opened is when that was.
func (s *Session) Opened() time.Time { return s.since }

// Name names the session in logs and to people. It is made from its id, which is a
// secret, and does not tell it.
func (s *Session) Name() string { return nameOf(s.id) }

func nameOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}

// idEnd is what every session id ends with: what newSession makes at random.
var idEnd = regexp.MustCompile(`[A-Za-z0-9_-]{20}$`)

// Shown is a text of which nobody knows whether it is a session's id: what may be one is
// named as [Session.Name] does. With Engine.IO 3 the id of a client, and so the room of
// its own, is the session's, behind the namespace's name and # in another than "/".
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
	if s.conn == nil {
		return transportPolling
	}
	return transportWebSocket
}

// IsOpen says whether the session can still be sent to.
func (s *Session) IsOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen
}

// Writable says whether a message sent now would leave at once: what a volatile
// emit asks.
func (s *Session) Writable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen && (s.conn != nil && !s.parked || s.poll != nil && s.answer == nil)
}

// Close ends the session from this side. What was sent before still goes out,
// then a WebSocket gets a close frame and a poll the close packet.
func (s *Session) Close(reason Reason) {
	code := 1000
	if reason == ServerShutdown {
		code = 1001
	}
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state, s.reason = stateClosing, reason
	s.resume()
	limit := closeTimeout
	if s.probed || s.abandoned { // its polls have ended, and it may have left in the middle of the upgrade
		limit = goodbyeTimeout
	}
	s.leaving = freeze.AfterFunc(limit, func() { s.abort(reason) })
	probe := s.probe
	if s.conn != nil {
		s.push(rawMessage(websocket.AppendClose(nil, code, "")))
	} else {
		s.push(s.srv.packets.close)
	}
	if s.writing {
		s.mu.Unlock()
	} else {
		s.flush()
	}
	if probe != nil {
		_ = probe.Close()
	}
	s.srv.heart.remove(s)
	s.srv.receiver(s).Closed(reason)
}

// stillLeaving gives a closing session more time: its client is taking what was sent
// before, perhaps by many polls. The mutex is held.
func (s *Session) stillLeaving() {
	if s.state == stateClosing {
		s.leaving.Reset(closeTimeout)
	}
}

// end is an end without a goodbye: the peer is gone, broke a rule, or must go. It
// returns the session's WebSocket, if it has one, for the caller to close.
func (s *Session) end(reason Reason) *websocket.Conn {
	s.mu.Lock()
	was := s.state
	s.state = stateClosed
	if was == stateOpen {
		s.reason = reason
	}
	s.drop()
	s.cutAnswer()
	conn, probe := s.conn, s.probe
	s.wakePoll()
	s.endTurn()
	s.resume()
	s.mu.Unlock()
	if was == stateClosed {
		return conn
	}
	rcv := s.srv.receiver(s) // nil: it ends before it began
	if rcv != nil {
		s.tellEnded() // before Shutdown can miss it
	}
	s.srv.remove(s, conn != nil)
	if probe != nil {
		_ = probe.Close()
	}
	if was == stateOpen && rcv != nil {
		rcv.Closed(reason)
	}
	return conn
}

// abort ends the session and its connection.
func (s *Session) abort(reason Reason) {
	if conn := s.end(reason); conn != nil {
		_ = conn.Close()
	}
}

// textPacket handles one Engine.IO packet that came as text.
func (s *Session) textPacket(packet []byte) error {
	if len(packet) == 0 {
		return payload.ErrNoPacket
	}
	s.countMessage()
	data := packet[1:]
	switch packet[0] {
	case '4':
		return s.receive(data, false)
	case '2':
		if s.protocol != 3 { // a heartbeat of its own, as libraries for small devices have: as Flask, no answer
			return nil
		}
		s.srv.heart.heard(s)
		s.pong(data)
		return nil
	case '3':
		if s.protocol == 3 {
			return errDirection
		}
		s.srv.heart.heard(s)
		return nil
	case '1':
		s.clientClosed()
		return errClosed
	case '0', '5', '6':
		return nil // of no meaning here, and the official server lets them pass
	}
	return errUnknown
}

// pong answers the ping of an Engine.IO 3 client.
func (s *Session) pong(data []byte) {
	if len(data) == 0 {
		s.Send(s.srv.packets.pong)
		return
	}
	s.Send(newControl("3" + string(data)))
}

// binaryPacket handles the data of a binary message.
func (s *Session) binaryPacket(data []byte) error {
	s.countMessage()
	return s.receive(data, true)
}

func (s *Session) receive(data []byte, binary bool) error {
	s.receiving.Add(1)
	defer s.receiving.Add(-1)
	s.receiveMu.Lock()
	defer s.receiveMu.Unlock()
	if !s.IsOpen() {
		return nil
	}
	if !binary || s.protocol == 0 { // an attachment belongs to the message before it
		s.meter.messagesIn.Add(1)
	}
	if binary {
		return s.rcv.Binary(data)
	}
	return s.rcv.Text(data)
}

// Delayed is for a Receiver to call when it has made its caller wait: a heartbeat
// that came meanwhile may still lie unread.
func (s *Session) Delayed() { s.delayed.Store(true) }

// clientClosed handles the close packet: the client is done, and nothing more is
// sent to it but the end of a waiting poll.
func (s *Session) clientClosed() { s.end(ClientDisconnect) }

// frame handles one WebSocket message of an open session.
func (s *Session) frame(op websocket.Opcode, data []byte) error {
	s.meter.heardFrame(len(data))
	switch {
	case s.protocol == 0:
		s.countMessage()
		return s.receive(data, op == websocket.Binary)
	case op == websocket.Binary && s.protocol == 3:
		if len(data) == 0 || data[0] != 4 {
			return errUnknown
		}
		return s.binaryPacket(data[1:])
	case op == websocket.Binary:
		return s.binaryPacket(data)
	}
	return payload.DecodeText(data, int(s.protocol), (*payloadSink)(s))
}

// Warn logs something that this client did and that was not accepted, with its
// address. A flood of one cause is cut short.
func (s *Session) Warn(cause Cause, msg string, args ...any) {
	s.srv.refusals.session(s, cause, msg, args...)
}

// WarnMemory logs that this client sent what there is no room for, as all clients
// together hold as much as they may.
func (s *Session) WarnMemory() {
	m := s.srv.cfg.Memory
	s.Warn(CauseMemory, "client closed: all clients together hold too much", "held", m.Used(), "limit", m.Limit(), "setting", "--max-memory-for-clients")
}
