package lines

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// Trouble is what happens to a stream that cannot be written.
type Trouble struct {
	Err  error // why; nil when it can be written again
	Gone bool  // nobody reads it any more: it is not tried again
	Lost int   // lines that were lost meanwhile
}

// Writer takes lines and has one goroutine that writes what has gathered since its last write. A
// write that fails is tried again, from the byte on that it got to, until nobody reads any more
// (EPIPE).
type Writer struct {
	w      io.Writer
	note   func(lines int) []byte // nil: whoever writes waits instead
	tell   func(Trouble)          // nil: not called
	done   chan struct{}
	hurry  chan struct{} // capacity 1: plenty waits, or closed
	ending chan struct{} // closed by Close
	left   chan struct{} // closed when Close does not wait any more

	mu      sync.Mutex
	more    *sync.Cond // buf is not empty, or closed
	space   *sync.Cond // buf is short enough, or what does not fit is lost
	buf     []byte
	writing int // lines that are being written
	dropped int // lines that came after buf, of which the stream has yet to say how many
	noted   int // the same, with the note being written
	lost    int // lines that the stream will not even count
	told    int // of them, those that tell was called for
	closed  bool
	failing bool // the last write failed
	gone    bool // nobody reads any more
	err     error
}

// Write takes a copy of p, which is whole lines. What becomes of them later is no error of this
// call, which fails after Close only.
func (l *Writer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) >= maxWaiting && !l.closed && !l.gone {
		switch {
		case l.note != nil:
			l.dropped += count(p)
			return len(p), nil
		case l.failing:
			l.lost += count(p)
			return len(p), nil
		}
		l.space.Wait()
	}
	switch {
	case l.closed:
		return 0, io.ErrClosedPipe
	case l.gone:
		l.lost += count(p)
		return len(p), nil
	}
	before := len(l.buf)
	l.buf = append(l.buf, p...)
	l.more.Signal()
	if before < plenty && len(l.buf) >= plenty {
		l.noPause()
	}
	return len(p), nil
}

// count counts lines, and what is none as one.
func count(p []byte) int {
	n := bytes.Count(p, []byte("\n"))
	if len(p) > 0 && p[len(p)-1] != '\n' {
		n++
	}
	return n
}

// Lost counts the lines that were lost without a note in their place. err is what the latest write
// that failed returned, nil if none did.
func (l *Writer) Lost() (lines int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost, l.err
}

// noPause ends the pause, or has the next one left out.
func (l *Writer) noPause() {
	select {
	case l.hurry <- struct{}{}:
	default:
	}
}

// take waits for lines and takes all there are, and reports whether more may come. Its argument is
// what was taken last, whose memory the next lines go to.
func (l *Writer) take(last []byte) (out []byte, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) == 0 && !l.closed {
		l.more.Wait()
	}
	out, l.buf = l.buf, last[:0]
	l.writing = count(out)
	if l.dropped > 0 {
		out = append(out, l.note(l.dropped)...)
		l.noted, l.dropped = l.dropped, 0
	}
	l.space.Broadcast()
	return out, !l.closed
}

// loseLocked counts all that is not written as lost. The mutex is held.
func (l *Writer) loseLocked() {
	l.lost += l.writing + l.noted + count(l.buf) + l.dropped
	l.writing, l.noted, l.dropped, l.buf = 0, 0, 0, nil
}

const (
	// maxWaiting is how many bytes of lines may wait to be written.
	maxWaiting = 1 << 20
	// pause is the time from one write to the next, for lines to gather. A line that nothing was
	// written shortly before does not wait. To wake the goroutine for each line of a busy server,
	// on another processor, costs more than all else about the line: a fifth of a broadcast to 100
	// clients.
	pause = 10 * time.Millisecond
	// plenty is how many bytes are not let wait for that.
	plenty = 64 << 10
)
