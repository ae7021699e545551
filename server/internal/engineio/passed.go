package engineio

import "net/http"

// maxPassed is how many bytes of an answer are kept. It is held from the answer to the next
// poll, which follows at once.
const maxPassed = 16 << 10

type forwardedKey struct{} // the value is the server's id

// isForwarded reports whether another server has passed the request on. That its
// connection ends may be that server's fault, and not the client's.
func isForwarded(r *http.Request) bool { return forwardedFrom(r) != "" }

// forwardedFrom is the id of the server that has passed the request on, empty for none.
func forwardedFrom(r *http.Request) string {
	from, _ := r.Context().Value(forwardedKey{}).(string)
	return from
}

// passed is the answer to a poll that another server has passed on, as it was given to
// that one. Should that server be killed before it has passed the answer on as well, the
// poll comes again, by another way, and is answered the same.
type passed struct {
	http.ResponseWriter
	uri, from string

	header http.Header
	status int // 0: nothing was written
	body   []byte
	long   bool // longer than is kept
}

// Unwrap lets http.ResponseController find what is beneath.
func (p *passed) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *passed) WriteHeader(status int) {
	p.status, p.header = status, p.Header().Clone()
	p.ResponseWriter.WriteHeader(status)
}

// Write fails where the other server takes nothing any more, unless the answer is kept.
func (p *passed) Write(b []byte) (int, error) {
	if p.long = p.long || len(p.body)+len(b) > maxPassed; !p.long {
		p.body = append(p.body, b...)
	}
	n, err := p.ResponseWriter.Write(b)
	if !p.long {
		return len(b), nil
	}
	return n, err
}

// FlushError is how http.ResponseController flushes.
func (p *passed) FlushError() error {
	err := http.NewResponseController(p.ResponseWriter).Flush()
	if !p.long {
		return nil
	}
	return err
}
