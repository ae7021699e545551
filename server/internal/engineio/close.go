package engineio

import (
	"context"
	"time"

	"hipflask/server/internal/freeze"
	"hipflask/server/internal/websocket"
)

// Close ends the session from this side. What was sent before still goes out, then a WebSocket gets
// a close frame and a poll the close packet.
func (s *Session) Close(reason Reason) { s.closeWithin(reason, closeTimeout) }

// closeWithin is Close for a client that has so long for its part.
func (s *Session) closeWithin(reason Reason, limit time.Duration) {
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
	if s.upgrade.isAway() {
		limit = min(limit, lastFrameTimeout)
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
// reach the client. A handler that hangs does not keep it. Before cut is over, so that a client
// that does not come back is no reason to cut anybody.
func (s *Session) retire(cut context.Context) {
	end := func() { s.closeWithin(ServerShutdown, lastTime(cut)) }
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

// lastTime is how long a client has for its part of the end: closeTimeout, but no more than nine
// tenths of what there is until cut ends.
func lastTime(cut context.Context) time.Duration {
	deadline, ok := cut.Deadline()
	if !ok {
		return closeTimeout
	}
	return min(closeTimeout, max(time.Until(deadline), 0)*9/10)
}
