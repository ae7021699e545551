package engineio

import (
	"net/http"
	"time"

	"hipflask/server/internal/freeze"
)

// lostPollTime is how long a poll waits for the end of an earlier one.
const lostPollTime = time.Second

// keepPassed keeps the answer to a poll, for as long as the session polls. The mutex is not held.
func (s *Session) keepPassed(p *passed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ResponseWriter = nil
	if p.status != http.StatusOK || s.state == stateClosed || s.conn != nil {
		p.release()
		return
	}
	s.polls.passed = p
}

// repeat reports whether a poll is one that was answered already, and answers it again: it is for
// the same URL, and the server by which it came before is gone. Clients give each poll a URL of its
// own, by the parameter t. Where they do not, or the answer was not kept, it may have reached the
// client or not, so the session ends.
func (s *Session) repeat(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	s.awaitLostPollLocked(r)
	p := s.polls.passed
	s.polls.passed = nil
	s.mu.Unlock()
	defer p.release()
	if p == nil || p.uri != r.RequestURI || s.srv.cfg.Alive == nil || s.srv.cfg.Alive(p.from) {
		return false
	}
	if p.lost || !r.URL.Query().Has("t") {
		s.abort(TransportClose)
		writeError(w, codeSession)
		return true
	}
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body)
	return true
}

// awaitLostPollLocked waits for the end of a poll that another server has passed on, if that server
// is gone: whoever noticed first, such as a load balancer, may have sent the poll again, another
// way. The mutex is not held while it waits.
func (s *Session) awaitLostPollLocked(r *http.Request) {
	lost := s.polls.poll
	if lost == nil || lost.ended == nil {
		return
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	limit, timer := freeze.Begin(lostPollTime), time.NewTimer(lostPollTime)
	defer timer.Stop()
	for {
		select {
		case <-lost.ended:
			return
		case <-r.Context().Done():
			return
		case <-timer.C:
			left := limit.Left()
			if left == 0 {
				return
			}
			timer.Reset(left) // the end of the earlier one may not have been noticed yet either
		}
	}
}
