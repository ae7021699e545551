package relay

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Target is where another server listens.
type Target struct {
	scheme string // http or https
	host   string // host:port, as it is dialled; empty for a Unix socket
	socket string // the Unix socket's path
}

const form = "must be http://HOST:PORT, https://HOST:PORT or unix:/PATH, without a path behind the host"

// Parse reads a URL: http://HOST[:PORT], https://HOST[:PORT] or unix:/PATH. Its errors say what
// would be right, and leave the URL out.
func Parse(text string) (Target, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if !strings.HasPrefix(path, "/") || strings.ContainsRune(path, 0) {
			return Target{}, errors.New("has no path that begins with /: " + form)
		}
		return Target{scheme: "http", socket: path}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.Hostname() == "" {
		return Target{}, errors.New(form)
	}
	if strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return Target{}, errors.New("goes on behind the host, but requests keep the path they have: " + form)
	}
	if u.User != nil {
		return Target{}, errors.New("holds a password, which is not sent: " + form)
	}
	port := u.Port()
	switch {
	case port == "" && strings.HasSuffix(u.Host, ":"):
		return Target{}, errors.New(form)
	case port == "" && u.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n == 0 {
		return Target{}, errors.New("has no port from 1 to 65535: " + form)
	}
	return Target{scheme: u.Scheme, host: net.JoinHostPort(u.Hostname(), port)}, nil
}

// String is the target as it may be logged.
func (t Target) String() string {
	if t.socket != "" {
		return "unix:" + t.socket
	}
	return t.scheme + "://" + t.host
}

// Is reports whether the target is what somebody listens on at own, which may be an address for all
// interfaces. A name is looked up until ctx ends; one that is not known is no address of ours.
func (t Target) Is(ctx context.Context, own net.Addr) bool {
	if own.Network() == "unix" || t.socket != "" {
		return own.Network() == "unix" && own.String() == t.socket
	}
	ownAddress, err := netip.ParseAddrPort(own.String())
	if err != nil {
		return false
	}
	host, port, err := net.SplitHostPort(t.host)
	if err != nil {
		return false
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n != int(ownAddress.Port()) {
		return false
	}
	ip := ownAddress.Addr().Unmap()
	for _, address := range lookUp(ctx, host) {
		switch address = address.Unmap(); {
		case address == ip, address.IsUnspecified() && ip.IsLoopback():
			return true
		case ip.IsUnspecified() && (address.IsLoopback() || address.IsUnspecified() || isInterface(address)):
			return ip.Is6() || address.Is4()
		}
	}
	return false
}

func lookUp(ctx context.Context, host string) []netip.Addr {
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address}
	}
	if host == "localhost" { // whatever the resolver says (RFC 6761, 6.3)
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	return found
}

// isInterface reports whether the address is one of this machine's.
func isInterface(address netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == address
	})
}
