package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	weborigin "hipflask/server/internal/origin"
)

// longestCookie is how many seconds browsers keep a cookie at most, 400 days.
const longestCookie = 400 * 24 * 60 * 60

// attributes are what a cookie's name may be followed by. Their order is that of the header.
type attributes struct {
	path, sameSite, domain, maxAge string
	secure, httpOnly, partitioned  bool
}

// cookie takes a name, and attributes behind it as in a Set-Cookie header: io; Secure; HttpOnly.
// Without them it is Flask-SocketIO's cookie, whose path and SameSite stay where nothing else is
// said.
func cookie(c *Config) func(string) error {
	return func(v string) error {
		c.Cookie, c.CookieAttributes = "", ""
		if v == "" {
			return nil
		}
		name, rest, more := strings.Cut(v, ";")
		name = strings.TrimSpace(name)
		if name == "" || strings.Trim(name, letters+digits+"!#$%&'*+-.^_`|~") != "" { // a token of RFC 9110, 5.6.2
			return errors.New("must be a cookie's name, such as io: letters, digits and - _ . only; attributes follow behind a semicolon, as in io; Secure")
		}
		a := attributes{path: "/", sameSite: "Lax"}
		if more {
			if err := a.read(rest); err != nil {
				return err
			}
		}
		if err := a.check(strings.ToLower(name)); err != nil {
			return err
		}
		c.Cookie, c.CookieAttributes = name, a.String()
		return nil
	}
}

// read takes attributes with semicolons between, each at most once.
func (a *attributes) read(text string) error {
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(text, ";") {
		name, value, valued := strings.Cut(strings.TrimSpace(part), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if key := strings.ToLower(name); seen[key] {
			return fmt.Errorf("names %s twice", name)
		} else {
			seen[key] = true
		}
		if err := a.set(name, value, valued); err != nil {
			return err
		}
	}
	return nil
}

func (a *attributes) set(name, value string, valued bool) error {
	switch strings.ToLower(name) {
	case "secure":
		return turnOn(&a.secure, "Secure", valued)
	case "httponly":
		return turnOn(&a.httpOnly, "HttpOnly", valued)
	case "partitioned":
		return turnOn(&a.partitioned, "Partitioned", valued)
	case "samesite":
		for _, site := range []string{"Lax", "Strict", "None"} {
			if strings.EqualFold(value, site) {
				a.sameSite = site
				return nil
			}
		}
		return errors.New("must have SameSite=Lax, SameSite=Strict or SameSite=None")
	case "path":
		if !strings.HasPrefix(value, "/") || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("must have a Path that begins with a slash, such as Path=/, of ASCII without blanks")
		}
		a.path = value
	case "domain":
		if !weborigin.IsHostName(strings.TrimPrefix(value, ".")) || strings.HasSuffix(value, ".") {
			return errors.New("must have a host's name as its Domain, such as Domain=example.com")
		}
		a.domain = value
	case "max-age":
		if n, err := strconv.Atoi(value); err != nil || n < 1 || n > longestCookie {
			return fmt.Errorf("must have a Max-Age of 1 to %d seconds, such as Max-Age=3600", longestCookie)
		}
		a.maxAge = value
	default:
		return fmt.Errorf("has the attribute %s, and may have Path, Domain, Max-Age, SameSite, Secure, HttpOnly and Partitioned", quote(name))
	}
	return nil
}

// turnOn sets an attribute that is there or not.
func turnOn(field *bool, name string, valued bool) error {
	if valued {
		return fmt.Errorf("must have %s without a value", name)
	}
	*field = true
	return nil
}

// check finds what browsers would drop the cookie for.
func (a *attributes) check(name string) error {
	switch {
	case a.sameSite == "None" && !a.secure:
		return errors.New("must have Secure with SameSite=None: browsers drop the cookie otherwise")
	case a.partitioned && !a.secure:
		return errors.New("must have Secure with Partitioned: browsers drop the cookie otherwise")
	case strings.HasPrefix(name, "__secure-") && !a.secure:
		return errors.New("must have Secure with a name that begins with __Secure-: browsers drop the cookie otherwise")
	case strings.HasPrefix(name, "__host-") && (!a.secure || a.domain != "" || a.path != "/"):
		return errors.New("must have Secure, Path=/ and no Domain with a name that begins with __Host-: browsers drop the cookie otherwise")
	}
	return nil
}

// String is what follows the cookie's value in the header.
func (a *attributes) String() string {
	text := "path=" + a.path + "; SameSite=" + a.sameSite
	if a.domain != "" {
		text += "; Domain=" + a.domain
	}
	if a.maxAge != "" {
		text += "; Max-Age=" + a.maxAge
	}
	for _, flag := range []struct {
		name string
		on   bool
	}{{"Secure", a.secure}, {"HttpOnly", a.httpOnly}, {"Partitioned", a.partitioned}} {
		if flag.on {
			text += "; " + flag.name
		}
	}
	return text
}
