package engineio

import (
	"context"
	"net/http"
)

// Forwarded is which server of a cluster has passed a request on, after it has admitted the client,
// and what that server asks for.
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

// ServeForwarded serves a request that another server has passed on, with r.RemoteAddr the client's
// address. Origin, host and limits of addresses were checked there, and are not here; nor is the
// request passed on again.
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

// left ends a session whose client gave its poll up, as if that had come here: one that waits, or
// one that was answered in vain.
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
