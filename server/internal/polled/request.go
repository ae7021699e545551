package polled

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// headEnd ends a header, and its last line.
	headEnd = "\r\n\r\n"
	lineEnd = "\r\n"
	// protocol ends the request line.
	protocol = " HTTP/1.1"
	// maxDigits is how many digits a Content-Length has at most: 10 GB.
	maxDigits = 10
)

// isPlain reports whether a request can be served here: a GET without a body, or a POST whose length
// is said, after which the connection goes on as it is.
func isPlain(r *http.Request) bool {
	switch {
	case r.Proto != "HTTP/1.1" || r.Close || len(r.TransferEncoding) > 0 || len(r.Trailer) > 0:
		return false
	case r.Header["Upgrade"] != nil || r.Header["Expect"] != nil:
		return false
	case r.Method == http.MethodGet && r.ContentLength != 0:
		return false
	case r.Method == http.MethodPost && (r.ContentLength < 0 || r.Header["Content-Length"] == nil):
		return false
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return false
	}
	for _, value := range r.Header["Connection"] {
		if !strings.EqualFold(value, "keep-alive") {
			return false
		}
	}
	return true
}

// isHead reports whether bytes can be the beginning of a header that is read here: its lines end as
// they should, and there are no other control characters.
func isHead(p []byte) bool {
	for i, b := range p {
		switch {
		case b == '\n':
			if i == 0 || p[i-1] != '\r' {
				return false
			}
		case b == '\r':
			if i+1 < len(p) && p[i+1] != '\n' {
				return false
			}
		case b < ' ' && b != '\t' || b == 0x7f:
			return false
		}
	}
	return true
}

// form is a request as it has come before: the lines of its header, but for the digits of its
// Content-Length, and what they mean.
type form struct {
	before, after []byte
	request       *http.Request // nil: none has come
	path          string        // as it was written
}

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

// isTarget reports whether a request's target is a path, perhaps with a query.
func isTarget(target []byte) bool {
	if len(target) == 0 || target[0] != '/' {
		return false
	}
	for _, b := range target {
		if b <= ' ' || b >= 0x7f || b == '#' {
			return false
		}
	}
	return true
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

func isLength(digits []byte) bool {
	for _, b := range digits {
		if b < '0' || b > '9' {
			return false
		}
	}
	return len(digits) > 0 && len(digits) <= maxDigits
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
	*f = form{bytes.Clone(before), bytes.Clone(after), r, path}
	if after != nil && f.after == nil {
		f.after = []byte{}
	}
	again := new(http.Request)
	*again = *r
	return again
}

// isValid repeats the checks of net/http's server that its parser does not make.
func isValid(r *http.Request) bool {
	if r.Host == "" || !httpguts.ValidHostHeader(r.Host) {
		return false
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return false
			}
		}
	}
	return true
}

// count counts the lines with a field of this name.
func count(lines []byte, name string) (n int) {
	for line := range bytes.SplitSeq(lines, []byte(lineEnd)) {
		if isField(line, name) {
			n++
		}
	}
	return n
}

func isField(line []byte, name string) bool {
	return len(line) > len(name) && line[len(name)] == ':' && strings.EqualFold(string(line[:len(name)]), name)
}

// aroundLength returns what stands before and behind the digits of the Content-Length, of which
// there has to be one.
func aroundLength(lines []byte) (before, after []byte, ok bool) {
	at := 0
	for line := range bytes.SplitSeq(lines, []byte(lineEnd)) {
		if isField(line, "Content-Length") {
			if ok {
				return nil, nil, false
			}
			value := line[bytes.IndexByte(line, ':')+1:]
			start := at + len(line) - len(bytes.TrimLeft(value, " \t"))
			end := at + len(bytes.TrimRight(line, " \t"))
			if start >= end || !isLength(lines[start:end]) {
				return nil, nil, false
			}
			before, after, ok = lines[:start], lines[end:], true
		}
		at += len(line) + len(lineEnd)
	}
	return before, after, ok
}

// parser keeps what net/http's parser reads through.
type parser struct{ readers sync.Pool }

func (p *parser) parse(ctx context.Context, head []byte) (*http.Request, error) {
	b, ok := p.readers.Get().(*bufio.Reader)
	if !ok {
		b = bufio.NewReaderSize(nil, maxHead)
	}
	defer p.readers.Put(b)
	b.Reset(io.MultiReader(bytes.NewReader(head), strings.NewReader(headEnd)))
	r, err := http.ReadRequest(b)
	if err != nil {
		return nil, err
	}
	r.Body = http.NoBody
	return r.WithContext(ctx), nil
}

// body is that of the request being served.
type body struct {
	conn     *conn
	left     int64     // bytes still to be read
	deadline time.Time // for what has to be waited for
}

// of makes b the body of a request.
func (b *body) of(c *conn, length int64) io.ReadCloser {
	*b = body{conn: c, left: length}
	if length == 0 {
		return http.NoBody
	}
	return b
}

func (b *body) Read(p []byte) (int, error) {
	c := b.conn
	if b.left == 0 {
		return 0, io.EOF
	}
	if len(c.in) == 0 {
		c.limited = true
		err := c.nc.SetReadDeadline(b.deadline)
		if err == nil {
			c.in, err = c.read()
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p[:min(int64(len(p)), b.left)], c.in)
	c.in = c.in[n:]
	b.left -= int64(n)
	return n, nil
}

// Close does nothing: a connection whose request was not read whole ends.
func (b *body) Close() error { return nil }
