package forward

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func tcp(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

func TestFindAddress(t *testing.T) {
	for _, c := range []struct {
		own, toRedis net.Addr
		secure       bool
		url, why     string
	}{
		{tcp("10.0.0.7:5000"), tcp("10.0.0.7:40000"), false, "http://10.0.0.7:5000", ""},
		{tcp("10.0.0.7:5000"), nil, false, "http://10.0.0.7:5000", ""},
		{tcp("[2001:db8::7]:5000"), nil, false, "http://[2001:db8::7]:5000", ""},
		{tcp("0.0.0.0:5000"), tcp("10.0.0.7:40000"), false, "http://10.0.0.7:5000", ""},
		{tcp("[::]:5000"), tcp("10.0.0.7:40000"), false, "http://10.0.0.7:5000", ""},
		{tcp("[::]:5000"), tcp("[2001:db8::7]:40000"), false, "http://[2001:db8::7]:5000", ""},
		{tcp("0.0.0.0:5000"), tcp("[2001:db8::7]:40000"), false, "http://127.0.0.1:5000", "IPv4 alone"},
		{tcp("0.0.0.0:5000"), tcp("127.0.0.1:40000"), false, "http://127.0.0.1:5000", "Redis is on this machine"},
		{tcp("0.0.0.0:5000"), &net.UnixAddr{Net: "unix"}, false, "http://127.0.0.1:5000", "Redis is on this machine"},
		{tcp("0.0.0.0:5000"), nil, false, "http://127.0.0.1:5000", "Redis was not there"},
		{tcp("127.0.0.1:5000"), tcp("10.0.0.7:40000"), false, "http://127.0.0.1:5000", "loopback"},
		{tcp("[::1]:5000"), nil, false, "http://[::1]:5000", "loopback"},
		{tcp("0.0.0.0:443"), tcp("10.0.0.7:40000"), true, "https://10.0.0.7:443", "TLS"},
		{tcp("127.0.0.1:443"), nil, true, "https://127.0.0.1:443", "TLS"},
		{&net.UnixAddr{Net: "unix", Name: "/run/a.sock"}, nil, false, "unix:/run/a.sock", "Unix socket"},
		{nil, tcp("10.0.0.7:40000"), false, "", "not known"},
	} {
		url, why := findAddress(c.own, c.toRedis, c.secure)
		if url != c.url || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%v, seen as %v: %q, %q; want %q, %q", c.own, c.toRedis, url, why, c.url, c.why)
		}
	}
}

// What only one machine reaches is left alone by others.
func TestEndpointsOfOtherMachines(t *testing.T) {
	unix, inet := &net.UnixAddr{Net: "unix", Name: "/run/a.sock"}, tcp("127.0.0.1:1")
	for _, c := range []struct {
		endpoint *endpoint
		here     bool
	}{
		{&endpoint{address: "http://h:1"}, true},
		{&endpoint{address: "http://127.0.0.1:1", machine: machineOf(inet)}, true},
		{&endpoint{address: "unix:/run/a.sock", machine: machineOf(unix)}, true},
		{&endpoint{address: "http://127.0.0.1:1", machine: "0123456789abcdef"}, false},
		{&endpoint{address: "unix:/run/a.sock", machine: "0123456789abcdef"}, false},
	} {
		if got := c.endpoint.isHere(); got != c.here {
			t.Errorf("%+v: %v", c.endpoint.address, got)
		}
	}
}

func TestPeersAreExempt(t *testing.T) {
	f := new(Forwarder)
	f.peers.prove("10.0.0.8:1234")
	f.peers.prove("unix")
	for addr, want := range map[string]bool{"10.0.0.8": true, "10.0.0.9": false} {
		if got := f.IsPeer(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if (*Forwarder)(nil).IsPeer(netip.MustParseAddr("10.0.0.8")) {
		t.Error("a server that is alone has a peer")
	}
}
