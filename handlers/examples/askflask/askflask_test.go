package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
)

// knowsAnn is a Flask application that knows Ann by a cookie and by a token.
func knowsAnn(w http.ResponseWriter, r *http.Request) {
	cookie, _ := r.Cookie("session")
	switch {
	case r.URL.Path != "/whoami":
		http.NotFound(w, r)
	case r.Header.Get("Authorization") == "Bearer a.b.c" && cookie == nil, r.Header.Get("Authorization") == "" && cookie != nil && cookie.Value == "ann's":
		_, _ = w.Write([]byte(`{"name": "Ann"}`))
	default:
		http.Error(w, "who?", http.StatusUnauthorized)
	}
}

// behind is the application before a Flask process.
func behind(t *testing.T, flask http.HandlerFunc) *hipflasktest.App {
	t.Helper()
	backend := httptest.NewServer(flask)
	t.Cleanup(backend.Close)
	return hipflasktest.New(t, Register, "--backend", backend.URL)
}

func TestFlaskIsAskedWhoAClientIs(t *testing.T) {
	app := behind(t, knowsAnn)
	ann := http.Header{"Cookie": {"other=1; session=ann's"}}
	token := func(token string) any { return map[string]string{"token": token} }
	for name, c := range map[string]struct {
		header http.Header
		auth   any
		want   string
	}{
		"cookie":                  {ann, nil, ""},
		"token":                   {nil, token("a.b.c"), ""},
		"token beside a cookie":   {ann, token("a.b.c"), ""},
		"nothing":                 {nil, nil, "log in first"},
		"another's cookie":        {http.Header{"Cookie": {"session=bob's"}}, nil, "log in first"},
		"forged token":            {ann, token("a.b.x"), "log in first"},
		"a token of two headers":  {nil, token("a.b.c\r\nCookie: session=ann's"), "log in first"},
		"a token of many letters": {nil, token(strings.Repeat("a", maxTokenBytes+1)), "log in first"},
	} {
		client, err := socketiotest.Dial(t, app.SocketIO, socketiotest.Options{Header: c.header, Auth: c.auth})
		var refused *socketiotest.RefusedError
		switch {
		case c.want != "":
			if !errors.As(err, &refused) || refused.Message != c.want {
				t.Errorf("%s: %v, want a refusal with %q", name, err, c.want)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			if got := client.Receive("you").String(); got != `you ["Ann"]` {
				t.Errorf("%s: received %s", name, got)
			}
		}
	}
}

func TestMessagesCarryTheNameThatFlaskSays(t *testing.T) {
	app := behind(t, knowsAnn)
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{Auth: map[string]string{"token": "a.b.c"}})
	c.Emit("message", " ")
	c.Emit("message", strings.Repeat("x", maxText+1))
	c.Emit("message", " hello ")
	if got := c.Receive("message").String(); got != `message [{"from":"Ann","text":"hello"}]` {
		t.Errorf("received %s", got)
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return
		}
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "99")
	_, _ = w.Write([]byte(`{"name": "Ann"}`))
}

// A Flask process in trouble is not taken for one that says no, and gives nobody a name.
func TestFlaskInTrouble(t *testing.T) {
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, flask := range map[string]http.HandlerFunc{
		"an error":         func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"name": "Ann"}`, 500) },
		"garbage":          text("<h1>Hello</h1>"),
		"no name":          text(`{"user": "Ann"}`),
		"another type":     text(`{"name": {}}`),
		"too long":         text(`{"name": "` + strings.Repeat("x", maxAnswer) + `"}`),
		"cut off":          cutOff,
		"without an end":   endless,
		"without answer":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a header of 1 MB": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(flask)
			defer server.Close()
			f, err := newFlask(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			if name == "without answer" {
				f.client.Timeout = 100 * time.Millisecond
			}
			who, err := f.whoIs(t.Context(), httptest.NewRequest("GET", "/", nil), "")
			if err == nil || errors.Is(err, errNobody) || who != "" {
				t.Errorf("answered %q, %v", who, err)
			}
		})
	}
}

func TestRedirectToTheLoginPageIsNobody(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/login", http.StatusFound))
	defer server.Close()
	f, err := newFlask(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.whoIs(t.Context(), httptest.NewRequest("GET", "/", nil), ""); !errors.Is(err, errNobody) {
		t.Errorf("got %v", err)
	}
}

func TestFlasksAddress(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:8000", "unix:/run/flask", "http://", "http://a b"} {
		if _, err := newFlask(address); err == nil || !strings.Contains(err.Error(), "--backend") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if f, err := newFlask("https://flask.example/app/"); err != nil || f.whoami != "https://flask.example/app/whoami" {
		t.Errorf("%+v, %v", f, err)
	}
}
