package testkit

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Get asks for a URL and returns the body, whatever the status is.
func Get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	return ReadBody(t, resp, err)
}

// Post sends an Engine.IO payload as text and fails the test unless the answer is ok.
func Post(t *testing.T, url, payload string) {
	t.Helper()
	resp, err := http.Post(url, "text/plain;charset=UTF-8", strings.NewReader(payload))
	if got := ReadBody(t, resp, err); got != "ok" {
		t.Fatalf("POST %s: %q", payload, got)
	}
}

// ReadBody reads the body of what an http.Client returned.
func ReadBody(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Headers makes the header of a request from pairs of names and values.
func Headers(pairs ...string) http.Header {
	h := make(http.Header)
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// AskAs sends a GET request with this Host and returns the answer.
func AskAs(t *testing.T, addr, host, target string, header http.Header) Answer {
	t.Helper()
	var b strings.Builder
	b.WriteString("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n")
	_ = header.Write(&b) // a strings.Builder takes everything
	return Exchange(t, addr, b.String()+"\r\n")[0]
}

// BeginRequest opens a connection and sends the beginning of a request.
func BeginRequest(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	conn, err := DialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// CheckHeader checks one header of an answer; none is the empty string.
func CheckHeader(t *testing.T, got Answer, name, want string) {
	t.Helper()
	if value := strings.Join(got.Header.Values(name), " | "); value != want {
		t.Errorf("%s is %q, want %q", name, value, want)
	}
}

// CheckNotFound checks for the answer to a path that nobody serves.
func CheckNotFound(t *testing.T, got Answer) {
	t.Helper()
	if got.Status != http.StatusNotFound || got.Body != "404 page not found" {
		t.Errorf("answered %v, want 404", got)
	}
}

// CheckForeignOrigin checks for Flask-SocketIO's answer to an origin that may not connect.
func CheckForeignOrigin(t *testing.T, got Answer) {
	t.Helper()
	if got.Status != http.StatusBadRequest || got.Body != `"Not an accepted origin."` ||
		!strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("answered %v, want 400 \"Not an accepted origin.\"", got)
	}
	for name := range got.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the refusal has the header %s", name)
		}
	}
}

// CheckForeignHost checks for the answer to a Host that the server does not go by.
func CheckForeignHost(t *testing.T, host string, got Answer) {
	t.Helper()
	if got.Status != http.StatusBadRequest || got.Body != `"Not an accepted host."` || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%q is answered %v, want 400 \"Not an accepted host.\"", host, got)
	}
}
