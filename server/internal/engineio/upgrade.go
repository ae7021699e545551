package engineio

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"time"

	"hipflask/server/internal/websocket"
)

// serveUpgrade opens a WebSocket for a session that polls.
func (s *Session) serveUpgrade(w http.ResponseWriter, r *http.Request, q url.Values) {
	srv := s.srv
	s.mu.Lock()
	free := s.state == stateOpen && s.conn == nil && !s.upgrade.begun && srv.cfg.AllowUpgrades
	if free {
		s.upgrade.begun = true
	}
	over, reason := s.state == stateClosed, s.reason
	s.mu.Unlock()
	switch {
	case over:
		srv.refusals.ended(w, r, reason)
		return
	case !free:
		srv.refusals.refuse(w, r, codeBadRequest, "the session cannot be upgraded")
		return
	case !srv.registrar.addWorker(): // going down: the session polls for the rest of its time
		s.mu.Lock()
		s.upgrade.begun = false
		s.mu.Unlock()
		writeError(w, codeBadRequest)
		return
	}
	if no := srv.admission.upgrade(); no != nil { // likewise
		srv.workers.Done()
		s.mu.Lock()
		s.upgrade.begun = false
		s.mu.Unlock()
		srv.refusals.tooMany(w, r, no)
		return
	}
	conn, err := srv.upgrader.Upgrade(w, r, withSubprotocol(nil, r), nil)
	s.mu.Lock()
	if err == nil && s.state == stateOpen {
		s.upgrade.probe = conn
	} else {
		s.upgrade.begun = false
	}
	open := s.upgrade.probe != nil
	s.mu.Unlock()
	if err != nil {
		srv.admission.giveUp()
		srv.workers.Done()
		srv.refusals.handshake(r, err)
		return
	}
	if !open {
		srv.admission.giveUp()
		srv.workers.Done()
		_ = conn.Close()
		return
	}
	p := &prober{session: s, conn: conn, base64Only: q.Has("b64")}
	_ = conn.SetReadDeadline(time.Now().Add(srv.cfg.UpgradeTimeout))
	s.pace(conn)
	conn.Start(p, srv.cfg.MaxMessage, p.readEnded)
}

// prober reads a WebSocket that is to take over a polling session: "2probe" is answered with
// "3probe", the polls end, "5" makes it the session's transport, also where nothing was probed. As
// at the official server, "2probe" may come again and something may stand behind "5".
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
	s.srv.admission.giveUp()
	s.srv.upgrades.failed.Add(1)
	var closed *websocket.CloseError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && s.IsOpen() && p.probed:
		s.tellBrokenUpgrade("its probe was answered, and 5 did not follow in time", "limit", s.srv.cfg.UpgradeTimeout, "bound", BoundUpgrade)
	case errors.Is(err, os.ErrDeadlineExceeded) && s.IsOpen():
		s.tellStuck()
	case errors.Is(err, errUnknown):
		s.tellBrokenUpgrade("neither 2probe nor 5 came")
	case errors.As(err, &closed) && !closed.Received:
		s.tellBrokenUpgrade(closed.Reason)
	}
	s.mu.Lock()
	poll := s.polls.poll
	s.upgrade.giveUp(poll == nil || poll.noop)
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

// write writes a frame while the connection is not the session's yet, so that this goroutine alone
// writes to it.
func (p *prober) write(op websocket.Opcode, payload []byte) error {
	_ = p.conn.SetWriteDeadline(time.Now().Add(lastFrameTimeout))
	_, err := p.conn.Write(websocket.AppendFrame(nil, op, payload))
	return err
}

// endPolls answers the waiting poll: the client upgrades once no poll is out.
func (s *Session) endPolls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upgrade.probed = true
	s.polls.hurry()
}

// takeOver makes the WebSocket the session's transport. What was queued for the next poll goes out
// on it first.
func (p *prober) takeOver() error {
	s := p.session
	s.mu.Lock()
	if s.state != stateOpen {
		closing, reason := s.state == stateClosing, s.reason
		s.mu.Unlock()
		if closing { // its client polls no more, and comes back when the WebSocket ends
			s.abort(reason)
		}
		return errClosed
	}
	_ = p.conn.SetReadDeadline(time.Time{})
	_ = p.conn.SetWriteDeadline(time.Time{}) // of the probe's answer
	s.conn, s.upgrade.probe, s.upgrade.probed = p.conn, nil, false
	s.polls.forget()
	s.unpark()
	s.wire, s.packer = wireOf(s.protocol, p.base64Only), s.srv.packerOf(p.conn)
	s.polls.hurry()
	p.upgraded = true
	s.srv.upgrades.done.Add(1)
	s.flushLocked()
	return nil
}
