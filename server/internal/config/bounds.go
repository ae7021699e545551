package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The settings that bound what all clients together may do, and say which proxies are believed.

const (
	most        = 1_000_000 // connections, and anything counted in a second
	longestID   = 32
	unixProxies = "unix" // in --trusted-proxies: whoever connects to the Unix socket
)

func bounds(c *Config) []Setting {
	return []Setting{
		{Name: "max-connections", Value: "NUMBER", Default: "off", set: numberOrOff(&c.MaxConnections),
			Meaning: "Clients at one time; further ones are refused with 503."},
		{Name: "max-connections-per-address", Value: "NUMBER", Default: "off", set: numberOrOff(&c.MaxConnectionsPerAddress),
			Meaning: "Clients at one time from one address, or one /64 network of IPv6; further ones are refused with 429. " +
				"Behind a proxy this needs --trusted-proxies."},
		{Name: "max-handshakes-per-second", Value: "NUMBER", Default: "off", set: numberOrOff(&c.MaxHandshakesPerSecond),
			Meaning: "New clients in a second, of all addresses together; further ones are refused with 503."},
		{Name: "trusted-proxies", Value: "LIST", set: proxies(c),
			Meaning: "Addresses and networks of the proxies in front, separated by commas, such as 127.0.0.1,10.0.0.0/8; " +
				"unix stands for the Unix socket. From them alone X-Forwarded-For is believed."},
	}
}

func clientBounds(c *Config) []Setting {
	return []Setting{
		{Name: "max-messages-per-second", Value: "NUMBER", Default: "off", set: numberOrOff(&c.MaxMessagesPerSecond),
			Meaning: "Messages in a second, after which reading from the client pauses; nothing is lost."},
		{Name: "max-bytes-per-second", Value: "SIZE", Default: "off", set: sizeOrOff(&c.MaxBytesPerSecond),
			Meaning: "Bytes in a second, after which reading from the client pauses; nothing is lost."},
	}
}

// serverID takes what needs no escaping in a URL, a cookie or a regular expression.
func serverID(field *string) func(string) error {
	return func(v string) error {
		if len(v) > longestID || strings.Trim(v, letters+digits+"-_") != "" {
			return fmt.Errorf("must be a name of at most %d letters, digits, - and _, such as a or web-1", longestID)
		}
		*field = v
		return nil
	}
}

// numberOrOff takes "off" and 0 for no limit.
func numberOrOff(field *int) func(string) error {
	return func(v string) error {
		if v == "off" || v == "0" {
			*field = 0
			return nil
		}
		if number(field, 1, most)(v) != nil {
			return fmt.Errorf("must be off or a whole number from 1 to %d", most)
		}
		return nil
	}
}

// sizeOrOff takes "off" and 0 for no limit.
func sizeOrOff(field *int64) func(string) error {
	return func(v string) error {
		if v == "off" || v == "0" {
			*field = 0
			return nil
		}
		return size(field, 1)(v)
	}
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
