// Package address owns how the program reads an IP address, and which addresses count as one
// client's.
package address

import (
	"net"
	"net/netip"
	"strings"
)

// Parse reads an IP address, perhaps in brackets or with a port, and reports whether the text is
// one: a Unix socket's client has none. An IPv4 address in IPv6's form becomes one of IPv4, and a
// zone goes, as no network has addresses with one.
func Parse(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	addr, err := netip.ParseAddr(text)
	return addr.Unmap().WithZone(""), err == nil
}

// Client is what limits per address count as one client: the address, or its /64 network of IPv6,
// as whoever has one address of that has all of them. The zero Addr stays what it is, so all who
// have no address count as one.
func Client(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		network, _ := addr.Prefix(64) // never fails for IPv6
		return network.Addr()
	}
	return addr
}
