package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func path(v string) (string, error) {
	p := strings.Trim(v, "/")
	if p == "" {
		return "", errors.New("must be a URL path, such as socket.io")
	}
	if err := checkPath(p); err != nil {
		return "", err
	}
	return "/" + p, nil
}

// plainPath takes "off" besides an empty value, as an empty environment variable counts as not set.
func plainPath(v string) (string, error) {
	if v == "" || v == "off" {
		return "", nil
	}
	p := strings.Trim(v, "/")
	if p != "" {
		if err := checkPath(p); err != nil {
			return "", err
		}
	}
	return "/" + p, nil
}

// checkPath wants what stands in a URL as it is (RFC 3986, 3.3), less what routers give a meaning
// to.
func checkPath(p string) error {
	if i := strings.IndexFunc(p, func(r rune) bool { return !strings.ContainsRune(letters+digits+"-._~!$&'()+,;=@/", r) }); i >= 0 {
		return fmt.Errorf("must not contain %q: a URL path of letters, digits and - _ . ~ is safe", []rune(p[i:])[0])
	}
	if strings.Contains(p, "..") || strings.Contains(p, "//") || slices.Contains(strings.Split(p, "/"), ".") {
		return errors.New(`must not contain "..", "." or nothing between two slashes: clients shorten such paths`)
	}
	return nil
}

// under reports whether p lies below the directory dir.
func under(p, dir string) bool { return strings.HasPrefix(p, dir+"/") }

// PlainPathTakes reports whether --plain-websocket-path can be this very path beside the other
// settings: what the log may advise.
func (c *Config) PlainPathTakes(p string) bool {
	taken, err := plainPath(p)
	return err == nil && taken == p && p != "" && taken != c.Path && !under(taken, c.Path)
}
