package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for something that is due at once.
const patience = 15 * time.Second

// output keeps what a server or a process writes, and wakes whoever waits for it.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	most    int // bytes that are kept, the oldest go; 0: all
	ended   bool
	changed chan struct{} // closed and replaced with every change
}

func newOutput() *output {
	return &output{changed: make(chan struct{})}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if o.most > 0 && o.text.Len() > o.most {
		o.text.Next(o.text.Len() - o.most/2)
	}
	o.wake()
	return len(p), nil
}

// end says that nothing more will be written.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.wake()
}

func (o *output) wake() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) state() (text string, ended bool, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.ended, o.changed
}

func (o *output) String() string {
	text, _, _ := o.state()
	return text
}

// lines returns the lines written so far, the last of them perhaps unfinished.
func (o *output) lines() []string {
	text := o.String()
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// messages returns the lines about messages, without those about connections.
func (o *output) messages() []string {
	return slices.DeleteFunc(o.lines(), func(line string) bool {
		return line == "Client connected" || line == "Client disconnected"
	})
}

// waitFor waits until match is true of the text. It fails the test if the writer
// ends without, or the time is up.
func (o *output) waitFor(t *testing.T, what string, within time.Duration, match func(text string) bool) {
	t.Helper()
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		text, ended, changed := o.state()
		if match(text) {
			return
		}
		if ended {
			t.Fatalf("ended without %s; wrote:\n%s", what, tail(text))
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("no %s within %v; wrote:\n%s", what, within, tail(text))
		}
	}
}

// waitText waits until text has been written.
func (o *output) waitText(t *testing.T, text string) {
	t.Helper()
	o.waitFor(t, text, patience, func(all string) bool { return strings.Contains(all, text) })
}

// waitMatch waits for a match of re and returns it with its groups.
func (o *output) waitMatch(t *testing.T, re *regexp.Regexp) []string {
	t.Helper()
	var found []string
	o.waitFor(t, "match of "+re.String(), patience, func(text string) bool {
		found = re.FindStringSubmatch(text)
		return found != nil
	})
	return found
}

// waitLines waits until line has been written at least n times.
func (o *output) waitLines(t *testing.T, line string, n int) {
	t.Helper()
	o.waitFor(t, "enough lines "+line, patience, func(text string) bool {
		found := 0
		for l := range strings.Lines(text) {
			if l == line+"\n" {
				found++
			}
		}
		return found >= n
	})
}

// tail cuts what would flood a failure message.
func tail(text string) string {
	const most = 4000
	if len(text) <= most {
		return text
	}
	return "... " + text[len(text)-most:]
}

// compareLines reports the first difference between two lists of lines.
func compareLines(t *testing.T, got, want []string) {
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
