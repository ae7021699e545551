package address

import (
	"net/netip"
	"testing"
)

func TestParseAndClient(t *testing.T) {
	for text, want := range map[string][2]string{
		"192.0.2.1":              {"192.0.2.1", "192.0.2.1"},
		" 192.0.2.1:80 ":         {"192.0.2.1", "192.0.2.1"},
		"::ffff:192.0.2.1":       {"192.0.2.1", "192.0.2.1"},
		"[::ffff:192.0.2.1]:80":  {"192.0.2.1", "192.0.2.1"},
		"[2001:db8:1:2:3::4]":    {"2001:db8:1:2:3::4", "2001:db8:1:2::"},
		"[2001:db8:1:2:3::4]:80": {"2001:db8:1:2:3::4", "2001:db8:1:2::"},
		"fe80::1%eth0":           {"fe80::1", "fe80::"},
	} {
		addr, ok := Parse(text)
		if got := [2]string{addr.String(), Client(addr).String()}; !ok || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "unix", "@", "localhost:80", "192.0.2.1.1", "[", "192.0.2.1/24"} {
		if addr, ok := Parse(text); ok || Client(addr) != (netip.Addr{}) {
			t.Errorf("%q: %v, %v, want none", text, addr, ok)
		}
	}
	if got := Client(netip.MustParseAddr("::ffff:192.0.2.1")); got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("an IPv4 address in IPv6's form counts as %v", got)
	}
}
