package engineio

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
)

// opening is what is kept of the request that opened a session. As a whole request
// it would take several times the memory, for the life of the session, and hold on
// to the connection, the body and the context.
type opening struct {
	text   string // the URI, the host, and each header field as a line; none of them can hold a line's end
	remote string // the address it came from
	tls    *tls.ConnectionState
}

func keep(r *http.Request) opening {
	uri := r.URL.String()
	size := len(uri) + len(r.Host) + 2
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + 2
		}
	}
	var b strings.Builder
	b.Grow(size)
	for _, line := range []string{uri, r.Host} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	for name, values := range r.Header {
		for _, v := range values {
			b.WriteString(name)
			b.WriteByte(':')
			b.WriteString(v)
			b.WriteByte('\n')
		}
	}
	return opening{b.String(), remote(r), r.TLS}
}

// remote says where a request came from, once [Proxies] have located it.
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
