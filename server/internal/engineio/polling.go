package engineio

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"hipflask/server/internal/engineio/payload"
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

// serveGET answers a poll with all that waits, or has it wait for something to come.
func (s *Session) serveGET(w http.ResponseWriter, r *http.Request, q url.Values) {
	if s.repeat(w, r) {
		return
	}
	p := s.newPoll(w, r, q)
	if from := forwardedFrom(r); from != "" {
		p.ended = make(chan struct{})
		defer close(p.ended)
		kept := &passed{ResponseWriter: w, uri: r.RequestURI, from: from, memory: s.srv.cfg.Memory}
		defer s.keepPassed(kept)
		p.w = kept
	}
	s.mu.Lock()
	switch {
	case s.conn != nil || s.state == stateClosed:
		s.mu.Unlock()
		s.srv.refusals.refuse(w, r, codeBadRequest, "the session no longer polls")
		return
	case s.polls.poll != nil:
		s.mu.Unlock()
		s.srv.refusals.refuse(w, r, codeBadRequest, "a second poll while one was waiting")
		s.abort(TransportError)
		return
	}
	s.polls.poll, s.upgrade.abandoned = p, false
	if p.later != nil {
		s.waitLocked(p)
		return
	}
	noReadLimit(w)
	if !s.awaitLocked(p, r) {
		s.giveUpLocked(p, !isForwarded(r))
		return
	}
	a := s.takeAnswerLocked(p)
	s.mu.Unlock()
	s.answered(p, a, s.respond(p, a))
}

// giveUpLocked forgets a poll whose client, or whoever passed it on, is gone. It releases the mutex.
func (s *Session) giveUpLocked(p *poll, ends bool) {
	s.polls.poll = nil
	upgraded := s.conn != nil
	s.mu.Unlock()
	p.done()
	if !upgraded && ends {
		s.end(TransportClose)
	}
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

// answered is called when an answer was written, or could not be.
func (s *Session) answered(p *poll, a *answer, written bool) {
	s.mu.Lock()
	s.polls.finish(a, written)
	s.mu.Unlock()
	p.done()
	if written && a.last {
		s.end(ServerClose)
	}
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

// format is how the session's polls are answered. Engine.IO 3 without b64 is always sent bytes: its
// browser clients before 1.4 read nothing else.
func (s *Session) format(isJSONP bool) payload.Format {
	switch {
	case s.protocol == 3 && isJSONP:
		return payload.V3JSONP
	case s.protocol == 3 && s.base64Only:
		return payload.V3
	case s.protocol == 3:
		return payload.V3Binary
	case isJSONP:
		return payload.V4JSONP
	}
	return payload.V4
}

// isReadyLocked reports whether a poll can be answered: the last answer is written, and there is
// something to answer it with.
func (s *Session) isReadyLocked(p *poll) bool {
	return s.polls.answer == nil && !s.polls.telling && (s.queued > 0 || s.state != stateOpen || p.noop)
}

// awaitLocked waits until p can be answered, without the mutex meanwhile. False means that the
// client gave the poll up.
func (s *Session) awaitLocked(p *poll, r *http.Request) bool {
	var noop <-chan time.Time
	if s.upgrade.probed {
		t := time.NewTimer(noopDelay)
		defer t.Stop()
		noop = t.C
	}
	for !s.isReadyLocked(p) {
		s.mu.Unlock()
		gone, over := false, false
		select {
		case <-p.wake:
		case <-noop:
			over = true
		case <-r.Context().Done():
			gone = true
		}
		s.mu.Lock()
		if gone {
			return false
		}
		p.noop = p.noop || over
	}
	return true
}

// jsonpIndex returns the number of the callback that a JSONP poll names.
func jsonpIndex(q url.Values) (string, bool) {
	if !q.Has("j") {
		return "", false
	}
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, q.Get("j"))
	return digits, true
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

// noReadLimit takes the limit of the http.Server away once a request has been read: when it passes,
// net/http takes the client for gone.
func noReadLimit(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
}
