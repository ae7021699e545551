package lines

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

const (
	// Between two tries to write passes a time that doubles. At its longest it is what a line is
	// late when writing is possible again.
	firstRetry   = 10 * time.Millisecond
	longestRetry = 250 * time.Millisecond
	// lastTries is how often a write that fails is tried again after Close: for a second or two.
	lastTries = 10
)

// isGone reports whether nobody will ever read what is written.
func isGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// isFull reports whether the stream takes no more for now, and says so instead of having its writer
// wait: a pipe that another process has made non-blocking.
func isFull(err error) bool { return errors.Is(err, syscall.EAGAIN) }

// put writes out, however often that fails. It reports false when nothing can be written any more.
func (l *Writer) put(out []byte) bool {
	wait, last := firstRetry, lastTries
	for len(out) > 0 {
		n, err := l.w.Write(out)
		n = min(max(n, 0), len(out))
		out = out[n:]
		if n > 0 {
			wait, last = firstRetry, lastTries
			l.wrote(out)
		}
		switch {
		case len(out) == 0 || err == nil && n > 0:
			continue
		case err == nil:
			err = io.ErrShortWrite
		case isGone(err):
			l.fail(err, true)
			return false
		}
		if !isFull(err) {
			l.fail(err, false)
			if l.isEnding() {
				last--
			}
		}
		if last == 0 || !l.retryAfter(wait) {
			l.mu.Lock()
			l.loseLocked()
			l.mu.Unlock()
			return false
		}
		wait = min(2*wait, longestRetry)
	}
	l.works()
	return true
}

// wrote notes what is still to be written of what was taken.
func (l *Writer) wrote(rest []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writing == 0 {
		return // the note, or given up
	}
	l.writing = count(rest)
	if l.noted > 0 && l.writing > 0 {
		l.writing-- // the note itself
	}
}

func (l *Writer) isEnding() bool {
	select {
	case <-l.ending:
		return true
	default:
		return false
	}
}

// retryAfter waits, or until Close is called, and reports false when Close does not wait for the
// result any more.
func (l *Writer) retryAfter(wait time.Duration) bool {
	ending := l.ending
	if l.isEnding() {
		ending = nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ending:
	case <-l.left:
		return false
	}
	return true
}

// fail notes that a write failed, for good if gone.
func (l *Writer) fail(err error, gone bool) {
	l.mu.Lock()
	news := !l.failing || gone
	l.failing, l.gone, l.err = true, gone, err
	if gone {
		l.loseLocked()
	}
	trouble := Trouble{Err: err, Gone: gone, Lost: l.lost - l.told}
	if news {
		l.told = l.lost
	}
	l.space.Broadcast()
	l.mu.Unlock()
	if news && l.tell != nil {
		l.tell(trouble)
	}
}

// works notes that a write succeeded.
func (l *Writer) works() {
	l.mu.Lock()
	news := l.failing
	l.failing, l.writing, l.noted = false, 0, 0
	trouble := Trouble{Lost: l.lost - l.told}
	l.told = l.lost
	l.mu.Unlock()
	if news && l.tell != nil {
		l.tell(trouble)
	}
}
