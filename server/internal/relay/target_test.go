package relay_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"hipflask/server/internal/backend"
	"hipflask/server/internal/relay"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8000": "http://127.0.0.1:8000", "http://flask:8000/": "http://flask:8000", "https://flask": "https://flask:443",
		"http://[::1]": "http://[::1]:80", "unix:/run/app.sock": "unix:/run/app.sock", "unix:///run/app.sock": "unix:/run/app.sock",
	} {
		got, err := relay.Parse(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "must be http://", "flask:8000": "must be", "127.0.0.1:8000": "must be", "ftp://a": "must be", "http://": "must be",
		"http://:8000": "must be", "http://a:": "must be", "http://a:0": "port", "http://a:70000": "port", "http://a:x": "must be",
		"http://a/app": "behind the host", "http://a?b": "behind the host", "http://a#b": "behind the host", "http://a/?": "behind the host",
		"http://me:secret@a": "password", "unix:": "path", "unix:app.sock": "path", "unix:/a\x00b": "path", "http:a": "must be", "http://a\n": "must be",
	} {
		_, err := relay.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestOwnAddressIsRefused(t *testing.T) {
	tcp := func(text string) net.Addr {
		a, err := net.ResolveTCPAddr("tcp", text)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, c := range []struct {
		target string
		own    net.Addr
		is     bool
	}{
		{"http://127.0.0.1:5000", tcp("127.0.0.1:5000"), true},
		{"https://localhost:5000", tcp("127.0.0.1:5000"), true},
		{"http://127.0.0.1:5000", tcp("0.0.0.0:5000"), true},
		{"http://127.0.0.1:5000", tcp("[::]:5000"), true},
		{"http://[::1]:5000", tcp("[::]:5000"), true},
		{"http://[::ffff:127.0.0.1]:5000", tcp("127.0.0.1:5000"), true},
		{"http://0.0.0.0:5000", tcp("127.0.0.1:5000"), true},
		{"http://[::1]:5000", tcp("0.0.0.0:5000"), false},
		{"http://127.0.0.1:8000", tcp("0.0.0.0:5000"), false},
		{"http://192.0.2.1:5000", tcp("0.0.0.0:5000"), false},
		{"http://127.0.0.2:5000", tcp("127.0.0.1:5000"), false},
		{"unix:/run/a.sock", &net.UnixAddr{Net: "unix", Name: "/run/a.sock"}, true},
		{"unix:/run/b.sock", &net.UnixAddr{Net: "unix", Name: "/run/a.sock"}, false},
		{"http://127.0.0.1:5000", &net.UnixAddr{Net: "unix", Name: "/run/a.sock"}, false},
		{"unix:/run/a.sock", tcp("127.0.0.1:5000"), false},
	} {
		to, err := relay.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := to.Is(context.Background(), c.own); got != c.is {
			t.Errorf("%s at %s: %v", c.target, c.own, got)
		}
		b, err := backend.New(backend.Options{Target: to})
		if err != nil {
			t.Fatal(err)
		}
		err = b.CheckLoop(t.Context(), c.own)
		if (err != nil) != c.is {
			t.Errorf("%s at %s: %v", c.target, c.own, err)
		}
		if err != nil && !errors.Is(err, backend.ErrLoop) {
			t.Errorf("%s: %v", c.target, err)
		}
	}
}
