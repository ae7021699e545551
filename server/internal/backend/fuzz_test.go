package backend

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/relay"
)

// What arrives at the backend is one request, for the path that was asked for, of a sender that
// could not choose what is said of it.
func FuzzRewrite(f *testing.F) {
	f.Add("/a%2Fb/../c?x=1", "X-Forwarded-For", "6.6.6.6", false)
	f.Add("//evil.example/a", "X_Forwarded_Proto", "https", false)
	f.Add("http://evil.example/a?b#c", "Connection", "X-Forwarded-For", true)
	f.Add("/\xff\"<>", "Forwarded", "for=1", false)
	f.Add("/a;b?c;%zz", "Upgrade", "h2c", false)
	target, err := relay.Parse("http://127.0.0.1:8000")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, uri, name, value string, trusted bool) {
		b, err := New(Options{Target: target, Trusted: func(*http.Request) bool { return trusted }})
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: shop.example\r\n%s: %s\r\n\r\n", uri, name, value)
		in, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil || !passable(in) || in.Body != http.NoBody {
			return
		}
		if strings.HasPrefix(in.RequestURI, "/") && in.Host != "shop.example" {
			return // a header that goes on in the next line; net/http's server refuses such a Host
		}
		in.RemoteAddr = "192.0.2.1:1234"
		sent := through(t, b, in)
		got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		if err != nil {
			t.Fatalf("%v in %q", err, sent)
		}
		if rest, _ := io.ReadAll(got.Body); len(rest) > 0 || bytes.Count(sent, []byte("\r\n\r\n")) != 1 {
			t.Errorf("more than one request: %q", sent)
		}
		if strings.HasPrefix(in.RequestURI, "/") && !strings.HasPrefix(in.RequestURI, "//") && got.RequestURI != in.RequestURI {
			t.Errorf("%q arrives as %q", in.RequestURI, got.RequestURI)
		}
		if !strings.HasPrefix(got.RequestURI, "/") {
			t.Errorf("%q", got.RequestURI)
		}
		if strings.HasPrefix(in.RequestURI, "/") && got.Host != in.Host { // that of an absolute form may be no host
			t.Errorf("for %q instead of %q", got.Host, in.Host)
		}
		hops := got.Header.Values(forwardedFor)
		if len(hops) != 1 || !strings.HasSuffix(hops[0], "192.0.2.1") || !trusted && hops[0] != "192.0.2.1" {
			t.Errorf("%s: %q", forwardedFor, hops)
		}
		if !trusted && (got.Header.Get(forwardedProto) != "http" || got.Header.Get(forwardedHost) != strings.TrimSpace(in.Host)) {
			t.Errorf("believed: %v", got.Header)
		}
		for name := range got.Header {
			if strings.Contains(name, "_") || name == "Forwarded" {
				t.Errorf("%s is passed on", name)
			}
		}
	})
}

// through is what a request becomes on the wire to the backend.
func through(t *testing.T, b *Backend, in *http.Request) []byte {
	t.Helper()
	var sent bytes.Buffer
	passes := relay.New(relay.Options{Rewrite: b.rewrite, Logger: b.log, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme != "http" || r.URL.Host != "127.0.0.1:8000" {
			t.Errorf("sent to %s", r.URL)
		}
		if err := r.Write(&sent); err != nil {
			t.Fatal(err)
		}
		return &http.Response{StatusCode: http.StatusOK, Header: make(http.Header), Body: http.NoBody, Request: r}, nil
	})})
	passes.Serve(discard{make(http.Header)}, in, b.failed)
	return sent.Bytes()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
