// Package lines lets a server write to stdout and stderr without waiting for who
// reads them. It owns the lines that are on their way.
package lines

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"
)

const (
	// maxWaiting is how many bytes of lines may wait to be written.
	maxWaiting = 1 << 20
	// pause is the time from one write to the next, for lines to gather. A line that
	// nothing was written shortly before does not wait. To wake the goroutine for each
	// line of a busy server, on another processor, costs more than all else about the
	// line: a fifth of a broadcast to 100 clients.
	pause = 10 * time.Millisecond
	// plenty is how many bytes are not let wait for that.
	plenty = 64 << 10
)

// Writer takes lines and has one goroutine that writes what has gathered since its
// last write.
type Writer struct {
	w     io.Writer
	lost  func(lines int) []byte // nil: whoever writes waits instead
	done  chan struct{}
	hurry chan struct{} // capacity 1: plenty waits, or closed

	mu      sync.Mutex
	more    *sync.Cond // buf is not empty, or closed
	space   *sync.Cond // buf is short enough
	buf     []byte
	dropped int // lines that came after buf
	closed  bool
	err     error
}

// Waiting makes a Writer that loses nothing: while too much waits for w, so does who
// writes.
func Waiting(w io.Writer) *Writer { return start(w, nil) }

// Losing makes a Writer that nobody ever waits for: while too much waits for w, lines
// are lost, and in their place stands what lost says of how many there were.
func Losing(w io.Writer, lost func(lines int) []byte) *Writer { return start(w, lost) }

func start(w io.Writer, lost func(int) []byte) *Writer {
	l := &Writer{w: w, lost: lost, done: make(chan struct{}), hurry: make(chan struct{}, 1)}
	l.more = sync.NewCond(&l.mu)
	l.space = sync.NewCond(&l.mu)
	go l.run()
	return l
}

// Write takes a copy of p, which is whole lines. It reports the error of an earlier
// write, if there was one.
func (l *Writer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) >= maxWaiting && l.err == nil && !l.closed {
		if l.lost != nil {
			l.dropped += bytes.Count(p, []byte("\n"))
			return len(p), nil
		}
		l.space.Wait()
	}
	if l.closed {
		return 0, io.ErrClosedPipe
	}
	if l.err != nil {
		return 0, l.err
	}
	before := len(l.buf)
	l.buf = append(l.buf, p...)
	l.more.Signal()
	if before < plenty && len(l.buf) >= plenty {
		l.noPause()
	}
	return len(p), nil
}

// noPause ends the pause, or has the next one left out.
func (l *Writer) noPause() {
	select {
	case l.hurry <- struct{}{}:
	default:
	}
}

func (l *Writer) run() {
	defer close(l.done)
	again := time.NewTimer(pause)
	defer again.Stop()
	var out []byte
	for {
		next, more := l.take(out)
		if out = next; len(out) > 0 {
			if _, err := l.w.Write(out); err != nil {
				l.fail(err)
				return
			}
		}
		if !more {
			return
		}
		again.Reset(pause)
		select {
		case <-again.C:
		case <-l.hurry:
		}
	}
}

// take waits for lines and takes all there are, and says whether more may come. Its
// argument is what was taken last, whose memory the next lines go to.
func (l *Writer) take(last []byte) (out []byte, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) == 0 && !l.closed {
		l.more.Wait()
	}
	out, l.buf = l.buf, last[:0]
	if l.dropped > 0 {
		out = append(out, l.lost(l.dropped)...)
		l.dropped = 0
	}
	l.space.Broadcast()
	return out, !l.closed
}

func (l *Writer) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.buf = err, nil
	l.space.Broadcast()
}

// Close writes what is left and ends the goroutine, or gives up when ctx ends.
func (l *Writer) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.more.Signal()
	l.space.Broadcast()
	l.mu.Unlock()
	l.noPause()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
