package http1

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"

	"golang.org/x/net/http/httpguts"
)

var errWritten = errors.New("http1: the answer is whole already")

// reset makes a the answer to the next request.
func (a *answer) reset(c *conn) {
	header := a.header
	if header == nil {
		header = make(http.Header, 8)
	}
	clear(header)
	*a = answer{conn: c, header: header, length: -1}
}

// handle runs the handler, and reports false if that wants the connection cut.
func (a *answer) handle(r *http.Request) (ok bool) {
	defer func() { ok = recover() == nil }() // whoever panics has logged why, see http.ErrAbortHandler
	a.conn.conns.opts.Handler.ServeHTTP(a, r)
	return
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status = status
	if n, err := strconv.Atoi(a.header.Get("Content-Length")); err == nil {
		a.length = n
		a.begin()
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	switch {
	case a.failed != nil:
		return 0, a.failed
	case a.length >= 0 && a.written+len(p) > a.length:
		return 0, errWritten
	}
	if a.out == nil {
		a.out = a.conn.conns.outs.get()
	}
	*a.out = append(*a.out, p...)
	a.written += len(p)
	if a.begun && len(*a.out) >= outSize {
		return len(p), a.push()
	}
	return len(p), nil
}

// begin puts the header in front of what was written. The length of the body is known.
func (a *answer) begin() {
	body := a.out
	a.out = a.conn.conns.outs.get()
	a.begun = true
	a.appendHead(body)
	if body != nil {
		*a.out = append(*a.out, *body...)
		a.conn.conns.outs.put(body)
	}
}

// appendHead appends what net/http would.
func (a *answer) appendHead(body *buffer) {
	h, out := a.header, a.out
	if a.closes {
		h.Set("Connection", "close")
	}
	a.closes = h.Get("Connection") == "close"
	*out = append(*out, "HTTP/1.1 "...)
	*out = strconv.AppendInt(*out, int64(a.status), 10)
	*out = append(append(append(*out, ' '), http.StatusText(a.status)...), "\r\n"...)
	if body != nil && len(*body) > 0 && h["Content-Type"] == nil {
		h.Set("Content-Type", http.DetectContentType(*body))
	}
	for name, values := range h {
		for _, v := range values {
			if httpguts.ValidHeaderFieldValue(v) { // a line's end in it would begin another field
				*out = append(append(append(*out, name...), ": "...), v...)
				*out = append(*out, lineEnd...)
			}
		}
	}
	if h["Content-Length"] == nil {
		*out = append(*out, "Content-Length: "...)
		*out = append(strconv.AppendInt(*out, int64(a.length), 10), "\r\n"...)
	}
	if h["Date"] == nil {
		*out = append(*out, "Date: "...)
		*out = append(time.Now().UTC().AppendFormat(*out, http.TimeFormat), "\r\n"...)
	}
	*out = append(*out, "\r\n"...)
}

// complete makes the answer what was written so far, unless its length was said.
func (a *answer) complete() {
	a.WriteHeader(http.StatusOK)
	if !a.begun {
		a.length = a.written
		a.begin()
	}
}

// FlushError is how an http.ResponseController flushes.
func (a *answer) FlushError() error {
	a.complete()
	return a.push()
}

// TryFlush is Later's.
func (a *answer) TryFlush() (whole bool, err error) {
	a.complete()
	return a.try()
}

// try writes what the kernel takes at once, and reports whether that is all.
func (a *answer) try() (whole bool, err error) {
	c := a.conn
	switch {
	case a.failed != nil:
		return false, a.failed
	case a.out == nil || len(*a.out) == 0:
		return true, nil
	case a.isLate():
		a.failed = os.ErrDeadlineExceeded
		return false, a.failed
	case c.raw == nil:
		return false, nil
	}
	n, err := c.writer.Try(c.raw, *a.out)
	if err != nil {
		a.failed = err
		return false, err
	}
	a.sent(n)
	return len(*a.out) == 0, nil
}

// sent takes n bytes off.
func (a *answer) sent(n int) { *a.out = (*a.out)[:copy(*a.out, (*a.out)[n:])] }

// push writes everything.
func (a *answer) push() error {
	whole, err := a.try()
	if whole || err != nil {
		return err
	}
	c := a.conn
	a.block(true)
	n, err := c.nc.Write(*a.out)
	a.block(false)
	a.sent(n)
	a.failed = err
	return err
}

// block is called before and after a write that may wait.
func (a *answer) block(waits bool) {
	c := a.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	a.blocked = waits
	switch {
	case a.deadline.IsZero():
	case waits:
		_ = c.nc.SetWriteDeadline(a.deadline)
	default:
		_ = c.nc.SetWriteDeadline(time.Time{})
	}
}

func (a *answer) isLate() bool {
	a.conn.mu.Lock()
	defer a.conn.mu.Unlock()
	return !a.deadline.IsZero() && !time.Now().Before(a.deadline)
}

// SetWriteDeadline is that of an http.ResponseController.
func (a *answer) SetWriteDeadline(t time.Time) error {
	c := a.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	a.deadline = t
	if a.blocked {
		return c.nc.SetWriteDeadline(t)
	}
	return nil
}

// SetReadDeadline is that of an http.ResponseController: it counts for the body.
func (a *answer) SetReadDeadline(t time.Time) error {
	a.conn.body.deadline = t
	return nil
}

// finish ends an answer when its handler has returned.
func (a *answer) finish() {
	_ = a.FlushError() // kept as failed
	a.release()
}

// release gives the buffer back, and has the connection closed unless the answer is whole.
func (a *answer) release() {
	if a.out != nil {
		a.conn.conns.outs.put(a.out)
		a.out = nil
	}
	if a.failed != nil || !a.begun || a.written != a.length {
		a.closes = true
	}
}

// Later implements Later.
func (a *answer) Later(gone func()) {
	a.isLater, a.gone = true, gone
	a.conn.begin(a)
}

// Go implements Later.
func (a *answer) Go(f func()) { a.conn.conns.running.Go(f) }

// Done implements Later.
func (a *answer) Done() {
	a.release()
	a.conn.done(a.closes)
}
