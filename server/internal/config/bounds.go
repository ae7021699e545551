package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The settings that bound what all clients together may do, and say which proxies are believed.

// Auto stands in a limit for one that is derived from the machine.
const Auto = -1

const (
	most        = 1_000_000 // connections, and anything counted in a second
	leastMemory = 1 << 20   // bytes for all clients together
	longestID   = 32
	unixProxies = "unix" // in --trusted-proxies: whoever connects to the Unix socket
)

func bounds(c *Config) []Setting {
	return []Setting{
		{Name: "max-connections", Value: "NUMBER", Default: "auto", set: into(&c.MaxConnections, orAutoOrOff(number(1, most))),
			Meaning: "Clients at one time, those that poll included; further ones are refused with 503. auto derives two numbers: " +
				"of all clients from the memory, and of WebSockets from the limit on open files."},
		{Name: "max-connections-per-address", Value: "NUMBER", Default: "off", set: into(&c.MaxConnectionsPerAddress, orOff(number(1, most))),
			Meaning: "Clients at one time from one address, or one /64 network of IPv6; further ones are refused with 429. " +
				"Behind a proxy this needs --trusted-proxies."},
		{Name: "max-open-connections", Value: "NUMBER", Default: "auto", set: into(&c.MaxOpenConnections, orAutoOrOff(number(1, most))),
			Meaning: "TCP connections at one time, whether they are clients' or not. For one more, the one that is idle longest is closed, " +
				"or the new one if none is. auto is the limit on open files, less what the server keeps back for itself."},
		{Name: "max-open-connections-per-address", Value: "NUMBER", Default: "off", set: into(&c.MaxOpenConnectionsPerAddress, orOff(number(1, most))),
			Meaning: "TCP connections at one time from one address, or one /64 network of IPv6; further ones are closed. " +
				"The loopback interface, Unix sockets and --trusted-proxies have no such limit."},
		{Name: "max-memory-for-clients", Value: "SIZE", Default: "auto", set: into(&c.MaxMemoryForClients, orAutoOrOff(size(leastMemory, mostMemory))),
			Meaning: "Memory that all clients together may hold: what waits to be sent, answers under way, attachments whose event " +
				"is not whole yet, events that wait for handlers. auto is a quarter of what the process may use."},
		{Name: "max-handshakes-per-second", Value: "NUMBER", Default: "off", set: into(&c.MaxHandshakesPerSecond, orOff(number(1, most))),
			Meaning: "New clients in a second, of all addresses together; further ones are refused with 503."},
		{Name: "trusted-proxies", Value: "LIST", set: proxies(c),
			Meaning: "Addresses and networks of the proxies in front, separated by commas, such as 127.0.0.1,10.0.0.0/8; " +
				"unix stands for the Unix socket. From them alone X-Forwarded-For is believed."},
	}
}

func clientBounds(c *Config) []Setting {
	return []Setting{
		{Name: "max-messages-per-second", Value: "NUMBER", Default: "off", set: into(&c.MaxMessagesPerSecond, orOff(number(1, most))),
			Meaning: "Messages in a second, after which reading from the client pauses; nothing is lost."},
		{Name: "max-bytes-per-second", Value: "SIZE", Default: "off", set: into(&c.MaxBytesPerSecond, orOff(size(1, largest))),
			Meaning: "Bytes in a second, after which reading from the client pauses; nothing is lost."},
	}
}

// serverID takes what needs no escaping in a URL, a cookie or a regular expression.
func serverID(v string) (string, error) {
	if len(v) > longestID || strings.Trim(v, letters+digits+"-_") != "" {
		return "", fmt.Errorf("must be a name of at most %d letters, digits, - and _, such as a or web-1", longestID)
	}
	return v, nil
}

func proxies(c *Config) func(string) error {
	return func(v string) error {
		c.TrustedProxies, c.TrustUnixSocket = nil, false
		if v == "" {
			return nil
		}
		for part := range strings.SplitSeq(v, ",") {
			part = strings.TrimSpace(part)
			if part == unixProxies {
				c.TrustUnixSocket = true
				continue
			}
			network, err := parseNetwork(part)
			if err != nil {
				return err
			}
			if !slices.Contains(c.TrustedProxies, network) {
				c.TrustedProxies = append(c.TrustedProxies, network)
			}
		}
		return nil
	}
}

// parseNetwork reads an address, as the network that holds it alone, or a network.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil || network.Addr().Is4In6():
		return network, errors.New("must be addresses, networks or unix, such as 127.0.0.1,10.0.0.0/8,fd00::/8")
	case network != network.Masked():
		return network, fmt.Errorf("has a network with more than its own bits: write %v", network.Masked())
	}
	return network, nil
}
