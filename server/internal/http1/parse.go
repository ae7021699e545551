package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxHead is the longest header that is read here, in bytes; net/http has no room for more in
	// one piece when a connection goes back to it.
	maxHead = 4 << 10
	// maxForm is the longest header, in bytes, that a connection keeps to compare the next with: it
	// takes about three times that, for GET and for POST.
	maxForm = 2 << 10
	// headEnd ends a header, and its last line.
	headEnd = "\r\n\r\n"
	lineEnd = "\r\n"
	// protocol ends the request line.
	protocol = " HTTP/1.1"
	// maxDigits is how many digits a Content-Length has at most: 10 GB.
	maxDigits = 10
)

// isPlain reports whether a request can be served here: a GET without a body, or a POST whose length
// is said, after which the connection goes on as it is, or is given away where a GET asks for that.
func isPlain(r *http.Request) bool {
	switch {
	case r.Proto != "HTTP/1.1" || r.Close || len(r.TransferEncoding) > 0 || len(r.Trailer) > 0:
		return false
	case r.Header["Expect"] != nil:
		return false
	case r.Method == http.MethodGet && r.ContentLength != 0:
		return false
	case r.Method == http.MethodPost && (r.ContentLength < 0 || r.Header["Content-Length"] == nil):
		return false
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return false
	}
	if r.Header["Upgrade"] != nil {
		return r.Method == http.MethodGet
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

func isLength(digits []byte) bool {
	for _, b := range digits {
		if b < '0' || b > '9' {
			return false
		}
	}
	return len(digits) > 0 && len(digits) <= maxDigits
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
