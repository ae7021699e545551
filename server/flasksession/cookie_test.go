package flasksession_test

import (
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"hipflask/server/flasksession"
)

// parts are a Set-Cookie's, in order, without the value and with the day of the date alone.
func parts(header string) string {
	list := strings.Split(header, "; ")
	list[0], _, _ = strings.Cut(list[0], "=")
	for i, part := range list {
		if strings.HasPrefix(part, "Expires=") {
			list[i] = part[:len("Expires=Thu, 26 Nov 2026")]
		}
	}
	sort.Strings(list)
	return strings.Join(list, "; ")
}

func saved(t *testing.T, s *flasksession.Sessions, session *flasksession.Session) http.Header {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Save(w, session); err != nil {
		t.Fatal(err)
	}
	return w.Header()
}

// The cookie that is set has the attributes of the one that Flask sets.
func TestSetCookieIsFlasks(t *testing.T) {
	f := startFlask(t)
	for name, c := range map[string]struct {
		opts      flasksession.Options
		config    map[string]any
		permanent bool
	}{
		"defaults":  {},
		"permanent": {permanent: true},
		"lifetime": {flasksession.Options{Lifetime: 90 * time.Hour * 24},
			map[string]any{"PERMANENT_SESSION_LIFETIME": 90 * 24 * 3600}, true},
		"attributes": {flasksession.Options{Path: "/app", Domain: "example.com", SameSite: http.SameSiteStrictMode, Secure: true, Scripts: true},
			map[string]any{"SESSION_COOKIE_PATH": "/app", "SESSION_COOKIE_DOMAIN": "example.com", "SESSION_COOKIE_SAMESITE": "Strict",
				"SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_HTTPONLY": false}, false},
		"lax": {flasksession.Options{SameSite: http.SameSiteLaxMode}, map[string]any{"SESSION_COOKIE_SAMESITE": "Lax"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			want := f.ask(question{Op: "write", Key: hexKey("s3cret"), Value: `{'a': 1}`, Permanent: c.permanent, Config: c.config})
			var session flasksession.Session
			session.Set("a", 1)
			if c.permanent {
				session.SetPermanent(true)
			}
			header := saved(t, newSessions(t, c.opts), &session)
			if got := parts(header.Get("Set-Cookie")); got != parts(want.Header) {
				t.Errorf("set %s, Flask %s", got, parts(want.Header))
			}
			if got := header.Get("Vary"); got != want.Vary {
				t.Errorf("Vary %q, Flask %q", got, want.Vary)
			}
		})
	}
}

// request is one with this session's cookie.
func request(t *testing.T, s *flasksession.Sessions, session *flasksession.Session) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	cookie, err := s.Encode(session)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
	return r
}

func TestSaveSetsACookieWhereFlaskDoes(t *testing.T) {
	var plain, lasting flasksession.Session
	plain.Set("a", 1)
	lasting.Set("a", 1)
	lasting.SetPermanent(true)
	for name, c := range map[string]struct {
		opts      flasksession.Options
		had       *flasksession.Session
		then      func(*flasksession.Session)
		set, vary bool
	}{
		"not looked at":             {had: &plain, then: func(*flasksession.Session) {}},
		"looked at":                 {had: &plain, then: func(s *flasksession.Session) { s.Get("a") }, vary: true},
		"changed":                   {had: &plain, then: func(s *flasksession.Session) { s.Set("b", 1) }, set: true, vary: true},
		"permanent":                 {had: &lasting, then: func(*flasksession.Session) {}, set: true, vary: true},
		"permanent, not refreshed":  {flasksession.Options{NoRefresh: true}, &lasting, func(*flasksession.Session) {}, false, false},
		"not there, and looked for": {then: func(s *flasksession.Session) { s.Get("a") }, vary: true},
		"emptied":                   {had: &plain, then: func(s *flasksession.Session) { s.Clear() }, set: true, vary: true},
		"emptied, key by key":       {had: &plain, then: func(s *flasksession.Session) { s.Delete("a") }, set: true, vary: true},
		"empty and cleared":         {then: func(s *flasksession.Session) { s.Clear() }, vary: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessions(t, c.opts)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if c.had != nil {
				r = request(t, s, c.had)
			}
			session, ok := s.Read(r)
			if ok != (c.had != nil) {
				t.Errorf("Read reports %v", ok)
			}
			c.then(session)
			header := saved(t, s, session)
			if got := len(header["Set-Cookie"]) > 0; got != c.set {
				t.Errorf("Set-Cookie: %q", header["Set-Cookie"])
			}
			if got := header.Get("Vary") == "Cookie"; got != c.vary {
				t.Errorf("Vary: %q", header["Vary"])
			}
		})
	}
}

func TestEmptiedSessionIsDeleted(t *testing.T) {
	s := newSessions(t, flasksession.Options{Path: "/app", Domain: "example.com", Secure: true})
	var session flasksession.Session
	session.Set("a", 1)
	session.Delete("a")
	const want = "session=; Path=/app; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure"
	if got := saved(t, s, &session).Get("Set-Cookie"); got != want {
		t.Errorf("%s", got)
	}
}

func TestVaryIsAddedOnce(t *testing.T) {
	s := newSessions(t, flasksession.Options{})
	for had, want := range map[string]string{"": "Cookie", "Origin": "Origin,Cookie", "Origin, cookie": "Origin, cookie", "*": "*"} {
		w := httptest.NewRecorder()
		if had != "" {
			w.Header().Set("Vary", had)
		}
		var session flasksession.Session
		session.Set("a", 1)
		if err := s.Save(w, &session); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.Header()["Vary"], ","); got != want {
			t.Errorf("%q became %q", had, got)
		}
	}
}

func TestSessionThatBrowsersWouldDropIsAnError(t *testing.T) {
	s := newSessions(t, flasksession.Options{})
	w := httptest.NewRecorder()
	var big flasksession.Session
	for i := range 700 { // little of it can be compressed
		big.Set(strconv.Itoa(i*7919), i*i*7919)
	}
	if err := s.Save(w, &big); err == nil || !strings.Contains(err.Error(), "4096") {
		t.Errorf("%v, %d bytes", err, len(w.Header().Get("Set-Cookie")))
	}
	if len(w.Header()["Set-Cookie"]) > 0 {
		t.Error("it is set all the same")
	}
}

func TestFirstOfSeveralCookiesCounts(t *testing.T) {
	s := newSessions(t, flasksession.Options{})
	var a, b flasksession.Session
	a.Set("name", "first")
	b.Set("name", "second")
	r := request(t, s, &a)
	r.AddCookie(request(t, s, &b).Cookies()[0])
	if session, ok := s.Read(r); !ok || session.Get("name") != "first" {
		t.Errorf("%v", session.Values())
	}
}
