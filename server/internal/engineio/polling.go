package engineio

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"hipflask/server/internal/coding"
	"hipflask/server/internal/engineio/payload"
	"hipflask/server/internal/http1"
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
	case s.state == stateClosed: // and about to be taken off the list
		reason := s.reason
		s.mu.Unlock()
		s.srv.refusals.ended(w, r, reason)
		return
	case s.conn != nil:
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

// newPoll makes a poll of a request.
func (s *Session) newPoll(w http.ResponseWriter, r *http.Request, q url.Values) *poll {
	index, isJSONP := jsonpIndex(q)
	p := &poll{session: s, w: w, format: s.format(isJSONP), index: index, encoding: coding.Choose(r.Header, coding.Gzip, coding.Deflate)}
	if p.later, _ = w.(http1.Later); p.later == nil {
		p.wake = make(chan struct{}, 1)
	}
	return p
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

// noReadLimit takes the limit of the http.Server away once a request has been read: when it passes,
// net/http takes the client for gone.
func noReadLimit(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
}
