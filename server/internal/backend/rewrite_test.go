package backend_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/backend"
)

func TestPathIsPassedOnAsItWasSent(t *testing.T) {
	f := newFront(t, rawBackend(t, echoHead), nil)
	for sent, want := range map[string]string{
		"/":                           "/",
		"/a/../b/./c//d/":             "/a/../b/./c//d/",
		"/a%2Fb%2f..%2e?x=%2F&y":      "/a%2Fb%2f..%2e?x=%2F&y",
		"/caf\xc3\xa9/\"<>|{}^`'":     "/caf\xc3\xa9/\"<>|{}^`'",
		"/a;b=1?c;d=%zz&e=%":          "/a;b=1?c;d=%zz&e=%",
		"/?":                          "/?",
		"/a??b#c":                     "/a??b#c",
		"//evil.example/a":            "//evil.example/a",
		"///a//b":                     "///a//b",
		"/http://evil.example/":       "/http://evil.example/",
		"/@evil.example":              "/@evil.example",
		"http://evil.example/a%2Fb?c": "/a%2Fb?c",
		"http://evil.example":         "/",
		"http://evil.example//a/b":    "//a/b",
	} {
		resp, head := f.get(t, sent)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", sent, resp.Status)
			continue
		}
		line, _, _ := strings.Cut(head, "\r\n")
		if line != "GET "+want+" HTTP/1.1" {
			t.Errorf("%s arrives as %q", sent, line)
		}
	}
}

func TestWhatHasNoPathIsRefused(t *testing.T) {
	f := newFront(t, rawBackend(t, echoHead), nil)
	for _, line := range []string{"CONNECT evil.example:80 HTTP/1.1", "GET * HTTP/1.1"} {
		resp, _ := f.ask(t, line+"\r\nHost: example.com\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", line, resp.Status)
		}
	}
	if n := f.backend.Stats().Requests; n != 0 {
		t.Errorf("%d requests were passed on", n)
	}
}

// lies is what anybody could write to be taken for somebody else.
const lies = "Host: shop.example\r\n" +
	"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n" +
	"X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Protocol: ssl\r\nX-Forwarded-Server: e\r\n" +
	"Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n" +
	"X_Forwarded_For: 8.8.8.8\r\nX-Forwarded_Proto: ssl\r\nX_Real_Ip: 8.8.8.8\r\nSCRIPT_NAME: /evil\r\n" +
	"Cookie: session=a; b=c\r\nUser-Agent: test\r\nAccept-Encoding: br\r\nX-Own: 1\r\n"

func TestForwardedHeaders(t *testing.T) {
	plain := http.Header{
		"Cookie": {"session=a; b=c"}, "User-Agent": {"test"}, "Accept-Encoding": {"br"}, "X-Own": {"1"},
		"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"shop.example"},
	}
	believed := plain.Clone()
	believed["X-Forwarded-For"] = []string{"6.6.6.6, 7.7.7.7, 127.0.0.1"}
	believed["X-Forwarded-Proto"] = []string{"https"}
	believed["X-Forwarded-Host"] = []string{"evil.example"}
	for name, c := range map[string]struct {
		trusted bool
		want    http.Header
	}{"of anybody": {false, plain}, "of a trusted proxy": {true, believed}} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, rawBackend(t, echoHead), func(o *backend.Options) {
				o.Trusted = func(*http.Request) bool { return c.trusted }
			})
			// A name in Connection must not take one of ours away.
			_, head := f.ask(t, "GET / HTTP/1.1\r\n"+lies+"Connection: close, X-Forwarded-For, X-Forwarded-Proto, Hipflask-Loop\r\n\r\n")
			r := received(t, head)
			if r.Host != "shop.example" {
				t.Errorf("Host became %q", r.Host)
			}
			r.Header.Del("Hipflask-Loop")
			for name := range r.Header {
				if !slices.Equal(r.Header[name], c.want[name]) {
					t.Errorf("%s: %q, want %q", name, r.Header[name], c.want[name])
				}
			}
			for name := range c.want {
				if _, ok := r.Header[name]; !ok {
					t.Errorf("%s is missing", name)
				}
			}
		})
	}
}

func TestOnlyWebSocketsAreUpgraded(t *testing.T) {
	f := newFront(t, rawBackend(t, echoHead), nil)
	for wish, want := range map[string]string{"h2c": "", "WebSocket": "WebSocket", "h2c, websocket": ""} {
		_, head := f.ask(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: "+wish+"\r\n\r\n")
		if got := received(t, head).Header.Get("Upgrade"); got != want {
			t.Errorf("%q arrives as %q", wish, got)
		}
	}
}

func TestUnnamedProxyIsLoggedOnce(t *testing.T) {
	f := newFront(t, rawBackend(t, echoHead), nil)
	for range 3 {
		f.ask(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n\r\n")
	}
	lines := f.log.lines()
	if len(lines) != 1 || !strings.Contains(lines[0], `cause="unnamed proxy"`) || !strings.Contains(lines[0], "127.0.0.1") {
		t.Errorf("the log: %q", lines)
	}
}

func TestNamedProxyIsNotLogged(t *testing.T) {
	f := newFront(t, rawBackend(t, echoHead), func(o *backend.Options) {
		o.Trusted = func(*http.Request) bool { return true }
	})
	f.ask(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n\r\n")
	if lines := f.log.lines(); lines[0] != "" {
		t.Errorf("the log: %q", lines)
	}
}
