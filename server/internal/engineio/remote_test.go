package engineio

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func trusting(unix bool, networks ...string) *Proxies {
	p := &Proxies{UnixSocket: unix}
	for _, n := range networks {
		p.Networks = append(p.Networks, netip.MustParsePrefix(n))
	}
	return p
}

// The client's address is the last one in X-Forwarded-For that is no trusted proxy's, and only if
// it is a trusted proxy that says so.
func TestLocate(t *testing.T) {
	one := trusting(false, "127.0.0.1/32", "::1/128")
	two := trusting(false, "127.0.0.1/32", "10.0.0.0/8", "fd00::/8")
	for _, c := range []struct {
		name      string
		proxies   *Proxies
		peer      string
		forwarded []string
		want      string
	}{
		{"nobody is trusted", &Proxies{}, "127.0.0.1:1", []string{"203.0.113.7"}, "127.0.0.1:1"},
		{"a proxy", one, "127.0.0.1:1", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a proxy by IPv6", one, "[::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		{"a proxy by mapped IPv4", one, "[::ffff:127.0.0.1]:1", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a proxy that says nothing", one, "127.0.0.1:1", nil, "127.0.0.1:1"},
		{"a proxy that says nonsense", one, "127.0.0.1:1", []string{"unknown"}, "127.0.0.1:1"},
		{"a proxy that says a name", one, "127.0.0.1:1", []string{"client.example"}, "127.0.0.1:1"},
		{"somebody else", one, "203.0.113.9:1", []string{"203.0.113.7"}, "203.0.113.9:1"},
		{"a neighbour of the proxy", one, "127.0.0.2:1", []string{"203.0.113.7"}, "127.0.0.2:1"},
		{"a client that forges before its proxy", one, "127.0.0.1:1", []string{"10.1.1.1, 203.0.113.7"}, "203.0.113.7"},
		{"a client that forges a proxy's address", one, "127.0.0.1:1", []string{"198.51.100.1, 127.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		{"a client that forges a header of its own", one, "127.0.0.1:1", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		{"a client that forges nonsense", one, "127.0.0.1:1", []string{"<script>, , 203.0.113.7"}, "203.0.113.7"},
		{"two proxies", two, "127.0.0.1:1", []string{"198.51.100.1, 203.0.113.7, 10.2.3.4"}, "203.0.113.7"},
		{"two proxies, two headers", two, "127.0.0.1:1", []string{"203.0.113.7", "10.2.3.4"}, "203.0.113.7"},
		{"nonsense behind two proxies", two, "127.0.0.1:1", []string{"nonsense, 10.2.3.4"}, "10.2.3.4"},
		{"proxies alone", two, "127.0.0.1:1", []string{"10.9.9.9, 10.2.3.4"}, "10.9.9.9"},
		{"a port", one, "127.0.0.1:1", []string{"203.0.113.7:4711"}, "203.0.113.7:4711"},
		{"IPv6 with a port", one, "127.0.0.1:1", []string{"[2001:db8::7]:4711"}, "[2001:db8::7]:4711"},
		{"IPv6 in brackets", one, "127.0.0.1:1", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"mapped IPv4", one, "127.0.0.1:1", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"an empty list", one, "127.0.0.1:1", []string{""}, "127.0.0.1:1"},
		{"the Unix socket", trusting(true), "@", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a Unix socket that is not trusted", one, "@", []string{"203.0.113.7"}, "@"},
		{"a trusted Unix socket, and somebody by TCP", trusting(true), "203.0.113.9:1", []string{"203.0.113.7"}, "203.0.113.9:1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header[forwardedFor] = c.forwarded
		c.proxies.locate(r)
		if r.RemoteAddr != c.want {
			t.Errorf("%s: %q by %q is %q, want %q", c.name, strings.Join(c.forwarded, " | "), c.peer, r.RemoteAddr, c.want)
		}
	}
}

// Once proxies are named, nobody else's headers reach a handler or the check of origins. Without a
// list they do, see origin.Policy.
func TestLocateRemovesForgedHeaders(t *testing.T) {
	for _, c := range []struct {
		proxies *Proxies
		kept    bool
	}{{&Proxies{}, true}, {trusting(false, "192.0.2.1/32"), true}, {trusting(false, "10.0.0.0/8"), false}, {trusting(true), false}} {
		r := httptest.NewRequest(http.MethodGet, "/", nil) // from 192.0.2.1
		for _, name := range forwardedHeaders() {
			r.Header.Set(name, "203.0.113.7")
		}
		r.Header.Set("X-Other", "kept")
		c.proxies.locate(r)
		for _, name := range forwardedHeaders() {
			if kept := r.Header.Get(name) != ""; kept != c.kept {
				t.Errorf("%v: %s is kept: %v", *c.proxies, name, kept)
			}
		}
		if r.Header.Get("X-Other") == "" {
			t.Error("another header was removed")
		}
	}
}

// What the server finds out is the address of the session, and of its request.
func TestRemoteIsTheRequestsAddress(t *testing.T) {
	f := start(t, func(c *Config) { c.Proxies = *trusting(false, "127.0.0.1/32") })
	req, err := http.NewRequest(http.MethodGet, f.url("EIO=4&transport=polling"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(forwardedFor, "203.0.113.7")
	resp, err := f.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if o := f.opening(); o.Remote() != "203.0.113.7" || o.Request().RemoteAddr != "203.0.113.7" {
		t.Errorf("the session is %q's, its request %q's", o.Remote(), o.Request().RemoteAddr)
	}
}

// The server's name begins the ids of its sessions, however they are opened.
func TestServerID(t *testing.T) {
	f := start(t, func(c *Config) { c.ServerID = "web-1" })
	polling, query := f.polling(4)
	webSocket, _ := f.websocket(3)
	plain, _ := f.plain()
	for _, o := range []*opened{polling, webSocket, plain} {
		if id, found := strings.CutPrefix(o.ID(), "web-1."); !found || len(id) != 20 {
			t.Errorf("the session's id is %q", o.ID())
		}
	}
	f.post(query, "4found")
	polling.hears(t, "found")
}
