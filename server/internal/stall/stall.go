// Package stall limits the time in which nothing moves between a client and whoever answers it: an
// answer may go on for hours, and a client that stops reading it, or sending its body, does not
// hold a connection for ever.
package stall

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are how long nothing may move, in each direction. Zero is no limit of ours.
type Limits struct{ Read, Write time.Duration }

// Writer is a response writer, and its request's body, with these limits: each write and each read
// has time of its own. It has what gin and httputil ask of a response writer.
type Writer struct {
	http.ResponseWriter

	ctx     context.Context // the request's
	control *http.ResponseController
	limits  Limits
	failed  atomic.Bool // reading from or writing to the client has

	mu    sync.Mutex
	begun bool     // something was written
	over  bool     // the deadlines are not moved any more
	taken net.Conn // what was hijacked
}

// New puts a Writer before w, and the same limits before the body of r.
func New(w http.ResponseWriter, r *http.Request, limits Limits) *Writer {
	s := &Writer{ResponseWriter: w, ctx: r.Context(), control: http.NewResponseController(w), limits: limits}
	if limits.Read > 0 && r.Body != nil && r.Body != http.NoBody {
		s.allowRead(limits.Read)
		r.Body = &body{r.Body, s}
	}
	s.allowWrite(false)
	return s
}

// Begun reports whether something of the answer is on its way.
func (s *Writer) Begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

// Failed reports whether the client could not be read from or written to.
func (s *Writer) Failed() bool { return s.failed.Load() }

func (s *Writer) allowWrite(begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = s.begun || begun
	if s.limits.Write > 0 && !s.over {
		_ = s.control.SetWriteDeadline(time.Now().Add(s.limits.Write)) // a writer in memory has none
	}
}

// allowRead gives the next read its time, and 0 takes the limit away.
func (s *Writer) allowRead(limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	var at time.Time
	if limit > 0 {
		at = time.Now().Add(limit)
	}
	_ = s.control.SetReadDeadline(at)
}

// Finish is called when the handler has returned: what it wrote last is still to leave, and then
// the deadlines are net/http's.
func (s *Writer) Finish() {
	s.allowWrite(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// Cut ends the reads and writes under way, and those to come, but not those of a connection that
// was hijacked.
func (s *Writer) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	now := time.Now()
	_ = s.control.SetWriteDeadline(now)
	_ = s.control.SetReadDeadline(now)
}

// WriteHeader gives each of many 1xx answers time of its own, too.
func (s *Writer) WriteHeader(status int) {
	s.allowWrite(true)
	s.ResponseWriter.WriteHeader(status)
}

func (s *Writer) Write(p []byte) (int, error) {
	s.allowWrite(true)
	n, err := s.ResponseWriter.Write(p)
	s.note(err)
	return n, err
}

// Flush is FlushError for those who want no error.
func (s *Writer) Flush() { _ = s.FlushError() }

// FlushError is how http.ResponseController flushes.
func (s *Writer) FlushError() error {
	s.allowWrite(true)
	err := s.control.Flush()
	s.note(err)
	return err
}

func (s *Writer) note(err error) {
	if err != nil {
		s.failed.Store(true)
	}
}

// Hijack hands the connection over, without a limit from here on.
func (s *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn, buf, err := s.control.Hijack()
	if err == nil {
		s.begun, s.over, s.taken = true, true, conn
	}
	return conn, buf, err
}

// CloseHijacked closes a connection whose handler took it over and panicked: net/http leaves it
// open, and it would count among the open ones for good.
func (s *Writer) CloseHijacked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken != nil {
		_ = s.taken.Close()
	}
}

// CloseNotify is what gin's Stream waits for.
func (s *Writer) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(s.ctx, func() { gone <- true })
	return gone
}

// Unwrap lets http.ResponseController find what is beneath.
func (s *Writer) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// body is what the client sends.
type body struct {
	io.ReadCloser

	writer *Writer
}

// Read takes the limit away at the body's end: net/http goes on to read, to notice when the client
// goes, and a deadline that passes then would count as that.
func (b *body) Read(p []byte) (int, error) {
	b.writer.allowRead(b.writer.limits.Read)
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.writer.allowRead(0)
		if err != io.EOF {
			b.writer.note(err)
		}
	}
	return n, err
}
