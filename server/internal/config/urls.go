package config

import (
	"errors"
	"fmt"
	"slices"
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

// PlainPathTakes reports whether --plain-websocket-path can be this very path beside the other settings: what the log
// may advise.
func (c *Config) PlainPathTakes(p string) bool {
	var taken string
	return plainPath(&taken)(p) == nil && taken == p && p != "" && taken != c.Path && !under(taken, c.Path)
}
