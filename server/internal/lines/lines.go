// Package lines lets a server write to stdout and stderr without waiting for who reads them. It
// owns the lines that are on their way, what becomes of them when a write fails, and the count of
// those that were lost.
package lines

import (
	"context"
	"io"
	"sync"
	"time"
)

// Waiting makes a Writer that loses nothing while w takes what it is given, however slowly: while
// too much waits for w, so does who writes. While writes to w fail, nobody waits, and what does not
// fit is lost. tell is called, by the Writer's goroutine, when that begins and ends.
func Waiting(w io.Writer, tell func(Trouble)) *Writer { return start(w, nil, tell) }

// Losing makes a Writer that nobody ever waits for: while too much waits for w, lines are lost, and
// in their place stands what note says of how many there were.
func Losing(w io.Writer, note func(lines int) []byte) *Writer { return start(w, note, nil) }

func start(w io.Writer, note func(int) []byte, tell func(Trouble)) *Writer {
	l := &Writer{w: w, note: note, tell: tell, done: make(chan struct{}), hurry: make(chan struct{}, 1),
		ending: make(chan struct{}), left: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	l.space = sync.NewCond(&l.mu)
	go l.run()
	return l
}

func (l *Writer) run() {
	defer close(l.done)
	again := time.NewTimer(pause)
	defer again.Stop()
	var out []byte
	for {
		next, more := l.take(out)
		if out = next; !l.put(out) {
			return
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

// Close writes what is left and ends the goroutine, or gives up when ctx ends: then what is left is
// lost. While writes fail it does not wait for that, but tries a few times more.
func (l *Writer) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.ending)
	}
	l.more.Signal()
	l.space.Broadcast()
	l.mu.Unlock()
	l.noPause()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.left:
	default:
		close(l.left)
		l.loseLocked()
	}
	return ctx.Err()
}
