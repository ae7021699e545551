package http1

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
)

// request makes a request of a header, nil if it is one for net/http.
func (c *conn) request(head []byte) *http.Request {
	line, lines, _ := bytes.Cut(head, []byte(lineEnd))
	f := &c.get
	target, ok := bytes.CutPrefix(line, []byte("GET "))
	if !ok {
		if target, ok = bytes.CutPrefix(line, []byte("POST ")); !ok {
			return nil
		}
		f = &c.post
	}
	target, ok = bytes.CutSuffix(target, []byte(protocol))
	if !ok || !isTarget(target) {
		return nil
	}
	path, query, _ := bytes.Cut(target, []byte("?"))
	if f.request != nil && string(path) == f.path {
		if length, ok := f.matches(lines); ok {
			return f.repeated(string(target), string(query), length)
		}
	}
	return c.learn(f, head, string(path), lines)
}

// matches reports whether the lines of a header are those that have come before, and what length of
// the body they say, empty for none.
func (f *form) matches(lines []byte) (length string, ok bool) {
	if f.after == nil {
		return "", bytes.Equal(lines, f.before)
	}
	digits, ok := bytes.CutPrefix(lines, f.before)
	if !ok {
		return "", false
	}
	digits, ok = bytes.CutSuffix(digits, f.after)
	return string(digits), ok && isLength(digits)
}

// repeated makes a request that differs from the one before in query and length alone.
func (f *form) repeated(target, query, length string) *http.Request {
	r := new(http.Request)
	*r = *f.request
	r.URL = new(url.URL)
	*r.URL = *f.request.URL
	r.URL.RawQuery, r.RequestURI = query, target
	if length != "" {
		r.ContentLength, _ = strconv.ParseInt(length, 10, 64) // these are digits
		r.Header["Content-Length"] = []string{length}
	}
	return r
}

// learn has net/http's parser make the request, for which head may be nothing unusual.
func (c *conn) learn(f *form, head []byte, path string, lines []byte) *http.Request {
	if !isHead(head) || count(lines, "Host") != 1 {
		return nil
	}
	r, err := c.conns.parser.parse(c.ctx, head)
	if err != nil || !isPlain(r) || !isValid(r) {
		return nil
	}
	before, after := lines, []byte(nil)
	if r.Method == http.MethodPost {
		var ok bool
		if before, after, ok = aroundLength(lines); !ok {
			return nil
		}
	}
	r.RemoteAddr, r.TLS = c.remoteAddr, c.tls
	if len(lines) > maxForm || r.Header["Upgrade"] != nil {
		return r
	}
	*f = form{bytes.Clone(before), bytes.Clone(after), r, path} // after stays nil for a GET alone
	again := new(http.Request)
	*again = *r
	return again
}
