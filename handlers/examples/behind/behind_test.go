package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

const key = "a key of the tests"

// newFlask is one that has not been started.
func newFlask(t *testing.T) *flask {
	t.Helper()
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	addr, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return &flask{python: testkit.Python, folder: ".", addr: addr, key: key}
}

// The session that Flask's form has written is what the sockets here know, and Flask has
// ended when the server has.
func TestGuestBook(t *testing.T) {
	testkit.NeedModules(t, "flask")
	f := newFlask(t)
	app := hipflasktest.New(t, func(app *hipflask.App) error {
		if err := f.start(app.Stdout); err != nil {
			return err
		}
		app.OnShutdown(f.end)
		return Register(app)
	}, "--backend", "http://"+f.addr, "--secret-key", key)

	guest := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	if got, want := guest.Receive("readers").String(), `readers [["a guest"]]`; got != want {
		t.Errorf("received %s, want %s", got, want)
	}
	guest.Emit("signed") // without a session nobody is told

	form := url.Values{"name": {" Zoë <b> "}, "text": {"hello"}}
	r := httptest.NewRequest(http.MethodPost, "/sign", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	app.Handler.ServeHTTP(w, r)
	resp := w.Result()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || len(resp.Cookies()) != 1 {
		t.Fatalf("signing: %s %v", resp.Status, resp.Header)
	}
	cookie := http.Header{"Cookie": {"session=" + resp.Cookies()[0].Value}}
	zoe := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{Header: cookie})
	if got, want := zoe.Receive("readers").String(), `readers [["Zoë <b>","a guest"]]`; got != want {
		t.Errorf("received %s, want %s", got, want)
	}
	zoe.Emit("signed")
	if got, want := guest.Receive("signed").String(), `signed ["Zoë <b>"]`; got != want {
		t.Errorf("received %s, want %s", got, want)
	}

	app.End()
	<-f.done
	if conn, err := net.Dial("tcp", f.addr); err == nil {
		_ = conn.Close()
		t.Error("Flask still listens")
	}
}

// A Python that is none, or has no app.py to run, is an error that names the setting.
func TestFlaskThatDoesNotStart(t *testing.T) {
	none, elsewhere := newFlask(t), newFlask(t)
	none.python = "no-python-here"
	elsewhere.folder = t.TempDir()
	for name, f := range map[string]*flask{"no Python": none, "no app.py": elsewhere} {
		if err := f.start(t.Output()); err == nil || !strings.Contains(err.Error(), "PYTHON") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
