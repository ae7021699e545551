package engineio

import (
	"time"

	"hipflask/server/internal/websocket"
)

const (
	// closeTimeout is how long a closed connection waits for its peer's part of the closing
	// handshake: the echoed close frame, or the poll that fetches the close packet.
	closeTimeout = 5 * time.Second
	// lastFrameTimeout bounds the writing of a last frame, or of a session's last answer to a
	// request, and the wait for the peer to see it.
	lastFrameTimeout = time.Second
)

// end ends the session without a close packet or frame: the peer is gone, broke a rule, or must go.
// It returns the session's WebSocket, if it has one, for the caller to close.
func (s *Session) end(reason Reason) *websocket.Conn {
	s.mu.Lock()
	was := s.state
	s.state = stateClosed
	if was == stateOpen {
		s.reason = reason
	}
	s.drop()
	if was != stateClosed { // else it is the last, which tells the client of the end
		s.polls.cut()
	}
	s.polls.forget()
	conn, probe := s.conn, s.upgrade.probe
	s.polls.wake()
	s.endTurn()
	s.reading.pause.end()
	s.mu.Unlock()
	if was == stateClosed {
		return conn
	}
	rcv := s.srv.registrar.receiver(s)
	if rcv != nil {
		s.tellEnded() // before Shutdown can miss it
	}
	s.srv.heart.remove(&s.beat)
	s.srv.admission.leave(s.addressCount, conn != nil)
	s.srv.registrar.remove(s)
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
