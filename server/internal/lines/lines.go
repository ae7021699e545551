// Package lines lets a server write to stdout and stderr without waiting for who
// reads them. It owns the lines that are on their way.
package lines

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// maxWaiting is how many bytes of lines may wait to be written.
const maxWaiting = 1 << 20

// Writer takes lines and has one goroutine that writes what has gathered since its
// last write.
type Writer struct {
	w    io.Writer
	lost func(lines int) []byte // nil: whoever writes waits instead
	done chan struct{}

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
	l := &Writer{w: w, lost: lost, done: make(chan struct{})}
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
	l.buf = append(l.buf, p...)
	l.more.Signal()
	return len(p), nil
}

func (l *Writer) run() {
	defer close(l.done)
	var out []byte
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.buf) == 0 && !l.closed {
			l.more.Wait()
		}
		if len(l.buf) == 0 {
			return
		}
		out, l.buf = l.buf, out[:0]
		if l.dropped > 0 {
			out = append(out, l.lost(l.dropped)...)
			l.dropped = 0
		}
		l.space.Broadcast()
		l.mu.Unlock()
		_, err := l.w.Write(out)
		l.mu.Lock()
		if err != nil {
			l.err, l.buf = err, nil
			l.space.Broadcast()
			return
		}
	}
}

// Close writes what is left and ends the goroutine, or gives up when ctx ends.
func (l *Writer) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.more.Signal()
	l.space.Broadcast()
	l.mu.Unlock()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
