package engineio

import (
	"time"

	"hipflask/server/internal/freeze"
	"hipflask/server/internal/websocket"
)

// Close ends the session from this side. What was sent before still goes out, then a WebSocket gets
// a close frame and a poll the close packet.
func (s *Session) Close(reason Reason) {
	code := websocket.CloseNormal
	if reason == ServerShutdown {
		code = websocket.CloseGoingAway
	}
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state, s.reason = stateClosing, reason
	s.reading.pause.end()
	limit := closeTimeout
	if s.upgrade.isAway() {
		limit = lastFrameTimeout
	}
	s.leaving = freeze.AfterFunc(limit, func() { s.abort(reason) })
	probe := s.upgrade.probe
	if s.upgrade.probed { // its client has paused its polls, and learns of the end once it has gone over: see takeOver
		probe = nil
	}
	if s.conn != nil {
		s.push(rawMessage(websocket.AppendClose(nil, code, "")))
	} else {
		s.push(s.srv.packets.close)
	}
	if s.writing {
		s.mu.Unlock()
	} else {
		s.flushLocked()
	}
	if probe != nil {
		_ = probe.Close()
	}
	s.srv.heart.remove(&s.beat)
	s.srv.registrar.receiver(s).Closed(reason)
}

// finishGrace is how long a session's end waits for its handlers.
const finishGrace = time.Second

// retire ends a session once its handlers are done with what it has sent, so that their answers
// reach the client. A handler that hangs does not keep it.
func (s *Session) retire() {
	end := func() { s.Close(ServerShutdown) }
	f, ok := s.rcv.(Finisher)
	if !ok {
		end()
		return
	}
	late := time.AfterFunc(finishGrace, end)
	f.Finish(func() {
		late.Stop()
		end()
	})
}

// leaveBehind ends a closing session whose client polls, and does not do so now.
func (s *Session) leaveBehind() {
	s.mu.Lock()
	gone := s.state == stateClosing && s.conn == nil && s.polls.answer == nil
	reason := s.reason
	s.mu.Unlock()
	if gone {
		s.abort(reason)
	}
}
