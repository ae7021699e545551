package config

import (
	"context"
	"net"
	"net/netip"

	"hipflask/server/internal/relay"
)

func backendSettings(c *Config) []Setting {
	return []Setting{
		{Name: "backend", Value: "URL", set: into(&c.Backend, backendURL),
			Meaning: "Web server that answers whatever this one does not, such as the Flask process with the pages: http://127.0.0.1:8000, " +
				"https://HOST or unix:/PATH. It has 60 s to begin an answer. The built-in page is then off."},
	}
}

func backendURL(v string) (relay.Target, error) {
	if v == "" {
		return relay.Target{}, nil
	}
	return relay.Parse(v)
}

// checkBackend finds a backend that is this server, as far as the settings alone tell; names are
// looked up at the start.
func checkBackend(c *Config, given origins) error {
	var own net.Addr
	if c.UnixSocket != "" {
		own = &net.UnixAddr{Net: "unix", Name: c.UnixSocket}
	} else {
		host := c.Host
		if host == "localhost" {
			host = "127.0.0.1"
		}
		ip, err := netip.ParseAddr(host)
		if err != nil || c.Port == 0 {
			return nil
		}
		own = net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(c.Port)))
	}
	offline, cancel := context.WithCancel(context.Background())
	cancel()
	if c.Backend.Is(offline, own) {
		return given.fault("backend", "is this server's own address: name the one the application behind listens on")
	}
	return nil
}
