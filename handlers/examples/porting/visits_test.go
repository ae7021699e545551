package porting

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
)

// visit is what a browser asks for. Without a path it opens a socket with its cookies
// and asks who it is.
type visit struct {
	Browser string            `json:"browser"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Form    map[string]string `json:"form"`
	Header  map[string]string `json:"header"`
}

// visits are made one after another. want is the status, where the browser is sent, the
// answer, and what a socket that is open all the time has received.
func visits() (visits []step, want []string) {
	for _, v := range []struct {
		visit visit
		want  string
	}{
		{visit{Path: "/rooms/attic?limit=3"}, `[200,"","{\"limit\":3,\"room\":\"attic\"}",[]]`},
		{visit{Path: "/rooms/attic?limit=x"}, `[200,"","{\"limit\":10,\"room\":\"attic\"}",[]]`},
		{visit{Path: "/rooms/"}, `[404,"","there is no such page",[]]`},
		{visit{Method: "POST", Path: "/announce", Form: map[string]string{"what": "rain ☂"}}, `[202,"","announced",[["news","rain ☂"]]]`},
		{visit{Path: "/hello/<b>"}, `[200,"","\u003cp\u003eHello, \u0026lt;b\u0026gt;\u003c/p\u003e",[]]`},
		{visit{Path: "/members/list"}, `[403,"","members only",[]]`},
		{visit{Path: "/members/list", Header: map[string]string{"X-Member": "yes"}}, `[200,"","[]",[]]`},
		{visit{Path: "/profile"}, `[401,"","log in first",[]]`},
		{visit{}, `[0,"","null",[]]`},
		{visit{Method: "POST", Path: "/login", Form: map[string]string{"name": "Ada"}}, `[302,"/profile","",[]]`},
		{visit{Path: "/profile"}, `[200,"","Ada",[]]`},
		{visit{}, `[0,"","\"Ada\"",[]]`},
		{visit{Browser: "another", Path: "/profile"}, `[401,"","log in first",[]]`},
		{visit{Method: "POST", Path: "/logout"}, `[204,"","",[]]`},
		{visit{Path: "/profile"}, `[401,"","log in first",[]]`},
		{visit{}, `[0,"","null",[]]`},
		{visit{Path: "/nowhere"}, `[404,"","there is no such page",[]]`},
	} {
		if v.visit.Method == "" {
			v.visit.Method = "GET"
		}
		visits, want = append(visits, step{v.visit}), append(want, v.want)
	}
	return visits, want
}

// runVisits makes visits to the application in Go.
func runVisits(t *testing.T, visits []step) (results []string) {
	t.Helper()
	app := hipflasktest.New(t, Register, "--secret-key=for a test", "--page=false")
	s := prepared(t, app)
	open := socketiotest.Connect(t, s, secret("/"))
	open.Receive("welcome")
	server := httptest.NewServer(app.Handler)
	defer server.Close()
	browsers := make(map[string]http.CookieJar)
	for _, step := range visits {
		v := step[0].(visit)
		if browsers[v.Browser] == nil {
			browsers[v.Browser], _ = cookiejar.New(nil) // which never fails
		}
		results = append(results, runVisit(t, server.URL, s, v, browsers[v.Browser], func() string {
			open.Call("barrier")
			return received(open)
		}))
	}
	return results
}

func runVisit(t *testing.T, base string, s *socketio.Server, v visit, jar http.CookieJar, heard func() string) string {
	t.Helper()
	status, location, text := 0, "", ""
	if v.Path == "" {
		text = whoIs(t, s, base, jar)
	} else {
		form := make(url.Values)
		for name, value := range v.Form {
			form.Set(name, value)
		}
		r, err := http.NewRequestWithContext(t.Context(), v.Method, base+v.Path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if len(form) > 0 {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for name, value := range v.Header {
			r.Header.Set(name, value)
		}
		browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		status, location, text = resp.StatusCode, resp.Header.Get("Location"), bodyOf(t, resp)
	}
	result, err := json.Marshal([]any{status, location, text})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(result), "]") + "," + heard() + "]"
}

// whoIs is what a new socket with the browser's cookies is told.
func whoIs(t *testing.T, s *socketio.Server, base string, jar http.CookieJar) string {
	t.Helper()
	address, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	opts := secret("/")
	r := &http.Request{Header: make(http.Header)}
	for _, cookie := range jar.Cookies(address) {
		r.AddCookie(cookie)
	}
	opts.Header = r.Header
	c := socketiotest.Connect(t, s, opts)
	answer := join(c.Call("whoami"))
	if answer == "" { // nil alone is no argument, which JavaScript and Python take for their own nothing
		answer = "null"
	}
	return answer
}

// bodyOf is an answer's body. Where the browser is sent elsewhere, nobody reads it.
func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusFound {
		return ""
	}
	return strings.TrimSpace(string(body))
}
