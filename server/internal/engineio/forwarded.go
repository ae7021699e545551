package engineio

import (
	"context"
	"net/http"
	"time"
)

// Forwarded is what another server of a cluster wants of this one, in place of a client
// that it has admitted.
type Forwarded uint8

// What it may want.
const (
	ForwardedRequest Forwarded = iota // that the client's request is answered
	ForwardedLeft                     // nothing: the client gave its poll up
	ForwardedRelease                  // that the waiting poll is answered, with a noop if with nothing else
	ForwardedAstray                   // this server is not the one that it takes it for
)

type forwardedKey struct{}

// isForwarded reports whether another server has passed the request on. That its
// connection ends may be that server's fault, and not the client's.
func isForwarded(r *http.Request) bool { return r.Context().Value(forwardedKey{}) != nil }

// ServeForwarded serves a request that another server has passed on, with r.RemoteAddr the
// client's address. Origin, host and limits of addresses were checked there, and are not
// here; nor is the request passed on again.
func (srv *Server) ServeForwarded(w http.ResponseWriter, r *http.Request, what Forwarded) {
	srv.limitAnswer(w)
	q := r.URL.Query()
	srv.mu.RLock()
	s := srv.sessions[q.Get("sid")]
	srv.mu.RUnlock()
	switch {
	case what == ForwardedAstray || s == nil || s.IsPlain():
		writeError(w, codeSession) // the first one may log it
	case what == ForwardedLeft:
		s.left()
		w.WriteHeader(http.StatusNoContent)
	case what == ForwardedRelease:
		s.release()
		w.WriteHeader(http.StatusNoContent)
	default:
		r = r.WithContext(context.WithValue(r.Context(), forwardedKey{}, true))
		srv.serveSession(w, r, q, q.Get("transport"))
	}
}

// lostPollTime is how long a poll waits for the end of an earlier one.
const lostPollTime = time.Second

// awaitLostPoll waits for the end of a poll that another server has passed on, if that
// server is gone: whoever noticed first, such as a load balancer, may have sent the poll
// again, another way. The mutex is held, but not while it waits.
func (s *Session) awaitLostPoll(r *http.Request) {
	lost := s.poll
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

// left ends a session whose client gave its poll up, as if that had come here.
func (s *Session) left() {
	s.mu.Lock()
	polls := s.conn == nil
	s.mu.Unlock()
	if polls {
		s.end(TransportClose)
	}
}

// release has the waiting poll answered.
func (s *Session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil {
		s.poll.noop = true
		s.wakePoll()
	}
}

// elsewhere reports whether another server has answered a request for a session that is
// not here.
func (srv *Server) elsewhere(w http.ResponseWriter, r *http.Request, sid string) bool {
	return srv.cfg.Elsewhere != nil && !isForwarded(r) && srv.cfg.Elsewhere(w, r, sid)
}
