package testkit

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Output keeps what a server or a process writes, and wakes whoever waits for it.
type Output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	Most    int // bytes that are kept, the oldest go; 0: all
	ended   bool
	changed chan struct{} // closed and replaced with every change
}

// NewOutput makes an empty one.
func NewOutput() *Output {
	return &Output{changed: make(chan struct{})}
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if o.Most > 0 && o.text.Len() > o.Most {
		o.text.Next(o.text.Len() - o.Most/2)
	}
	o.wake()
	return len(p), nil
}

// End says that nothing more will be written.
func (o *Output) End() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.wake()
}

func (o *Output) wake() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// State is all that was written, whether that was all, and what is closed at the next change.
func (o *Output) State() (text string, ended bool, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.ended, o.changed
}

func (o *Output) String() string {
	text, _, _ := o.State()
	return text
}

// Lines returns the lines written so far, the last of them perhaps unfinished.
func (o *Output) Lines() []string {
	text := o.String()
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// Messages returns the lines about messages, without those about connections.
func (o *Output) Messages() []string {
	return slices.DeleteFunc(o.Lines(), func(line string) bool {
		return line == "Client connected" || line == "Client disconnected"
	})
}

// WaitFor waits until match is true of the text. It fails the test if the writer ends without, or
// the time is up.
func (o *Output) WaitFor(t testing.TB, what string, within time.Duration, match func(text string) bool) {
	t.Helper()
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		text, ended, changed := o.State()
		if match(text) {
			return
		}
		if ended {
			t.Fatalf("ended without %s; wrote:\n%s", what, Tail(text))
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("no %s within %v; wrote:\n%s", what, within, Tail(text))
		}
	}
}

// WaitText waits until text has been written.
func (o *Output) WaitText(t testing.TB, text string) {
	t.Helper()
	o.WaitFor(t, text, Deadline, func(all string) bool { return strings.Contains(all, text) })
}

// WaitMatch waits for a match of re and returns it with its groups.
func (o *Output) WaitMatch(t testing.TB, re *regexp.Regexp) []string {
	t.Helper()
	var found []string
	o.WaitFor(t, "match of "+re.String(), Deadline, func(text string) bool {
		found = re.FindStringSubmatch(text)
		return found != nil
	})
	return found
}

// WaitLines waits until line has been written at least n times.
func (o *Output) WaitLines(t testing.TB, line string, n int) {
	t.Helper()
	o.WaitFor(t, "enough lines "+line, Deadline, func(text string) bool {
		found := 0
		for l := range strings.Lines(text) {
			if l == line+"\n" {
				found++
			}
		}
		return found >= n
	})
}

// Tail cuts what would flood a failure message.
func Tail(text string) string {
	const most = 4000
	if len(text) <= most {
		return text
	}
	return "... " + text[len(text)-most:]
}

// CompareLines reports the first difference between two lists of lines.
func CompareLines(t testing.TB, got, want []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Errorf("the output ends before line %d, %.200q", i, want[i])
		case i >= len(want):
			t.Errorf("the output goes on at line %d with %.200q", i, got[i])
		case got[i] != want[i]:
			t.Errorf("line %d:\n%.200q, want\n%.200q", i, got[i], want[i])
		default:
			continue
		}
		return
	}
}
