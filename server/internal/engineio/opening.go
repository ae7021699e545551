package engineio

import (
	"cmp"
	"crypto/tls"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// opening is what is kept of the request that opened a session. As a whole request it would take
// several times the memory, for the life of the session, and hold on to the connection, the body
// and the context.
type opening struct {
	text   string // the URI, the host, and each header field that is kept as a line; none of them can hold a line's end
	remote string // the address it came from
	tls    *tls.ConnectionState
}

const (
	// maxKeptHeader bounds what is kept of the request's header, in bytes.
	maxKeptHeader = 8 << 10
	// maxURL is the longest URL of a request that opens a session, with its host: they are kept
	// whole, since clients without headers of their own put tokens into the query.
	maxURL = 20 << 10
)

// keep keeps the URI, the host, and of the header 8 KiB, each field with all its values or not at
// all.
func keep(r *http.Request) opening {
	uri := r.URL.String()
	names, size := keptFields(r.Header, maxKeptHeader)
	var b strings.Builder
	b.Grow(len(uri) + len(r.Host) + 2 + size)
	for _, line := range []string{uri, r.Host} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	for _, name := range names {
		for _, v := range r.Header[name] {
			b.WriteString(name)
			b.WriteByte(':')
			b.WriteString(v)
			b.WriteByte('\n')
		}
	}
	return opening{b.String(), remote(r), r.TLS}
}

// keptFields chooses the fields that fit into room bytes, and returns how many they take.
func keptFields(header http.Header, room int) (names []string, size int) {
	names = make([]string, 0, len(header))
	for name, values := range header {
		names = append(names, name)
		size += fieldSize(name, values)
	}
	if size <= room {
		return names, size
	}
	slices.SortFunc(names, func(a, b string) int { // by name too, so that the same are kept each time
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	size = 0
	names = slices.DeleteFunc(names, func(name string) bool {
		n := fieldSize(name, header[name])
		if size+n > room {
			return true
		}
		size += n
		return false
	})
	return names, size
}

// rank is the order in which header fields are kept of a request that is too long: first those by
// which handlers and operators recognize a client.
func rank(name string) int {
	switch name {
	case "Cookie":
		return 0
	case "Authorization":
		return 1
	case "Origin", "Referer", "User-Agent":
		return 2
	}
	if strings.HasPrefix(name, "X-Forwarded-") {
		return 3
	}
	return 4
}

// fieldSize is how many bytes a header field takes, with its values.
func fieldSize(name string, values []string) int {
	n := 0
	for _, v := range values {
		n += len(name) + len(v) + 2
	}
	return n
}

// remote is where a request came from, once [Proxies] have located it.
func remote(r *http.Request) string { return r.RemoteAddr }

// request makes the request anew: method, URL, header, host, address and TLS state.
func (o *opening) request() *http.Request {
	uri, rest, _ := strings.Cut(o.text, "\n")
	host, rest, _ := strings.Cut(rest, "\n")
	header := make(http.Header)
	for line := range strings.Lines(rest) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		header[name] = append(header[name], value)
	}
	at, err := url.Parse(uri)
	if err != nil { // not for one that was written by a URL
		at = new(url.URL)
	}
	return &http.Request{
		Method:     http.MethodGet, // nothing else opens a session
		URL:        at,
		Header:     header,
		Host:       host,
		RemoteAddr: o.remote,
		RequestURI: uri,
		TLS:        o.tls,
	}
}
