package hipflask

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// stallTimeout is how long a client of a route, a file or the page may take to read
// something more of its answer.
const stallTimeout = 75 * time.Second

// stallLimits bound the time in which nothing moves between a client and whoever
// answers it: an answer may go on for hours, and a client that stops reading it, or
// sending its body, does not hold a connection for ever. Zero is no limit of ours.
type stallLimits struct{ read, write time.Duration }

// staller is a response writer, and its request's body, with these limits. It has what
// gin asks of a response writer.
type staller struct {
	http.ResponseWriter

	request *http.Request
	control *http.ResponseController
	limits  stallLimits

	mu    sync.Mutex
	begun bool     // something was written
	over  bool     // the handler has returned or the connection is hijacked: it is another's
	taken net.Conn // what was hijacked
}

func newStaller(w http.ResponseWriter, r *http.Request, limits stallLimits) *staller {
	s := &staller{ResponseWriter: w, request: r, control: http.NewResponseController(w), limits: limits}
	if limits.read > 0 && r.Body != nil && r.Body != http.NoBody {
		s.allowRead()
		r.Body = &stallingBody{r.Body, s}
	}
	s.allowWrite(false)
	return s
}

// hasBegun reports whether something of the answer is on its way.
func (s *staller) hasBegun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

func (s *staller) allowWrite(begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = s.begun || begun
	if s.limits.write > 0 && !s.over {
		_ = s.control.SetWriteDeadline(time.Now().Add(s.limits.write))
	}
}

func (s *staller) allowRead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		_ = s.control.SetReadDeadline(time.Now().Add(s.limits.read))
	}
}

// allRead takes the limit away at the body's end: net/http goes on to read, to notice
// when the client goes.
func (s *staller) allRead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		_ = s.control.SetReadDeadline(time.Time{})
	}
}

// finish is called when the handler has returned: what it wrote last is still to leave.
func (s *staller) finish() {
	s.allowWrite(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

func (s *staller) WriteHeader(status int) {
	s.allowWrite(true)
	s.ResponseWriter.WriteHeader(status)
}

func (s *staller) Write(p []byte) (int, error) {
	s.allowWrite(true)
	return s.ResponseWriter.Write(p)
}

func (s *staller) Flush() { _ = s.FlushError() }

func (s *staller) FlushError() error {
	s.allowWrite(true)
	return s.control.Flush()
}

func (s *staller) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn, buf, err := s.control.Hijack()
	if err == nil {
		s.begun, s.over, s.taken = true, true, conn
	}
	return conn, buf, err
}

// closeHijacked closes a connection whose handler took it over and panicked: net/http
// leaves it open, and it would count among the open ones for good.
func (s *staller) closeHijacked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken != nil {
		_ = s.taken.Close()
	}
}

// CloseNotify is what gin's Stream waits for.
func (s *staller) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(s.request.Context(), func() { gone <- true })
	return gone
}

func (s *staller) Unwrap() http.ResponseWriter { return s.ResponseWriter }

type stallingBody struct {
	io.ReadCloser

	staller *staller
}

func (b *stallingBody) Read(p []byte) (int, error) {
	b.staller.allowRead()
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.staller.allRead()
	}
	return n, err
}
