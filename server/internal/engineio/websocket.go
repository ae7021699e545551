package engineio

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"hipflask/server/internal/websocket"
)

// violation is an error of what the client sent, as opposed to one of its connection.
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
		s.srv.heart.heard(&s.beat)
	}
	s.countMessage()
	s.pause(0, nil)
	return nil
}

// pace counts what a WebSocket keeps of a message that is not whole, and has it held back when its
// client sends too many bytes, and the receiver work.
func (s *Session) pace(conn *websocket.Conn) {
	conn.SetPace(func(n int) Work {
		s.holdPartial(conn.Partial())
		s.countBytes(n)
		s.pause(0, nil)
		return s.work()
	})
}

// withSubprotocol has the handshake's answer take the first subprotocol that the client offers: a
// browser fails a WebSocket that takes none.
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

// readEnded is called once nothing more can be read from the session's WebSocket.
func (s *Session) readEnded(err error) {
	defer s.srv.workers.Done()
	s.holdPartial(0)
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	s.finish(conn, err)
}

// finish ends a session from whose WebSocket nothing more can be read.
func (s *Session) finish(conn *websocket.Conn, err error) {
	ours := !s.IsOpen() // then our close frame is out, or the session was cut
	closed, isClose := errors.AsType[*websocket.CloseError](err)
	broken, isBroken := errors.AsType[violation](err)
	switch {
	case isClose && closed.Received:
		s.end(TransportClose)
		if !ours {
			s.writeClose(conn, closed.Code)
		}
	case isClose:
		s.tellFrame(closed)
		s.end(TransportError)
		s.closeWith(conn, closed.Code)
		return
	case errors.Is(err, errClosed):
		s.closeWith(conn, websocket.CloseNormal)
		return
	case isBroken:
		s.tellBroken(broken.error)
		s.end(ParseError)
		s.closeWith(conn, websocket.CloseProtocolError)
		return
	default:
		s.end(TransportClose)
	}
	_ = conn.Close()
}

// writeClose writes a close frame, after what another goroutine is writing just now, unless that
// one is stuck. The session has ended, so nobody else begins a write.
func (s *Session) writeClose(conn *websocket.Conn, code int) {
	s.mu.Lock()
	if turn := s.awaitTurn(); turn != nil {
		s.mu.Unlock()
		_ = conn.SetWriteDeadline(time.Now().Add(lastFrameTimeout))
		select {
		case <-turn:
		case <-time.After(lastFrameTimeout):
		}
		s.mu.Lock()
	}
	busy := s.writing
	s.writing = true
	s.mu.Unlock()
	if busy {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(lastFrameTimeout))
	_, _ = conn.Write(websocket.AppendClose(nil, code, ""))
}

// closeWith writes a close frame and closes the connection, so that the peer can read why.
func (s *Session) closeWith(conn *websocket.Conn, code int) {
	s.writeClose(conn, code)
	_ = conn.CloseWrite()
	conn.Discard(lastFrameTimeout)
	_ = conn.Close()
}
