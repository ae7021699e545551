package origin

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"

	// longestName is how long a name in DNS may be, in bytes.
	longestName = 253
)

// Parse brings an origin that somebody wrote into the form in which browsers send it (RFC 6454,
// 6.2): lower case, no path, no default port. A * in the place of a name's first labels stands for
// one label or more. Origins without a host are null, and those of programs that show pages of
// their own: file://, app://. and the like. The errors continue a sentence that begins with the
// origin.
func Parse(v string) (string, error) {
	const form = "scheme://host[:port], such as https://example.com"
	v = strings.ToLower(v)
	switch v {
	case "":
		return "", errors.New("stands between two commas and is no origin")
	case Null:
		return Null, nil
	}
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok || !isScheme(scheme) {
		return "", errors.New("has no scheme: must be " + form)
	}
	if !isWeb(scheme) && (rest == "" || rest == ".") {
		return v, nil
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		if strings.Contains(rest[:i], "@") || i == 0 && isWeb(scheme) {
			return "", errors.New("must be " + form)
		}
		return "", errors.New("goes on after the host: write " + scheme + "://" + rest[:i])
	}
	name, port, err := splitPattern(rest)
	if err != nil {
		return "", errors.New(err.Error() + ": must be " + form)
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + name, nil
	}
	return scheme + "://" + name + ":" + port, nil
}

// ParseHost brings a name of [Hosts] that somebody wrote into the form that Host is compared with:
// lower case, no dot at its end, an address in its shortest form and in brackets if it is one of
// IPv6. The port may be left out. A * in the place of the name's first labels stands for one label
// or more. The errors continue a sentence that begins with the name.
func ParseHost(v string) (string, error) {
	const form = "a name as in a Host header, such as chat.example.com, *.example.com or 192.0.2.1:5000"
	if v == "" {
		return "", errors.New("stands between two commas and is no host")
	}
	if strings.Contains(v, "://") {
		return "", errors.New("has a scheme: must be " + form)
	}
	if addr, err := netip.ParseAddr(v); err == nil && addr.Is6() {
		v = "[" + v + "]"
	}
	name, port, err := splitPattern(strings.ToLower(v))
	if err != nil {
		return "", errors.New(err.Error() + ": must be " + form)
	}
	name = strings.TrimSuffix(name, ".")
	if port != "" {
		name += ":" + port
	}
	return name, nil
}

// splitPattern is splitHostPort for a name that may begin with "*.".
func splitPattern(v string) (name, port string, err error) {
	rest, star := strings.CutPrefix(v, "*.")
	if strings.Contains(rest, "*") {
		return "", "", errors.New("has a * that does not stand for its first labels, as in *.example.com")
	}
	name, port, err = splitHostPort(rest)
	if err != nil || !star {
		return name, port, err
	}
	if isAddress(name) {
		return "", "", errors.New("has a * before an address")
	}
	return "*." + name, port, nil
}

// splitHostPort checks a host in lower case and an optional port; a leading zero of the port goes,
// an IPv6 address keeps its brackets.
func splitHostPort(v string) (name, port string, err error) {
	name = v
	if colon := strings.LastIndexByte(v, ':'); colon > strings.LastIndexByte(v, ']') {
		n, err := strconv.ParseUint(v[colon+1:], 10, 16)
		if err != nil || n == 0 {
			return "", "", errors.New("has a port that is no number from 1 to 65535")
		}
		name, port = v[:colon], strconv.FormatUint(n, 10)
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" || !strings.HasSuffix(inner, "]") {
			return "", "", errors.New("has no valid address in its brackets")
		}
		return "[" + addr.String() + "]", port, nil
	}
	if addr, err := netip.ParseAddr(name); err == nil && addr.Is4() {
		return name, port, nil
	}
	switch {
	case name == "":
		return "", "", errors.New("has no host")
	case !IsHostName(name):
		return "", "", errors.New("has no valid host")
	}
	return name, port, nil
}

// IsHostName reports whether v can be a host's name, with a dot at its end or without. Names of
// digits and dots alone are addresses gone wrong.
func IsHostName(v string) bool {
	v = strings.TrimSuffix(v, ".")
	return len(v) <= longestName && isLabels(v) && strings.Trim(v, digits+".") != ""
}

// isLabels reports whether v is one label of a name or more, with dots between.
func isLabels(v string) bool {
	for label := range strings.SplitSeq(v, ".") {
		if label == "" || strings.Trim(label, letters+digits+"-_") != "" {
			return false
		}
	}
	return true
}

// isScheme follows RFC 3986, 3.1, in lower case.
func isScheme(v string) bool {
	return v != "" && v[0] >= 'a' && v[0] <= 'z' && strings.Trim(v, letters+digits+"+-.") == ""
}

// isWeb reports whether pages of a scheme always have a host.
func isWeb(scheme string) bool {
	return slices.Contains([]string{"http", "https", "ws", "wss"}, scheme)
}

// matches reports whether an origin is one that a pattern of [Policy.List] stands for.
func matches(pattern, origin string) bool {
	if pattern == origin {
		return true
	}
	scheme, pattern, _ := strings.Cut(pattern, "://")
	s, name, ok := strings.Cut(origin, "://")
	return ok && s == scheme && covers(pattern, name)
}

// covers reports whether a name is the pattern, or has one label or more in the place of the * that
// the pattern begins with.
func covers(pattern, name string) bool {
	end, star := strings.CutPrefix(pattern, "*")
	if !star {
		return name == pattern
	}
	labels, ok := strings.CutSuffix(name, end)
	return ok && isLabels(labels)
}

// isAddress reports whether a name that splitHost returned is an IP address.
func isAddress(name string) bool {
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil
}

// Null is the origin of a page that has none: a file, or a frame in a sandbox, which every page can
// make.
const Null = "null"
