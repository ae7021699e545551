package engineio

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"hipflask/server/internal/websocket"
)

// goodbyeTimeout bounds the writing of a last frame and the wait for the peer to
// see it.
const goodbyeTimeout = time.Second

// violation is an error of what the client sent, as opposed to one of its
// connection.
type violation struct{ error }

func (v violation) Unwrap() error { return v.error }

// sessionReader is a session as the reader of its WebSocket sees it.
type sessionReader Session

func (r *sessionReader) Message(op websocket.Opcode, payload []byte) error {
	s := (*Session)(r)
	if err := s.frame(op, payload); err != nil {
		return violation{err}
	}
	s.pause(0, nil)
	return nil
}

func (r *sessionReader) Ping(payload []byte) error {
	s := (*Session)(r)
	s.Send(rawMessage(websocket.AppendFrame(nil, websocket.Pong, payload)))
	s.countMessage()
	s.pause(0, nil)
	return nil
}

func (r *sessionReader) Pong([]byte) error {
	s := (*Session)(r)
	if s.protocol == 0 {
		s.srv.heart.heard(s)
	}
	s.countMessage()
	s.pause(0, nil)
	return nil
}

// openWebSocket begins a session on a WebSocket.
func (srv *Server) openWebSocket(w http.ResponseWriter, r *http.Request, s *Session, added http.Header) {
	if !srv.hire() {
		srv.gate.leave(s.place, true)
		srv.unavailable(w)
		return
	}
	var first []byte
	if s.protocol != 0 {
		first = srv.openPacket(s, false).frames(s.wire)
	}
	for name, values := range srv.sessionHeader(s) {
		added[name] = append(added[name], values...)
	}
	conn, err := srv.upgrader.Upgrade(w, r, withSubprotocol(added, r), first)
	if err != nil {
		srv.workers.Done()
		srv.gate.leave(s.place, true)
		srv.refusals.handshake(r, err)
		return
	}
	s.conn = conn
	s.meter.bytesOut = uint64(len(first))
	s.pace(conn)
	if !srv.open(s) {
		go func() {
			defer srv.workers.Done()
			s.goodbye(conn, 1001)
		}()
		return
	}
	conn.Start((*sessionReader)(s), srv.cfg.MaxMessage, s.readEnded)
}

// withSubprotocol has the handshake's answer take the first subprotocol that the client
// offers: a browser fails a WebSocket that takes none.
func withSubprotocol(header http.Header, r *http.Request) http.Header {
	offered, _, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
	if offered = strings.TrimSpace(offered); !httpguts.ValidHeaderFieldName(offered) { // both are tokens
		return header
	}
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Sec-WebSocket-Protocol", offered)
	return header
}

// readEnded is told that the session's WebSocket can be read no more.
func (s *Session) readEnded(err error) {
	defer s.srv.workers.Done()
	s.holdPartial(0)
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	s.finish(conn, err)
}

// finish ends a session whose WebSocket can be read no more.
func (s *Session) finish(conn *websocket.Conn, err error) {
	ours := !s.IsOpen() // then our close frame is out, or the session was cut
	var closed *websocket.CloseError
	var broken violation
	switch {
	case errors.As(err, &closed) && closed.Received:
		s.end(TransportClose)
		if !ours {
			s.farewell(conn, closed.Code)
		}
	case errors.As(err, &closed):
		s.srv.refusals.frame(s, closed)
		s.end(TransportError)
		s.goodbye(conn, closed.Code)
		return
	case errors.Is(err, errClosed):
		s.goodbye(conn, 1000)
		return
	case errors.As(err, &broken):
		s.srv.refusals.broken(s, broken.error)
		s.end(ParseError)
		s.goodbye(conn, 1002)
		return
	default:
		s.end(TransportClose)
	}
	_ = conn.Close()
}

// farewell writes a close frame, after what another goroutine is writing just now,
// unless that one is stuck. The session has ended, so nobody else begins a write.
func (s *Session) farewell(conn *websocket.Conn, code int) {
	s.mu.Lock()
	if s.writing {
		turn := make(chan struct{})
		s.turn = turn
		s.mu.Unlock()
		_ = conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
		select {
		case <-turn:
		case <-time.After(goodbyeTimeout):
		}
		s.mu.Lock()
	}
	busy := s.writing
	s.writing = true
	s.mu.Unlock()
	if busy {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	_, _ = conn.Write(websocket.AppendClose(nil, code, ""))
}

// goodbye closes the connection so that the peer gets to read why.
func (s *Session) goodbye(conn *websocket.Conn, code int) {
	s.farewell(conn, code)
	_ = conn.CloseWrite()
	conn.Discard(goodbyeTimeout)
	_ = conn.Close()
}

// upgrade opens a WebSocket for a session that polls.
func (srv *Server) upgrade(w http.ResponseWriter, r *http.Request, q url.Values, s *Session) {
	s.mu.Lock()
	free := s.state == stateOpen && s.conn == nil && !s.upgrading && srv.cfg.AllowUpgrades
	if free {
		s.upgrading = true
	}
	s.mu.Unlock()
	switch {
	case !free:
		srv.refuse(w, r, codeBadRequest, "the session cannot be upgraded")
		return
	case !srv.hire(): // going down: the session polls for the rest of its time
		s.mu.Lock()
		s.upgrading = false
		s.mu.Unlock()
		writeError(w, codeBadRequest)
		return
	}
	if no := srv.gate.upgrade(); no != nil { // likewise
		srv.workers.Done()
		s.mu.Lock()
		s.upgrading = false
		s.mu.Unlock()
		srv.tooMany(w, r, no)
		return
	}
	conn, err := srv.upgrader.Upgrade(w, r, withSubprotocol(nil, r), nil)
	s.mu.Lock()
	if err == nil && s.state == stateOpen {
		s.probe = conn
	} else {
		s.upgrading = false
	}
	open := s.probe != nil
	s.mu.Unlock()
	if err != nil {
		srv.gate.giveUp()
		srv.workers.Done()
		srv.refusals.handshake(r, err)
		return
	}
	if !open {
		srv.gate.giveUp()
		srv.workers.Done()
		_ = conn.Close()
		return
	}
	p := &prober{session: s, conn: conn, base64Only: q.Has("b64")}
	_ = conn.SetReadDeadline(time.Now().Add(srv.cfg.UpgradeTimeout))
	s.pace(conn)
	conn.Start(p, srv.cfg.MaxMessage, p.readEnded)
}

// prober reads a WebSocket that is to take over a polling session: "2probe" is
// answered with "3probe", the polls end, "5" makes it the session's transport, also
// where nothing was probed. As at the official server, "2probe" may come again and
// something may stand behind "5".
type prober struct {
	session    *Session
	conn       *websocket.Conn
	base64Only bool
	probed     bool
	upgraded   bool
}

func (p *prober) readEnded(err error) {
	s := p.session
	if p.upgraded {
		s.readEnded(err)
		return
	}
	defer s.srv.workers.Done()
	s.holdPartial(0)
	s.srv.gate.giveUp()
	s.srv.tally.upgrades.failed.Add(1)
	var closed *websocket.CloseError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && s.IsOpen() && p.probed:
		s.srv.refusals.brokenUpgrade(s, "its probe was answered, and 5 did not follow within --upgrade-timeout")
	case errors.Is(err, os.ErrDeadlineExceeded) && s.IsOpen():
		s.srv.refusals.stuck(s)
	case errors.Is(err, errUnknown):
		s.srv.refusals.brokenUpgrade(s, "neither 2probe nor 5 came")
	case errors.As(err, &closed) && !closed.Received:
		s.srv.refusals.brokenUpgrade(s, closed.Reason)
	}
	s.mu.Lock()
	s.abandoned = s.probed && (s.poll == nil || s.poll.noop)
	s.probe, s.probed, s.upgrading = nil, false, false
	s.mu.Unlock()
	_ = p.conn.Close()
}

func (p *prober) Message(op websocket.Opcode, payload []byte) error {
	if p.upgraded {
		return (*sessionReader)(p.session).Message(op, payload)
	}
	switch {
	case op == websocket.Text && string(payload) == "2probe":
		p.probed = true
		if err := p.write(websocket.Text, []byte("3probe")); err != nil {
			return err
		}
		p.session.endPolls()
		return nil
	case op == websocket.Text && len(payload) > 0 && payload[0] == '5':
		return p.takeOver()
	}
	return errUnknown
}

func (p *prober) Ping(payload []byte) error {
	if p.upgraded {
		return (*sessionReader)(p.session).Ping(payload)
	}
	return p.write(websocket.Pong, payload)
}

func (p *prober) Pong([]byte) error { return nil }

// write writes a frame while the connection is not the session's yet, so that
// this goroutine alone writes to it.
func (p *prober) write(op websocket.Opcode, payload []byte) error {
	_ = p.conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	_, err := p.conn.Write(websocket.AppendFrame(nil, op, payload))
	return err
}

// endPolls answers the waiting poll: the client upgrades once no poll is out.
func (s *Session) endPolls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probed = true
	if s.poll != nil {
		s.poll.noop = true
		s.wakePoll()
	}
}

// takeOver makes the WebSocket the session's transport. What was queued for the
// next poll goes out on it first.
func (p *prober) takeOver() error {
	s := p.session
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return errClosed
	}
	_ = p.conn.SetReadDeadline(time.Time{})
	_ = p.conn.SetWriteDeadline(time.Time{}) // of the probe's answer
	s.conn, s.probe, s.probed = p.conn, nil, false
	s.unpark()
	s.wire = wireOf(s.protocol, p.base64Only)
	if s.poll != nil {
		s.poll.noop = true
		s.wakePoll()
	}
	p.upgraded = true
	s.srv.tally.upgrades.done.Add(1)
	s.flush()
	return nil
}
