package engineio

import (
	"context"
	"net/http"
	"time"
)

// Forwarded says which server of a cluster has passed a request on, whose client it has
// admitted, and what it wants of it.
type Forwarded struct {
	From string
	Wish Wish
}

// Wish is what a server may want.
type Wish uint8

// The wishes.
const (
	WishAnswer  Wish = iota // that the client's request is answered
	WishLeft                // nothing: the client gave its poll up, if that still waits
	WishLost                // nothing: the client did not get the answer to its poll
	WishRelease             // that the waiting poll is answered, with a noop if with nothing else
	WishAlive               // an answer
	WishAstray              // one of another server, which it takes this one for
)

type forwardedKey struct{} // the value is the server's id

// isForwarded reports whether another server has passed the request on. That its
// connection ends may be that server's fault, and not the client's.
func isForwarded(r *http.Request) bool { return forwardedFrom(r) != "" }

// forwardedFrom is the id of the server that has passed the request on, empty for none.
func forwardedFrom(r *http.Request) string {
	from, _ := r.Context().Value(forwardedKey{}).(string)
	return from
}

// ServeForwarded serves a request that another server has passed on, with r.RemoteAddr the
// client's address. Origin, host and limits of addresses were checked there, and are not
// here; nor is the request passed on again.
func (srv *Server) ServeForwarded(w http.ResponseWriter, r *http.Request, what Forwarded) {
	srv.cfg.limitAnswer(w)
	q := r.URL.Query()
	s := srv.find(q.Get("sid"))
	switch {
	case what.Wish == WishAlive:
		w.WriteHeader(http.StatusNoContent)
	case what.Wish == WishAstray || s == nil || s.IsPlain():
		writeError(w, codeSession) // the first one may log it
	case what.Wish == WishLeft, what.Wish == WishLost:
		s.left(what.Wish == WishLost)
		w.WriteHeader(http.StatusNoContent)
	case what.Wish == WishRelease:
		s.release()
		w.WriteHeader(http.StatusNoContent)
	default:
		r = r.WithContext(context.WithValue(r.Context(), forwardedKey{}, what.From))
		srv.serveSession(w, r, q, q.Get("transport"))
	}
}

const (
	// lostPollTime is how long a poll waits for the end of an earlier one.
	lostPollTime = time.Second
	// maxPassed is how many bytes of an answer are kept. It is held from the answer to the
	// next poll, which follows at once.
	maxPassed = 16 << 10
)

// passed is the answer to a poll that another server has passed on, as it was given to
// that one. Should that server be killed before it has passed the answer on as well, the
// poll comes again, by another way, and is answered the same.
type passed struct {
	http.ResponseWriter
	uri, from string

	header http.Header
	status int // 0: nothing was written
	body   []byte
	long   bool // longer than is kept
}

// Unwrap lets http.ResponseController find what is beneath.
func (p *passed) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *passed) WriteHeader(status int) {
	p.status, p.header = status, p.Header().Clone()
	p.ResponseWriter.WriteHeader(status)
}

// Write fails where the other server takes nothing any more, unless the answer is kept.
func (p *passed) Write(b []byte) (int, error) {
	if p.long = p.long || len(p.body)+len(b) > maxPassed; !p.long {
		p.body = append(p.body, b...)
	}
	n, err := p.ResponseWriter.Write(b)
	if !p.long {
		return len(b), nil
	}
	return n, err
}

// FlushError is how http.ResponseController flushes.
func (p *passed) FlushError() error {
	err := http.NewResponseController(p.ResponseWriter).Flush()
	if !p.long {
		return nil
	}
	return err
}

// keepPassed keeps the answer to a poll. The mutex is not held.
func (s *Session) keepPassed(p *passed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.status == http.StatusOK {
		s.polls.passed = p
	}
	p.ResponseWriter = nil
}

// repeat reports whether a poll is one that was answered already, and answers it again:
// it is for the same URL, and the server by which it came before is gone. Clients give each
// poll a URL of its own, by the parameter t. Where they do not, or the answer was not kept,
// it may have reached the client or not, so the session ends.
func (s *Session) repeat(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	s.awaitLostPollLocked(r)
	p := s.polls.passed
	s.polls.passed = nil
	s.mu.Unlock()
	if p == nil || p.uri != r.RequestURI || s.srv.cfg.Alive == nil || s.srv.cfg.Alive(p.from) {
		return false
	}
	if p.long || !r.URL.Query().Has("t") {
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

// awaitLostPollLocked waits for the end of a poll that another server has passed on, if that
// server is gone: whoever noticed first, such as a load balancer, may have sent the poll
// again, another way. The mutex is not held while it waits.
func (s *Session) awaitLostPollLocked(r *http.Request) {
	lost := s.polls.poll
	if lost == nil || lost.ended == nil {
		return
	}
	s.mu.Unlock()
	limit := time.NewTimer(lostPollTime)
	defer limit.Stop()
	select {
	case <-lost.ended:
	case <-limit.C:
	case <-r.Context().Done():
	}
	s.mu.Lock()
}

// left ends a session whose client gave its poll up, as if that had come here: one that
// waits, or one that was answered in vain.
func (s *Session) left(answered bool) {
	s.mu.Lock()
	polls := s.conn == nil && (s.polls.poll != nil || answered)
	s.mu.Unlock()
	if polls {
		s.end(TransportClose)
	}
}

// release has the waiting poll answered.
func (s *Session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls.hurry()
}

// elsewhere reports whether another server has answered a request for a session that is
// not here.
func (srv *Server) elsewhere(w http.ResponseWriter, r *http.Request, sid string) bool {
	return srv.cfg.Elsewhere != nil && !isForwarded(r) && srv.cfg.Elsewhere(w, r, sid)
}
