package lines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faulty is a stream that behaves as it is told.
type faulty struct {
	mu sync.Mutex
	bytes.Buffer
	fault error
	times int // that fault is returned; negative: for ever
	most  int // bytes that one write takes; 0: all
	tries int
}

// fails has the fault returned so many times more.
func (f *faulty) fails(times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times = times
}

func (f *faulty) tried() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tries
}

func (f *faulty) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	n := len(p)
	if f.most > 0 {
		n = min(n, f.most)
	}
	if f.times != 0 {
		f.times--
		if f.most == 0 {
			n = 0
		}
		f.Buffer.Write(p[:n])
		return n, f.fault
	}
	f.Buffer.Write(p[:n])
	return n, nil
}

func note(lost int) []byte { return fmt.Appendf(nil, "%d lost\n", lost) }

// both runs a test with each kind of Writer.
func both(t *testing.T, w func() *faulty, test func(t *testing.T, l *Writer, w *faulty, told *[]Trouble)) {
	for name, start := range map[string]func(io.Writer, *[]Trouble) *Writer{
		"waiting": func(w io.Writer, told *[]Trouble) *Writer {
			return Waiting(w, func(t Trouble) { *told = append(*told, t) })
		},
		"losing": func(w io.Writer, _ *[]Trouble) *Writer { return Losing(w, note) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []Trouble
				f := w()
				test(t, start(f, &told), f, &told)
			})
		})
	}
}

func checkLost(t *testing.T, l *Writer, lines int, err error) {
	t.Helper()
	if got, why := l.Lost(); got != lines || !errors.Is(why, err) || err == nil && why != nil {
		t.Errorf("%d lines are lost for %v, want %d for %v", got, why, lines, err)
	}
}

func closed(t *testing.T, l *Writer) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// A write that fails once, as on a disk that is full for a moment, costs nothing.
func TestOneFailedWriteIsTriedAgain(t *testing.T) {
	both(t, func() *faulty { return &faulty{fault: syscall.ENOSPC, times: 1} },
		func(t *testing.T, l *Writer, w *faulty, told *[]Trouble) {
			fmt.Fprint(l, "1\n")
			time.Sleep(time.Second)
			fmt.Fprint(l, "2\n")
			closed(t, l)
			if got := w.String(); got != "1\n2\n" {
				t.Errorf("wrote %q", got)
			}
			checkLost(t, l, 0, syscall.ENOSPC)
			if l.tell != nil && (len(*told) != 2 || (*told)[0].Err == nil || (*told)[1] != (Trouble{})) {
				t.Errorf("told of %+v", *told)
			}
		})
}

// While writes fail nobody waits, memory is bounded, tries are few, and what fits is written once
// they succeed; what did not fit is counted.
func TestWritesThatFailForAWhile(t *testing.T) {
	line := strings.Repeat("x", 1023) + "\n"
	const outage, fit = time.Minute, maxWaiting / 1024
	both(t, func() *faulty { return &faulty{fault: syscall.EIO, times: -1} },
		func(t *testing.T, l *Writer, w *faulty, told *[]Trouble) {
			fmt.Fprint(l, "first\n")
			synctest.Wait()
			for range fit + 7 {
				if _, err := io.WriteString(l, line); err != nil {
					t.Fatal(err)
				}
			}
			l.mu.Lock()
			held := cap(l.buf)
			l.mu.Unlock()
			if held > 3*maxWaiting {
				t.Errorf("%d bytes are held", held)
			}
			time.Sleep(outage)
			synctest.Wait()
			if most := int(outage/longestRetry) + 10; w.tried() > most || w.tried() < most/2 {
				t.Errorf("%d tries in %v, want %d at most", w.tried(), outage, most)
			}
			w.fails(0)
			time.Sleep(time.Second)
			fmt.Fprint(l, "last\n")
			closed(t, l)
			want := "first\n" + strings.Repeat(line, fit) + "last\n"
			if l.note != nil {
				want = "first\n" + strings.Repeat(line, fit) + "7 lost\nlast\n"
				checkLost(t, l, 0, syscall.EIO)
			} else {
				checkLost(t, l, 7, syscall.EIO)
				if len(*told) != 2 || !errors.Is((*told)[0].Err, syscall.EIO) || (*told)[0].Gone || (*told)[1] != (Trouble{Lost: 7}) {
					t.Errorf("told of %+v", *told)
				}
			}
			if got := w.String(); got != want {
				t.Errorf("%d bytes were written, want %d; the last are %q", len(got), len(want), got[max(0, len(got)-30):])
			}
		})
}

// A write that takes a part, with an error or without one, is gone on with where it stopped: no
// line is written twice, or torn.
func TestShortWrites(t *testing.T) {
	for _, times := range []int{0, 5} {
		both(t, func() *faulty { return &faulty{fault: syscall.EINTR, times: times, most: 3} },
			func(t *testing.T, l *Writer, w *faulty, _ *[]Trouble) {
				var want strings.Builder
				for i := range 100 {
					fmt.Fprintf(&want, "line %d\n", i)
					fmt.Fprintf(l, "line %d\n", i)
				}
				closed(t, l)
				if got := w.String(); got != want.String() {
					t.Errorf("with %d errors: wrote\n%s", times, got)
				}
			})
	}
}

// A pipe that is full and says so (EAGAIN) is like one whose writer waits: with Waiting nothing is
// lost.
func TestAFullPipeIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &faulty{fault: syscall.EAGAIN, times: -1}
		l := Waiting(w, func(tr Trouble) { t.Errorf("told of %+v", tr) })
		fmt.Fprint(l, "first\n")
		synctest.Wait()
		full := strings.Repeat("x", maxWaiting-1) + "\n"
		fmt.Fprint(l, full)
		var wrote atomic.Bool
		go func() {
			fmt.Fprint(l, "last\n")
			wrote.Store(true)
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		if wrote.Load() {
			t.Error("it did not wait")
		}
		w.fails(0)
		time.Sleep(time.Second)
		closed(t, l)
		if got := w.String(); got != "first\n"+full+"last\n" {
			t.Errorf("%d bytes were written", len(got))
		}
		checkLost(t, l, 0, nil)
	})
}

// Once nobody reads any more, lines are counted, nobody waits, and the end does not either.
func TestNobodyReadsAnyMore(t *testing.T) {
	both(t, func() *faulty { return &faulty{fault: fmt.Errorf("write |1: %w", syscall.EPIPE), times: -1} },
		func(t *testing.T, l *Writer, w *faulty, told *[]Trouble) {
			fmt.Fprint(l, "1\n2\n")
			synctest.Wait()
			for range 3 * maxWaiting / 100 {
				if n, err := io.WriteString(l, strings.Repeat("x", 99)+"\n"); n != 100 || err != nil {
					t.Fatal(n, err)
				}
			}
			began := time.Now()
			closed(t, l)
			if time.Since(began) != 0 || w.tried() != 1 {
				t.Errorf("%d tries, Close took %v", w.tried(), time.Since(began))
			}
			checkLost(t, l, 2+3*maxWaiting/100, syscall.EPIPE)
			if l.tell != nil && (len(*told) != 1 || !(*told)[0].Gone || (*told)[0].Lost != 2) {
				t.Errorf("told of %+v", *told)
			}
		})
}

// A reader that goes away in mid-line has lost that one and those after it.
func TestNobodyReadsAnyMoreInMidLine(t *testing.T) {
	both(t, func() *faulty { return &faulty{fault: syscall.EPIPE, times: -1, most: 4} },
		func(t *testing.T, l *Writer, w *faulty, _ *[]Trouble) {
			fmt.Fprint(l, "1\n2222\n3\n")
			closed(t, l)
			if w.String() != "1\n22" {
				t.Errorf("wrote %q", w.String())
			}
			checkLost(t, l, 2, syscall.EPIPE)
		})
}

// The end does not wait for a disk that stays full: it tries a few times more.
func TestTheEndWhileWritesFail(t *testing.T) {
	both(t, func() *faulty { return &faulty{fault: syscall.ENOSPC, times: -1} },
		func(t *testing.T, l *Writer, w *faulty, _ *[]Trouble) {
			fmt.Fprint(l, "1\n")
			time.Sleep(time.Minute)
			fmt.Fprint(l, "2\n3\n")
			began, tries := time.Now(), w.tried()
			closed(t, l)
			if took := time.Since(began); took == 0 || took > 3*time.Second || w.tried() == tries {
				t.Errorf("Close took %v and %d tries", took, w.tried()-tries)
			}
			checkLost(t, l, 3, syscall.ENOSPC)
		})
	both(t, func() *faulty { return &faulty{fault: syscall.ENOSPC, times: -1} },
		func(t *testing.T, l *Writer, w *faulty, _ *[]Trouble) {
			fmt.Fprint(l, "1\n")
			time.Sleep(time.Minute)
			w.fails(1) // there is room again in time
			fmt.Fprint(l, "2\n")
			closed(t, l)
			if w.String() != "1\n2\n" {
				t.Errorf("wrote %q", w.String())
			}
			checkLost(t, l, 0, syscall.ENOSPC)
		})
}

// What nobody has read when the time is up counts as lost; Close says that it gave up.
func TestTheEndWhileNobodyReads(t *testing.T) {
	p := newPipe()
	l := Waiting(p, nil)
	fmt.Fprint(l, "1\n2\n")
	<-p.began
	fmt.Fprint(l, "3\n")
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for range 2 {
		if err := l.Close(over); !errors.Is(err, context.Canceled) {
			t.Errorf("Close: %v", err)
		}
		checkLost(t, l, 3, nil)
	}
	close(p.goOn)
	<-l.done
}

// A full pipe at the end is waited for until the time is up.
func TestTheEndWhileAPipeIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &faulty{fault: syscall.EAGAIN, times: -1}
		l := Waiting(w, nil)
		fmt.Fprint(l, "1\n")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
		checkLost(t, l, 1, nil)
		synctest.Wait()
		<-l.done
	})
}

// A line that was never ended counts as one.
func TestCount(t *testing.T) {
	for text, want := range map[string]int{"": 0, "a": 1, "a\n": 1, "a\nb": 2, "\n\n": 2} {
		if got := count([]byte(text)); got != want {
			t.Errorf("%q: %d lines, want %d", text, got, want)
		}
	}
}
