// Package flasksession reads and writes Flask's session: the signed cookie in which a Flask
// application keeps what it knows of a browser. A Go program and a Flask one that have the same
// secret key share it, so who logs in on either is known to both.
//
//	sessions, err := flasksession.New(flasksession.Options{Keys: [][]byte{[]byte(secretKey)}})
//
//	func profile(w http.ResponseWriter, r *http.Request) {
//		s, _ := sessions.Read(r)
//		user, ok := s.Get("_user_id").(string) // flask-login's user
//		if !ok {
//			http.Redirect(w, r, "/login", http.StatusSeeOther)
//			return
//		}
//		s.Set("seen", time.Now())
//		if err := sessions.Save(w, s); err != nil {
//			http.Error(w, "session not saved", http.StatusInternalServerError)
//			return
//		}
//		fmt.Fprintf(w, "Hello, %s\n", user)
//	}
//
// The cookie is that of Flask's SecureCookieSessionInterface: itsdangerous' URLSafeTimedSerializer
// (HMAC-SHA1, salt "cookie-session") over tagged JSON. It is signed and not encrypted: whoever has
// the browser can read it, and nobody without a key can change it. Server-side sessions, such as
// Flask-Session's, have another cookie. There is no Go library that is looked after, reads these
// values and writes them.
//
// # Values
//
//	Python      Go, as it is read
//	None        nil
//	bool        bool
//	int         int64, or *big.Int where it does not fit
//	float       float64, also NaN and the infinities
//	str         string
//	list        []any
//	dict        map[string]any
//	tuple       [Tuple]
//	bytes       []byte
//	Markup      [Markup], which is html/template's HTML
//	UUID        [UUID]
//	datetime    [time.Time] in UTC, in whole seconds
//
// Beside these, all of Go's integers and floats, maps with text for keys, slices, arrays, pointers
// and types made of them can be written; structs cannot. A key order that Flask wrote is kept for
// whatever is not set anew. Half of a surrogate pair, which Go's text cannot hold, becomes U+FFFD.
package flasksession

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// What holds where Options name nothing: Flask's defaults.
const (
	DefaultCookieName = "session"
	DefaultLifetime   = 31 * 24 * time.Hour
)

// Options says how sessions are kept. Beside Keys, zero fields are Flask's defaults; each has to be
// what the Flask application has.
type Options struct {
	// Keys are secrets: the first signs, and all verify, so that a key can be replaced.
	// Flask: SECRET_KEY, then SECRET_KEY_FALLBACKS. A key of no length is an error.
	Keys [][]byte
	// CookieName is the cookie's name, "session" by default. Flask: SESSION_COOKIE_NAME.
	CookieName string
	// Lifetime is how old a cookie may be, 31 days by default, in whole seconds, and how long
	// browsers keep that of a permanent session. Flask: PERMANENT_SESSION_LIFETIME.
	Lifetime time.Duration

	// Of the cookie that Save sets. Path is "/" by default; without a Domain the cookie is the
	// host's own; without a SameSite browsers take it as Lax.
	// Flask: SESSION_COOKIE_PATH, _DOMAIN, _SAMESITE, _SECURE; Scripts is the opposite of
	// _HTTPONLY: pages' scripts may read the cookie.
	Path     string
	Domain   string
	SameSite http.SameSite
	Secure   bool
	Scripts  bool
	// NoRefresh has Save leave the cookie of a permanent session as it is where nothing has
	// changed, so that its lifetime counts from the last change. Flask:
	// SESSION_REFRESH_EACH_REQUEST=False.
	NoRefresh bool
}

// Sessions reads and writes sessions. It may be used from any goroutine. A nil *Sessions finds no
// session and saves none. Flask: app.session_interface.
type Sessions struct {
	opts   Options
	signer signer
	now    func() time.Time
}

// ErrNoKeys is what a nil *Sessions says.
var ErrNoKeys = errors.New("flasksession: there is no secret key to sign with")

// New checks the options.
func New(opts Options) (*Sessions, error) {
	if len(opts.Keys) == 0 {
		return nil, errors.New("flasksession: no key: Options.Keys is empty")
	}
	for i, key := range opts.Keys {
		if len(key) == 0 {
			return nil, fmt.Errorf("flasksession: key %d of %d has no length", i+1, len(opts.Keys))
		}
	}
	if opts.Lifetime < 0 {
		return nil, fmt.Errorf("flasksession: negative lifetime %v", opts.Lifetime)
	}
	opts.CookieName = cmp.Or(opts.CookieName, DefaultCookieName)
	opts.Lifetime = cmp.Or(opts.Lifetime, DefaultLifetime)
	opts.Path = cmp.Or(opts.Path, "/")
	s := &Sessions{opts: opts, signer: newSigner(opts.Keys), now: time.Now}
	s.opts.Keys = nil
	cookie := s.cookie("")
	if err := cookie.Valid(); err != nil {
		return nil, fmt.Errorf("flasksession: cookie's name, path or domain: %w", err)
	}
	return s, nil
}

// Decode reads a cookie's value. The error is ErrForged, ErrExpired, ErrFuture, ErrMalformed or
// ErrNoKeys.
func (s *Sessions) Decode(cookie string) (*Session, error) {
	if s == nil {
		return nil, ErrNoKeys
	}
	return s.decode(cookie, s.now())
}

func (s *Sessions) decode(cookie string, at time.Time) (*Session, error) {
	payload, signed, err := s.signer.verify(cookie)
	if err != nil {
		return nil, err
	}
	switch age := at.Unix() - signed; {
	case age > int64(s.opts.Lifetime/time.Second):
		return nil, ErrExpired
	case age < 0: // as itsdangerous does
		return nil, ErrFuture
	}
	text, err := unpack(payload)
	if err != nil {
		return nil, ErrMalformed
	}
	values, err := decodeTagged(text)
	if err != nil {
		return nil, ErrMalformed
	}
	return &Session{values: *values}, nil
}

// Encode makes a cookie's value of a session, signed now. A value that Flask's JSON has no form for
// is an error that names its key.
func (s *Sessions) Encode(session *Session) (string, error) {
	if s == nil {
		return "", ErrNoKeys
	}
	text, err := encodeTagged(&session.values)
	if err != nil {
		return "", err
	}
	cookie := s.signer.sign(pack(text), s.now())
	if len(text) > maxText || len(cookie) > maxCookie {
		return "", fmt.Errorf("flasksession: the session has %d bytes, %d in its cookie; at most %d and %d can be read again",
			len(text), len(cookie), maxText, maxCookie)
	}
	return cookie, nil
}

func (s *Sessions) cookie(value string) http.Cookie {
	return http.Cookie{
		Name:     s.opts.CookieName,
		Value:    value,
		Path:     s.opts.Path,
		Domain:   s.opts.Domain,
		SameSite: s.opts.SameSite,
		Secure:   s.opts.Secure,
		HttpOnly: !s.opts.Scripts,
	}
}
