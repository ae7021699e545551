package engineio

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	// noopDelay is how long a poll that comes in while an upgrade is under way may wait: the client
	// ends its polling before it upgrades, so every poll must end.
	noopDelay = 100 * time.Millisecond
	// maxPacketsV4 is how many packets an answer of Engine.IO 4 holds at most: Python's client
	// takes no more, and treats one more as a fault.
	maxPacketsV4 = 16
	// pieceSize is how many bytes of an answer the client must take within a limit.
	pieceSize = 64 << 10
)

// giveUpLocked forgets a poll whose client, or whoever passed it on, is gone. It releases the mutex.
func (s *Session) giveUpLocked(p *poll, ends bool) {
	s.polls.poll = nil
	upgraded := s.conn != nil
	s.mu.Unlock()
	if !upgraded && ends {
		s.end(TransportClose)
	}
	p.done()
}

// isReadyLocked reports whether a poll can be answered: the last answer is written, and there is
// something to answer it with.
func (s *Session) isReadyLocked(p *poll) bool {
	return s.polls.answer == nil && !s.polls.telling && (s.queued > 0 || s.state != stateOpen || p.noop)
}

// takeAnswerLocked takes what the poll is answered with.
func (s *Session) takeAnswerLocked(p *poll) *answer {
	s.polls.poll = nil
	a := &answer{response: http.NewResponseController(p.w), memory: s.srv.cfg.Memory}
	a.portions = s.takePollLocked()
	s.meter.messagesOut += s.polls.begin(a)
	a.last = a.portions[0].Message == s.srv.packets.close
	if a.last && s.isToComeBackLocked() {
		a.comeBack = s.reason
	}
	return a
}

// isToComeBackLocked reports whether the session ended without anybody asking for it, so that its
// client should open another one. Python's client takes the close packet as an ordinary disconnect,
// and does not connect again; an answer that is an error all clients take for a lost connection.
func (s *Session) isToComeBackLocked() bool {
	return s.reason == ServerShutdown || s.reason == PingTimeout
}

// takePollLocked takes what a poll is answered with. The close packet, which is last, goes in an
// answer of its own: socket.io's clients act on it before they act on what came with it, and lose
// acks by that. Who closed the session itself is sent a noop, as by the official server.
func (s *Session) takePollLocked() []portion {
	if s.conn != nil { // the upgrade came first, and the queue is the WebSocket's
		return []portion{{s.srv.packets.noop, 1}}
	}
	most := 0
	if s.protocol == 4 {
		most = maxPacketsV4
	}
	portions := s.takeAnswer(most, s.srv.packets.close)
	switch {
	case len(portions) > 0:
		return portions
	case s.state != stateOpen && s.reason != ClientDisconnect:
		return []portion{{s.srv.packets.close, 1}}
	}
	return []portion{{s.srv.packets.noop, 1}}
}

// respond makes the answer and writes it, and reports whether all of it went out.
func (s *Session) respond(p *poll, a *answer) bool {
	if a.comeBack != "" {
		return s.refusePoll(a, p.w)
	}
	if s.srv.cfg.Memory.Full() && !s.srv.registrar.relieve(s) {
		_ = a.response.SetWriteDeadline(time.Now().Add(lastFrameTimeout)) // which the session's end has cut
		turnAway(p.w, http.StatusServiceUnavailable, "The server is short of memory")
		return false
	}
	return s.write(a, s.makeBody(p, a), p)
}

// makeBody makes the body of an answer.
func (s *Session) makeBody(p *poll, a *answer) *body {
	before, after := p.format.Around(p.index)
	b := s.srv.outlet.body(a.portions, p.format, before, after, p.encoding)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.made(b)
	return b
}

// refusePoll answers the last poll of a session whose client is to open another one.
func (s *Session) refusePoll(a *answer, w http.ResponseWriter) bool {
	_ = a.response.SetWriteDeadline(time.Now().Add(lastFrameTimeout))
	if a.comeBack == ServerShutdown {
		writeRefusal(w, http.StatusBadRequest, codeForbidden, shuttingDown)
	} else {
		writeError(w, codeSession)
	}
	return s.flushAnswer(a)
}

// write writes the answer and reports whether all of it went out. A client that takes nothing of it
// for too long is given up.
func (s *Session) write(a *answer, b *body, p *poll) bool {
	p.writeHeader(b)
	if !s.goOn(a, 0) {
		return false
	}
	for _, piece := range b.pieces {
		for len(piece) > 0 {
			n := min(len(piece), pieceSize)
			if _, err := p.w.Write(piece[:n]); err != nil {
				s.writeFailed(err)
				return false
			}
			if !s.goOn(a, n) {
				return false
			}
			piece = piece[n:]
		}
	}
	return s.flushAnswer(a)
}

func (s *Session) flushAnswer(a *answer) bool {
	if err := a.response.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		s.writeFailed(err)
		return false
	}
	return true
}

// goOn counts n bytes that the client's side of the connection has taken, and gives it time for
// more. It reports false when the session has ended meanwhile.
func (s *Session) goOn(a *answer, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter.bytesOut += uint64(n)
	if a.cut {
		return false
	}
	a.left -= n
	if s.state == stateClosing { // its client is taking what was sent before, perhaps by many polls
		s.leaving.Reset(closeTimeout)
	}
	_ = a.response.SetWriteDeadline(time.Now().Add(s.srv.cfg.progressLimit()))
	return true
}

// writeFailed ends a session whose client did not get what was sent to it: it cannot have it any
// more.
func (s *Session) writeFailed(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.abort(TransportClose)
		return
	}
	if s.IsOpen() {
		s.tellSlowAnswer()
	}
	s.abort(TransportError)
}

// answered is called when an answer was written, or could not be.
func (s *Session) answered(p *poll, a *answer, written bool) {
	s.mu.Lock()
	s.polls.finish(a, written)
	s.mu.Unlock()
	if written && a.last {
		s.end(ServerClose)
	}
	p.done() // last: the connection's next request finds the session as the answer said
}

// writeHeader writes the header of an answer with this body.
func (p *poll) writeHeader(b *body) {
	h := p.w.Header()
	h["Content-Type"] = []string{p.format.ContentType()}
	h["Cache-Control"] = []string{"no-store"}
	if b.encoding != "" {
		h["Content-Encoding"] = []string{b.encoding}
	}
	h["Content-Length"] = []string{strconv.Itoa(b.size)}
	p.w.WriteHeader(http.StatusOK)
}
