package engineio

import (
	"net/http"

	"hipflask/server/internal/budget"
)

const (
	// maxPassed is how many bytes of an answer are kept. It is held from the answer to the next
	// poll, which follows at once, and counts in what all clients may hold.
	maxPassed = 16 << 10
	// passedOverhead is about what a kept answer takes beside its body.
	passedOverhead = 1 << 10
)

type forwardedKey struct{} // the value is the server's id

// isForwarded reports whether another server has passed the request on. That its connection ends
// may be that server's fault, and not the client's.
func isForwarded(r *http.Request) bool { return forwardedFrom(r) != "" }

// forwardedFrom is the id of the server that has passed the request on, empty for none.
func forwardedFrom(r *http.Request) string {
	from, _ := r.Context().Value(forwardedKey{}).(string)
	return from
}

// passed is the answer to a poll that another server has passed on, as it was given to that one.
// Should that server be killed before it has passed the answer on as well, the poll comes again, by
// another way, and is answered the same.
type passed struct {
	http.ResponseWriter
	uri, from string
	memory    *budget.Budget

	header http.Header
	status int // 0: nothing was written
	body   []byte
	held   int  // bytes that were taken of the memory
	lost   bool // not kept: longer than that, or too much is held already
}

// Unwrap lets http.ResponseController find what is beneath.
func (p *passed) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *passed) WriteHeader(status int) {
	if p.status = status; p.take(passedOverhead) {
		p.header = p.Header().Clone()
	}
	p.ResponseWriter.WriteHeader(status)
}

// take counts n bytes more, or reports that the answer is not kept.
func (p *passed) take(n int) bool {
	switch {
	case p.lost:
		return false
	case len(p.body)+n <= maxPassed && p.memory.TakeHalf(n):
		p.held += n
		return true
	}
	p.release()
	p.lost = true
	return false
}

// release lets go of what is kept. It can be called again, and with nil.
func (p *passed) release() {
	if p != nil {
		p.memory.Give(p.held)
		p.held, p.header, p.body = 0, nil, nil
	}
}

// Write fails where the other server takes nothing any more, unless the answer is kept.
func (p *passed) Write(b []byte) (int, error) {
	if p.take(len(b)) {
		p.body = append(p.body, b...)
	}
	n, err := p.ResponseWriter.Write(b)
	if !p.lost {
		return len(b), nil
	}
	return n, err
}

// FlushError is how http.ResponseController flushes.
func (p *passed) FlushError() error {
	err := http.NewResponseController(p.ResponseWriter).Flush()
	if !p.lost {
		return nil
	}
	return err
}
