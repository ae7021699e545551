package app

import (
	"context"
	"io"
	"sync"
)

// maxLines is how many bytes of lines may wait for stdout. Whoever writes when
// that is full waits: a slow stdout slows the chat down, it loses nothing.
const maxLines = 1 << 20

// lineWriter lets handlers print without waiting for stdout. One goroutine writes
// what has gathered since its last write.
type lineWriter struct {
	w io.Writer

	mu     sync.Mutex
	more   *sync.Cond // buf is not empty, or closed
	space  *sync.Cond // buf is short enough
	buf    []byte
	closed bool
	err    error
	done   chan struct{}
}

func newLineWriter(w io.Writer) *lineWriter {
	l := &lineWriter{w: w, done: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	l.space = sync.NewCond(&l.mu)
	go l.run()
	return l
}

// Write takes a copy of p. It reports the error of an earlier write, if there was one.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) >= maxLines && l.err == nil && !l.closed {
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

func (l *lineWriter) run() {
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
func (l *lineWriter) Close(ctx context.Context) error {
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
