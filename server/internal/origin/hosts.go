package origin

import (
	"strings"
)

// ForwardedHost is the header in which a proxy says which Host it was asked for.
const ForwardedHost = "X-Forwarded-Host"

// anyHost in [Hosts] stands for every name.
const anyHost = "*"

// Hosts are the names by which the server may be called, each as [ParseHost] returns it. They are
// what stands against DNS rebinding: a page of http://evil.example whose name leads to this server
// is of the server's own origin, and its requests have evil.example as their Host. None: every
// name, since a proxy that passes Host on cannot be told from such a page.
type Hosts []string

// Allow reports whether a Host is one of the names. Of several with commas between, as proxies make
// of [ForwardedHost], each has to be: only the last of them wrote its own.
func (h Hosts) Allow(host string) bool {
	return len(h) == 0 || each(host, h.has)
}

// AllowLocal is Allow for an address that is not for the public: beside those of the list it takes
// what no name that somebody else owns can be, an IP address, localhost and names of one label, and
// requests that name no Host, as no browser makes.
func (h Hosts) AllowLocal(host string) bool {
	return host == "" || each(host, func(one string) bool { return isLocal(one) || h.has(one) })
}

// Example is a Host that Allow allows: host itself where it is one, or else one that the first name
// stands for.
func (h Hosts) Example(host string) string {
	if h.Allow(host) {
		return host
	}
	return strings.Replace(h[0], "*", "healthcheck", 1)
}

func each(host string, allowed func(string) bool) bool {
	for one := range strings.SplitSeq(host, ",") {
		if !allowed(strings.TrimSpace(one)) {
			return false
		}
	}
	return true
}

// has reports whether the list has a Host, whatever its case, with a dot at its name's end or
// without.
func (h Hosts) has(host string) bool {
	name, port, err := splitHost(host)
	for _, allowed := range h {
		if allowed == anyHost {
			return true
		}
		if err == nil && is(allowed, name, port) {
			return true
		}
	}
	return false
}

// is reports whether a name of the list stands for a name and a port. Without a port it stands for
// all of them; a Host without one means the scheme's.
func is(allowed, name, port string) bool {
	only := ""
	if colon := strings.LastIndexByte(allowed, ':'); colon > strings.LastIndexByte(allowed, ']') {
		allowed, only = allowed[:colon], allowed[colon+1:]
	}
	return covers(allowed, name) && (only == "" || only == port || port == "" && (only == "80" || only == "443"))
}

func isLocal(host string) bool {
	name, _, err := splitHost(host)
	if err != nil {
		return false
	}
	return isAddress(name) || !strings.Contains(name, ".")
}

// splitHost takes a Host apart: its name in lower case and without a dot at its end, or an address
// in its shortest form, and its port, if it has one.
func splitHost(host string) (name, port string, err error) {
	name, port, err = splitHostPort(strings.ToLower(host))
	if len(name) > 1 {
		name = strings.TrimSuffix(name, ".")
	}
	return name, port, err
}
