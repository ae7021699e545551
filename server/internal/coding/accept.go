// Package coding owns HTTP's content codings: which one a client wants, and bodies of gzip and
// deflate that are put together from parts which were compressed once.
package coding

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Gzip and Deflate are the codings' names in HTTP. Deflate is RFC 1950's format.
const (
	Gzip    = "gzip"
	Deflate = "deflate"
)

// Choose returns the coding that the client likes best of those on offer, the one it names first
// among equals, or "" when it accepts none (RFC 9110, section 12.5.3). A "*" stands for all that
// are not named; a malformed weight is no acceptance.
func Choose(h http.Header, offers ...string) string {
	best, most := "", 0.0
	rest, wildcard := slices.Clone(offers), 0.0
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		q := weight(params)
		if name == "*" {
			wildcard = q
			continue
		}
		i := slices.Index(rest, name)
		if i < 0 {
			continue
		}
		rest = slices.Delete(rest, i, i+1)
		if q > most {
			best, most = name, q
		}
	}
	if len(rest) > 0 && wildcard > most {
		return rest[0]
	}
	return best
}

// weight reads ";q=0.5" without its semicolon: 1 for none, 0 for a malformed one.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	name, value, _ := strings.Cut(params, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
