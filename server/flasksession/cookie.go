package flasksession

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxKept is what browsers keep of a cookie, its name and value together; they drop a longer one
// without a word.
const maxKept = 4096

// Read returns the session of a request, and reports whether there is one. Without, and for a
// cookie that is forged, expired or of another application, it is a new one that can be filled and
// saved. Flask: SessionInterface.open_session.
func (s *Sessions) Read(r *http.Request) (*Session, bool) {
	if s == nil {
		return new(Session), false
	}
	return s.ReadAt(r, s.now())
}

// ReadAt is Read as it was at a time: for a request that is kept.
func (s *Sessions) ReadAt(r *http.Request, at time.Time) (*Session, bool) {
	if s == nil {
		return new(Session), false
	}
	cookie, err := r.Cookie(s.opts.CookieName) // the first of several, as Flask does
	if err != nil {
		return new(Session), false
	}
	session, err := s.decode(cookie.Value, at)
	if err != nil {
		return new(Session), false
	}
	return session, true
}

// ValuesAt is ReadAt for package socketio: as Options.SessionValues it makes the page's session
// what a socket's begins with.
func (s *Sessions) ValuesAt(r *http.Request, at time.Time) map[string]any {
	session, _ := s.ReadAt(r, at)
	return session.Values()
}

// Save sets the cookie, as Flask does at the end of a request: where the session has changed; for a
// permanent one always, unless NoRefresh; where it has become empty, the cookie is deleted. Where
// the session was looked at, caches are told that the answer depends on it (Vary). It has to come
// before the response's header is written, once.
//
// A value that has no form in Flask's session is an error, and so is a session that browsers would
// not keep, over 4096 bytes. Flask: SessionInterface.save_session.
func (s *Sessions) Save(w http.ResponseWriter, session *Session) error {
	if s == nil {
		return ErrNoKeys
	}
	if session.accessed {
		vary(w.Header())
	}
	lasting := session.Permanent()
	if len(session.values.keys) == 0 {
		if session.modified {
			cookie := s.cookie("")
			cookie.MaxAge, cookie.Expires = -1, time.Unix(0, 0)
			http.SetCookie(w, &cookie)
		}
		return nil
	}
	if !session.modified && (!lasting || s.opts.NoRefresh) {
		return nil
	}
	value, err := s.Encode(session)
	if err != nil {
		return err
	}
	if size := len(s.opts.CookieName) + len(value); size > maxKept {
		return fmt.Errorf("flasksession: the session's cookie has %d bytes, and browsers keep at most %d", size, maxKept)
	}
	cookie := s.cookie(value)
	if lasting {
		cookie.Expires = s.now().Add(s.opts.Lifetime)
	}
	vary(w.Header())
	http.SetCookie(w, &cookie)
	return nil
}

// vary adds Cookie to the header of that name, unless it is there.
func vary(h http.Header) {
	for _, value := range h.Values("Vary") {
		for field := range strings.SplitSeq(value, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}
