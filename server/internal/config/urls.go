package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func path(field *string) func(string) error {
	return func(v string) error {
		p := strings.Trim(v, "/")
		if p == "" {
			return errors.New("must be a URL path, such as socket.io")
		}
		if err := checkPath(p); err != nil {
			return err
		}
		*field = "/" + p
		return nil
	}
}

// plainPath takes "off" besides an empty value, as an empty environment variable counts as not set.
func plainPath(field *string) func(string) error {
	return func(v string) error {
		if v == "" || v == "off" {
			*field = ""
			return nil
		}
		p := strings.Trim(v, "/")
		if p != "" {
			if err := checkPath(p); err != nil {
				return err
			}
		}
		*field = "/" + p
		return nil
	}
}

// checkPath wants what stands in a URL as it is (RFC 3986, 3.3), less what routers give a meaning to.
func checkPath(p string) error {
	if i := strings.IndexFunc(p, func(r rune) bool { return !strings.ContainsRune(letters+digits+"-._~!$&'()+,;=@/", r) }); i >= 0 {
		return fmt.Errorf("must not contain %q: a URL path of letters, digits and - _ . ~ is safe", []rune(p[i:])[0])
	}
	if strings.Contains(p, "..") || strings.Contains(p, "//") || slices.Contains(strings.Split(p, "/"), ".") {
		return errors.New(`must not contain "..", "." or nothing between two slashes: clients shorten such paths`)
	}
	return nil
}

// under says whether p lies below the directory dir.
func under(p, dir string) bool { return strings.HasPrefix(p, dir+"/") }

func originList(field *[]string) func(string) error {
	return func(v string) error {
		*field = nil
		if strings.TrimSpace(v) == "" {
			return nil
		}
		for item := range strings.SplitSeq(v, ",") {
			item = strings.TrimSpace(item)
			if item == "*" {
				if strings.TrimSpace(v) != "*" {
					return errors.New("* allows every origin, so it must stand alone")
				}
			} else {
				normal, err := parseOrigin(item)
				if err != nil {
					return fmt.Errorf("%s %w", quote(item), err)
				}
				item = normal
			}
			if !slices.Contains(*field, item) {
				*field = append(*field, item)
			}
		}
		return nil
	}
}

// parseOrigin brings an origin into the form in which browsers send it (RFC 6454, 6.2).
// Its errors continue a sentence that begins with the origin.
func parseOrigin(v string) (string, error) {
	const form = "scheme://host[:port], such as https://example.com"
	if v == "" {
		return "", errors.New("stands between two commas and is no origin")
	}
	scheme, rest, ok := strings.Cut(strings.ToLower(v), "://")
	if !ok || !isScheme(scheme) {
		return "", errors.New("has no scheme: must be " + form)
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		if i == 0 || strings.Contains(rest[:i], "@") {
			return "", errors.New("must be " + form)
		}
		return "", fmt.Errorf("goes on after the host: write %s", scheme+"://"+rest[:i])
	}
	hostname, port, err := splitHostPort(rest)
	if err != nil {
		return "", fmt.Errorf("%w: must be %s", err, form)
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + hostname, nil
	}
	return scheme + "://" + hostname + ":" + port, nil
}

// isScheme follows RFC 3986, 3.1, in lower case.
func isScheme(v string) bool {
	return v != "" && v[0] >= 'a' && v[0] <= 'z' && strings.Trim(v, letters+digits+"+-.") == ""
}

// splitHostPort checks a host and an optional port; a leading zero of the port goes, an IPv6 address keeps its brackets.
func splitHostPort(v string) (hostname, port string, err error) {
	hostname = v
	colon := strings.LastIndexByte(v, ':')
	if colon > strings.LastIndexByte(v, ']') {
		n, err := strconv.ParseUint(v[colon+1:], 10, 16)
		if err != nil || n == 0 {
			return "", "", errors.New("has a port that is no number from 1 to 65535")
		}
		hostname, port = v[:colon], strconv.FormatUint(n, 10)
	}
	if inner, ok := strings.CutPrefix(hostname, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" || !strings.HasSuffix(inner, "]") {
			return "", "", errors.New("has no valid address in its brackets")
		}
		return "[" + addr.String() + "]", port, nil
	}
	if _, err := netip.ParseAddr(hostname); err == nil && !strings.Contains(hostname, ":") {
		return hostname, port, nil
	}
	switch {
	case hostname == "":
		return "", "", errors.New("has no host")
	case strings.Contains(hostname, "*"):
		return "", "", errors.New("has a * in its host, which only stands alone")
	case !isHostName(hostname):
		return "", "", errors.New("has no valid host")
	}
	return hostname, port, nil
}
