package lines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hipflask/testdata/testkit"
)

// pipe is a reader that begins to read when it is told to.
type pipe struct {
	began chan struct{} // something is written
	goOn  chan struct{} // closed when it is read
	bytes.Buffer
	err error
}

func newPipe() *pipe { return &pipe{began: make(chan struct{}, 100), goOn: make(chan struct{})} }

func (p *pipe) Write(b []byte) (int, error) {
	p.began <- struct{}{}
	<-p.goOn
	if p.err != nil {
		return 0, p.err
	}
	return p.Buffer.Write(b)
}

func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	t.Cleanup(cancel)
	return ctx
}

// While nobody reads, a Losing writer takes as much as it may, loses the rest, and says so when it
// can.
func TestLosing(t *testing.T) {
	p := newPipe()
	l := Losing(p, func(lost int) []byte { return fmt.Appendf(nil, "%d lost\n", lost) })
	line := strings.Repeat("x", 99) + "\n"
	const more = 10
	fmt.Fprint(l, "first\n")
	<-p.began // it waits for the reader with that alone
	for range maxWaiting/len(line) + 1 + more {
		if _, err := io.WriteString(l, line); err != nil {
			t.Fatal(err)
		}
	}
	close(p.goOn)
	if err := l.Close(limit(t)); err != nil {
		t.Fatal(err)
	}
	want := "first\n" + strings.Repeat(line, maxWaiting/len(line)+1) + fmt.Sprintf("%d lost\n", more)
	if got := p.String(); got != want {
		t.Errorf("%d bytes were written, want %d; the last are %q", len(got), len(want), got[max(0, len(got)-30):])
	}
}

// While nobody reads, who writes to a Waiting writer waits, and nothing is lost.
func TestWaiting(t *testing.T) {
	p := newPipe()
	l := Waiting(p, nil)
	fmt.Fprint(l, "first\n")
	<-p.began
	full := strings.Repeat("x", maxWaiting-1) + "\n"
	fmt.Fprint(l, full)
	wrote := make(chan struct{})
	go func() {
		fmt.Fprint(l, "last\n")
		close(wrote)
	}()
	select {
	case <-wrote:
		t.Error("it did not wait")
	case <-time.After(10 * time.Millisecond): // it may not have come so far: then nothing is tested
	}
	close(p.goOn)
	select {
	case <-wrote:
	case <-time.After(testkit.Deadline):
		t.Fatal("it waits for ever")
	}
	if err := l.Close(limit(t)); err != nil {
		t.Fatal(err)
	}
	if got, want := p.String(), "first\n"+full+"last\n"; got != want {
		t.Errorf("%d bytes were written, want %d", len(got), len(want))
	}
}

func TestTheEnd(t *testing.T) {
	p := newPipe()
	l := Waiting(p, nil)
	fmt.Fprint(l, "first\n")
	<-p.began
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Close(over); !errors.Is(err, context.Canceled) {
		t.Errorf("Close returned %v while nobody read", err)
	}
	if _, err := fmt.Fprint(l, "late\n"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a line after the end: %v", err)
	}
	close(p.goOn)
	if err := l.Close(limit(t)); err != nil || p.String() != "first\n" {
		t.Errorf("wrote %q, %v", p.String(), err)
	}
}

// writes are what was written, one by one.
type writes chan string

func (w writes) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// A line is written at once, unless another was shortly before: then it waits for more.
func TestGathering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrote := make(writes, 10)
		l := Waiting(wrote, nil)
		expect := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(wrote) > 0 {
				got = append(got, <-wrote)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %.20q was written, want %.20q", when, got, want)
			}
		}
		fmt.Fprint(l, "1\n")
		expect("the first line", "1\n")
		fmt.Fprint(l, "2\n")
		fmt.Fprint(l, "3\n")
		expect("two shortly after")
		time.Sleep(pause)
		expect("after the pause", "2\n3\n")
		time.Sleep(pause)
		fmt.Fprint(l, "4\n")
		expect("after a time without lines", "4\n")

		large := strings.Repeat("x", plenty-1) + "\n"
		fmt.Fprint(l, large)
		expect("a large one", large)
		fmt.Fprint(l, "5\n")
		now := time.Now()
		if err := l.Close(t.Context()); err != nil || time.Since(now) != 0 {
			t.Errorf("Close returned %v, %v later: it waits for the pause", err, time.Since(now))
		}
		expect("the end", "5\n")
	})
}
