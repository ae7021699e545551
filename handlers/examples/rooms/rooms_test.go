package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

const key = "a key of the tests"

func serve(t *testing.T) *hipflasktest.App {
	t.Helper()
	return hipflasktest.New(t, Register, "--secret-key", key)
}

// post sends a form as a page of the application does, with this Cookie header.
func post(t *testing.T, app *hipflasktest.App, path, cookie string, form url.Values) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	app.Handler.ServeHTTP(w, r)
	return w.Result()
}

// login logs somebody in and returns the Cookie header of the browser.
func login(t *testing.T, app *hipflasktest.App, name string) string {
	t.Helper()
	resp := post(t, app, "/login", "", url.Values{"name": {name}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || len(resp.Cookies()) != 1 {
		t.Fatalf("the login of %q: %v %v", name, resp.Status, resp.Header)
	}
	cookie := resp.Cookies()[0]
	return cookie.Name + "=" + cookie.Value
}

// connect opens the chat in a tab of the browser that has this cookie.
func connect(t *testing.T, app *hipflasktest.App, cookie string) *socketiotest.Client {
	t.Helper()
	return socketiotest.Connect(t, app.SocketIO, socketiotest.Options{Header: http.Header{"Cookie": {cookie}}})
}

// asks calls an event and compares the answer.
func asks(t *testing.T, c *socketiotest.Client, event, value, want string) {
	t.Helper()
	if got := c.Call(event, value)[0].String(); got != want {
		t.Errorf("%s %.50q: acknowledged with %s, want %s", event, value, got, want)
	}
}

// hears waits for events of these forms, in this order.
func hears(t *testing.T, c *socketiotest.Client, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := c.Next().String(); got != w {
			t.Fatalf("received %s, want %s", got, w)
		}
	}
}

func TestConnectNeedsALogin(t *testing.T) {
	app := serve(t)
	good := login(t, app, "Ada")
	for name, cookie := range map[string]string{
		"none": "", "forged": strings.Replace(good, "=ey", "=eX", 1), "logged out": "session=",
	} {
		var refused *socketiotest.RefusedError
		_, err := socketiotest.Dial(t, app.SocketIO, socketiotest.Options{Header: http.Header{"Cookie": {cookie}}})
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "not logged in") {
			t.Errorf("with the cookie %s: %v", name, err)
		}
	}
	connect(t, app, good)
}

func TestPageNeedsALogin(t *testing.T) {
	app := serve(t)
	for cookie, want := range map[string]int{"": http.StatusSeeOther, login(t, app, "Ada"): http.StatusOK} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		app.Handler.ServeHTTP(w, r)
		if w.Code != want || want != http.StatusOK && w.Header().Get("Location") != "/login" {
			t.Errorf("with the cookie %q: %d %v, want %d", cookie, w.Code, w.Header(), want)
		}
	}
}

func TestLoginRefuses(t *testing.T) {
	app := serve(t)
	connect(t, app, login(t, app, "Ada"))
	long := strings.Repeat("é", maxName)
	login(t, app, long)
	for _, name := range []string{"", "  ", "a\nb", "a\u202eb", "\xff", long + "é", strings.Repeat("a", maxForm), "Ada", " Ada "} {
		resp := post(t, app, "/login", "", url.Values{"name": {name}})
		if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 0 {
			t.Errorf("%.40q: %s, cookies %v", name, resp.Status, resp.Cookies())
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("name=Eve"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if app.Handler.ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("a form of another site's page: %d", w.Code)
	}
}

// Who has two tabs in a room has left with the second.
func TestComingAndGoing(t *testing.T) {
	app := serve(t)
	ada, cookie := connect(t, app, login(t, app, "Ada")), login(t, app, "Bob")
	asks(t, ada, "join", "cats", `""`)
	hears(t, ada, `notice [{"room":"cats","text":"Ada has come."}]`, `people [{"room":"cats","people":["Ada"]}]`)

	bob, again := connect(t, app, cookie), connect(t, app, cookie)
	asks(t, bob, "join", " cats ", `""`)
	asks(t, again, "join", "cats", `""`)
	both := `people [{"room":"cats","people":["Ada","Bob"]}]`
	hears(t, ada, `notice [{"room":"cats","text":"Bob has come."}]`, both, both)
	bob.Drop()
	hears(t, ada, both)
	asks(t, again, "join", "dogs", `""`)
	hears(t, ada, `notice [{"room":"cats","text":"Bob has left."}]`, `people [{"room":"cats","people":["Ada"]}]`)

	asks(t, again, "say", "woof", `""`)
	asks(t, ada, "say", "<b>meow</b>", `""`)
	hears(t, ada, `message [{"room":"cats","name":"Ada","text":"<b>meow</b>"}]`)

	again.Received()
	post(t, app, "/logout", cookie, nil)
	again.AwaitDisconnect()
}

func TestBounds(t *testing.T) {
	app := serve(t)
	ada, bob := connect(t, app, login(t, app, "Ada")), connect(t, app, login(t, app, "Bob"))
	asks(t, bob, "say", "hi", `"Join a room first."`)
	for _, room := range []string{"", "\t", strings.Repeat("x", maxRoom+1), "a\u0000b"} {
		asks(t, bob, "join", room, `"A room's name has 1 to 40 characters."`)
	}
	asks(t, ada, "join", "cats", `""`)
	ada.Received()
	asks(t, bob, "join", ada.ID(), `""`) // a chat room of that name: not Ada's own
	for _, text := range []string{"", " ", strings.Repeat("x", maxText+1)} {
		asks(t, bob, "say", text, `"A message has 1 to 2000 characters."`)
	}
	asks(t, bob, "say", "psst", `""`)
	asks(t, ada, "say", "alone", `""`)
	hears(t, ada, `message [{"room":"cats","name":"Ada","text":"alone"}]`)
}

// Flask reads who has logged in here, with the same key.
func TestFlaskReadsTheSession(t *testing.T) {
	testkit.NeedModules(t, "flask")
	const program = `
import sys
from flask import Flask, session
app = Flask(__name__)
app.secret_key = sys.argv[1]
@app.route('/')
def who():
    return dict(session)
print(app.test_client(use_cookies=False).get('/', headers={'Cookie': sys.argv[2]}).json)
`
	cmd := exec.Command(testkit.Python, "-c", program, key, login(t, serve(t), "Zoë <b>"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if want := "{'name': 'Zoë <b>'}\n"; err != nil || string(out) != want {
		t.Errorf("Flask has %q, want %q; %v\n%s", out, want, err, &stderr)
	}
}
