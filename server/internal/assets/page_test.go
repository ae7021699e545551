package assets

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func newPage(t *testing.T, socketPath string) http.Handler {
	t.Helper()
	page, err := Page(socketPath)
	if err != nil {
		t.Fatalf("Page(%q): %v", socketPath, err)
	}
	return page
}

func TestPageServesItsFiles(t *testing.T) {
	page := newPage(t, "/socket.io")
	types := map[string]string{
		"/":            "text/html; charset=utf-8",
		"/app.js":      "application/javascript; charset=utf-8",
		"/messages.js": "application/javascript; charset=utf-8",
		"/style.css":   "text/css; charset=utf-8",
		"/favicon.svg": "image/svg+xml; charset=utf-8",
	}
	if len(types) != len(Paths()) {
		t.Errorf("Paths() = %q, want the %d paths of this test", Paths(), len(types))
	}
	for _, path := range Paths() {
		got := request(page, "GET", path, nil)
		wantStatus(t, got, http.StatusOK)
		wantHeaders(t, got, map[string]string{
			"Content-Type":           types[path],
			"Cache-Control":          "no-cache",
			"Referrer-Policy":        "no-referrer",
			"X-Content-Type-Options": "nosniff",
			"X-Frame-Options":        "DENY",
			"Permissions-Policy":     "camera=(), microphone=(), geolocation=(), payment=(), usb=()",

			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Vary":                         "Accept-Encoding",
			"Content-Encoding":             "",
		})
		if got.body.Len() == 0 {
			t.Errorf("GET %s: empty body", path)
		}
		wantHeadLikeGet(t, page, path)
	}
}

func TestPagePolicyNamesOnlyItsOwnOrigin(t *testing.T) {
	got := request(newPage(t, "/socket.io"), "GET", "/", nil)
	policy := got.header.Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
		"img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		"require-trusted-types-for 'script'", "trusted-types 'none'",
	} {
		if !strings.Contains("; "+policy+";", "; "+want+";") {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("policy %q is laxer than the page needs", policy)
	}
}

// The policy would block inline code and foreign addresses; the page must not hold any in the first
// place.
func TestPageHoldsNothingThatThePolicyBlocks(t *testing.T) {
	page := newPage(t, "/socket.io")
	index := request(page, "GET", "/", nil).body.String()
	for what, pattern := range map[string]string{
		"an inline script":  `<script>|<script [^>]*>[^<]`,
		"an inline style":   `<style|\sstyle=`,
		"an event handler":  `\son[a-z]+=`,
		"an empty template": `\{\{|<no value>`,
	} {
		if found := regexp.MustCompile(pattern).FindString(index); found != "" {
			t.Errorf("the page holds %s: %q", what, found)
		}
	}
	foreign := regexp.MustCompile(`(?:https?:|wss?:)//[^\s"')]+|(?:src|href)="//[^"]*`)
	for _, path := range Paths() {
		for _, found := range foreign.FindAllString(request(page, "GET", path, nil).body.String(), -1) {
			if found != "http://www.w3.org/2000/svg" { // a namespace, never fetched
				t.Errorf("%s names the foreign address %s", path, found)
			}
		}
	}
	for _, path := range []string{"/app.js", "/messages.js"} {
		script := request(page, "GET", path, nil).body.String()
		if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`).FindString(script); found != "" {
			t.Errorf("%s uses %s; messages must stay text", path, found)
		}
	}
}

func TestPageCarriesTheSocketPath(t *testing.T) {
	for socketPath, want := range map[string]string{
		"/socket.io":     "/socket.io",
		"/socket.io/":    "/socket.io",
		"/a/b-c_d~e.f":   "/a/b-c_d~e.f",
		`/a"b`:           "/a%22b",
		"/a'b<c>&d":      "/a%27b%3Cc%3E&d",
		"/50% of?it#all": "/50%25%20of%3Fit%23all",
		"/größe":         "/gr%C3%B6%C3%9Fe",
		`/\evil`:         "/%5Cevil",
		"/a\nb":          "/a%0Ab",
		"/{{.}}":         "/%7B%7B.%7D%7D",
	} {
		index := request(newPage(t, socketPath), "GET", "/", nil).body.String()
		for pattern, want := range map[string]string{
			`<html lang="en" data-socket-path="([^"]*)">`: want,
			`<link rel="modulepreload" href="([^"]*)">`:   want + "/socket.io.esm.min.js",
		} {
			found := regexp.MustCompile(pattern).FindStringSubmatch(index)
			if found == nil || html.UnescapeString(found[1]) != want {
				t.Errorf("Page(%q): %s gives %q, want %q", socketPath, pattern, found, want)
			}
		}
	}
}

func TestPageRefusesASocketPath(t *testing.T) {
	for _, socketPath := range []string{
		"", "/", "//", "socket.io", "//evil.example/x", "/a//b", "/a/../b", "/.", "/..", "/a/.", "/a//", "/app.js", "/style.css/",
	} {
		if _, err := Page(socketPath); err == nil {
			t.Errorf("Page(%q) took it, want an error", socketPath)
		}
	}
}

func TestPageUnknownPath(t *testing.T) {
	page := newPage(t, "/socket.io")
	for _, path := range []string{"/index.html", "/app.js/", "/static.go", "/client/VERSION", "/client/socket.io.js", "/favicon.ico", "//", "/x"} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			wantStatus(t, request(page, method, path, nil), http.StatusNotFound)
		}
	}
}

func TestPageOtherMethods(t *testing.T) {
	page := newPage(t, "/socket.io")
	for _, path := range Paths() {
		wantMethodsRefused(t, page, path)
	}
}
