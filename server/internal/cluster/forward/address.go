package forward

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"hipflask/server/internal/causes"
	"hipflask/server/internal/relay"
)

// ownEndpoint is where other servers reach this one, nil if they cannot, and logs it. own is what
// it listens on, nil if that is not known.
func (f *Forwarder) ownEndpoint(own net.Addr, secure bool) *endpoint {
	p := &endpoint{id: f.id, address: f.opts.URL}
	var why string
	if p.address == "" {
		p.address, why = findAddress(own, f.link.LocalAddr(), secure)
	}
	if why != "" {
		p.machine = machineOf(own)
	}
	target, err := relay.Parse(p.address)
	switch {
	case p.address == "":
		f.log.Warn("the other servers cannot reach this one: clients have to come back to it by themselves", "reason", why, "cause", causes.Address)
		return nil
	case err != nil:
		f.log.Warn("the other servers cannot reach this one: its address is none that can be named", "address", p.address, "cause", causes.Address)
		return nil
	case why != "":
		f.log.Info("servers on this machine, and no others, reach this one to pass on what its clients ask", "url", p.address,
			"reason", why, "cause", causes.Address)
	default:
		f.log.Info("the other servers reach this one to pass on what its clients ask", "url", p.address)
	}
	p.target = target
	return p
}

// findAddress is the URL of what this server listens on, and why that holds for this machine only,
// if it does. toRedis is this machine's address as Redis sees it: where all interfaces are listened
// on, that is the one the other servers reach.
func findAddress(own, toRedis net.Addr, secure bool) (url, machineOnly string) {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	if own == nil {
		return "", "where it listens is not known"
	}
	if own.Network() == "unix" {
		path := own.String()
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		return "unix:" + path, "it listens on a Unix socket"
	}
	at, err := netip.ParseAddrPort(own.String())
	if err != nil {
		return "", "its address has an unknown form"
	}
	ip := at.Addr().Unmap()
	if ip.IsUnspecified() {
		ip, machineOnly = seenByRedis(ip, toRedis)
	}
	switch {
	case secure:
		machineOnly = "it speaks TLS, for a name that is not known"
	case ip.IsLoopback() && machineOnly == "":
		machineOnly = "it listens on the loopback interface"
	}
	return scheme + "://" + netip.AddrPortFrom(ip, at.Port()).String(), machineOnly
}

// seenByRedis is this machine's address as Redis sees it, if all can be listened on.
func seenByRedis(all netip.Addr, toRedis net.Addr) (ip netip.Addr, machineOnly string) {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if toRedis == nil {
		return loopback, "Redis was not there to see its address"
	}
	seen, err := netip.ParseAddrPort(toRedis.String())
	if err != nil || seen.Addr().IsLoopback() {
		return loopback, "it listens on all interfaces, and Redis is on this machine"
	}
	if ip = seen.Addr().Unmap(); all.Is4() && !ip.Is4() {
		return loopback, "it listens on IPv4 alone, and Redis is reached by IPv6"
	}
	return ip, ""
}

// machineOf names this machine, for what only it reaches: with loopback interfaces that is a
// network namespace, so that containers are told apart.
func machineOf(own net.Addr) string {
	name, _ := os.Hostname() // without, those that boot at one time are not told apart
	if boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		name = strings.TrimSpace(string(boot)) // a container's name is another than its host's
	}
	if own != nil && own.Network() != "unix" {
		if namespace, err := os.Readlink("/proc/self/ns/net"); err == nil {
			name += namespace
		}
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// isHere reports whether an endpoint can be reached from this machine. It asks the system, so it is
// not for every request.
func (p *endpoint) isHere() bool {
	if p.machine == "" {
		return true
	}
	var kind net.Addr = &net.TCPAddr{}
	if strings.HasPrefix(p.address, "unix:") {
		kind = &net.UnixAddr{Net: "unix"}
	}
	return p.machine == machineOf(kind)
}
