package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hipflask/handlers"
	"hipflask/server/hipflask"
)

const (
	// patience is how long a test waits for something that is due at once.
	patience = 15 * time.Second

	// nodeDeadline is how long a client script may take altogether.
	nodeDeadline = 60 * time.Second

	clientScripts = "../testdata/clients"
)

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

// testServer is the server under test, run in this process.
type testServer struct {
	URL    string // http://127.0.0.1:PORT, or unix:PATH
	Addr   string // 127.0.0.1:PORT, or PATH
	Stdout *output
	Stderr *output

	t       *testing.T
	cancel  context.CancelFunc
	stopped bool // by the test, which has seen what run returned
	done    chan struct{}
	err     error // what run returned, once done is closed
}

// startServer runs the server on a free port with these arguments and an empty
// environment, and stops it when the test is over.
func startServer(t *testing.T, args ...string) *testServer {
	t.Helper()
	return startApp(t, handlers.Register, args...)
}

// startApp is startServer with another application.
func startApp(t *testing.T, register func(*hipflask.App) error, args ...string) *testServer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &testServer{Stdout: newOutput(), Stderr: newOutput(), t: t, cancel: cancel, done: make(chan struct{})}
	args = append([]string{"--port", "0"}, args...)
	go func() {
		defer close(s.done)
		s.err = hipflask.Run(ctx, args, noEnv, s.Stdout, s.Stderr, register)
		s.Stdout.end()
		s.Stderr.end()
	}()
	t.Cleanup(func() {
		if stopped := s.stopped; s.stop() != nil && !stopped {
			t.Errorf("run: %v", s.err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", tail(s.Stderr.String()))
		}
	})
	address := s.Stderr.waitMatch(t, regexp.MustCompile(`(https?://|unix:)([^\s"/]+:\d+|/[^\s"]+)`))
	s.URL, s.Addr = address[0], address[2]
	return s
}

// stop shuts the server down and returns what run returned. It can be called again.
func (s *testServer) stop() error {
	s.t.Helper()
	s.stopped = true
	s.cancel()
	select {
	case <-s.done:
		return s.err
	case <-time.After(patience):
		s.t.Fatalf("the server did not stop within %v", patience)
		return nil
	}
}

// end stops the server, which has to end well. Lines are written behind its back: only
// now do all of them stand in its stdout and its log.
func (s *testServer) end() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Errorf("run: %v", err)
	}
}

// absent skips the test because of a missing tool. In CI that is a failure, as
// nobody would notice there that the test has stopped to run.
func absent(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// needNode returns the path of node, or skips the test.
func needNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		absent(t, "needs Node.js 20 or later on the PATH")
	}
	if _, err := os.Stat("../testdata/node_modules"); err != nil {
		absent(t, "needs the npm clients; run: npm ci --ignore-scripts --prefix testdata")
	}
	return node
}

// needChromium returns the path of a Chromium or Chrome, or skips the test.
func needChromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if chosen := os.Getenv("HIPFLASK_TEST_CHROMIUM"); chosen != "" {
		names = []string{chosen}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	absent(t, "needs "+strings.Join(names, ", or ")+"; HIPFLASK_TEST_CHROMIUM can name another browser")
	return ""
}

// clientConfig is the argument of a client script; each script reads what concerns it.
type clientConfig struct {
	URL         string            `json:"url"`
	NextURL     string            `json:"nextURL,omitempty"`
	Client      string            `json:"client,omitempty"`  // npm alias
	Peer        string            `json:"peer,omitempty"`    // npm alias of the other one of a pair
	Mode        string            `json:"mode,omitempty"`    // websocket, polling or default
	Options     map[string]any    `json:"options,omitempty"` // of the client's
	Behaviours  []string          `json:"behaviours,omitempty"`
	Clients     []string          `json:"clients,omitempty"` // npm aliases
	Count       int               `json:"count,omitempty"`
	TextBytes   int               `json:"textBytes,omitempty"`
	BinaryBytes int               `json:"binaryBytes,omitempty"`
	Chromium    string            `json:"chromium,omitempty"`
	Engines     map[string]engine `json:"engines,omitempty"` // by name
	CAFile      string            `json:"caFile,omitempty"`
	Deadline    int64             `json:"deadline"` // milliseconds; startNode sets it
	*foreignPages
}

// report is one line that a client script printed.
type report struct {
	Behaviour string          `json:"behaviour"`
	Event     string          `json:"event"`
	Sent      json.RawMessage `json:"sent"` // a message that it sent
	Args      json.RawMessage `json:"args"` // the arguments that came back
	line      string
}

// decode reads the whole line into v.
func (r report) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.line), v); err != nil {
		t.Fatalf("%v in %s", err, r.line)
	}
}

// node is a running client script.
type node struct {
	script string
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	done   chan struct{}
	err    error // what became of the process, once done is closed
}

// startNode starts a client script. It is ended with the test, or at nodeDeadline.
func startNode(t *testing.T, script string, config clientConfig) *node {
	t.Helper()
	path := needNode(t)
	config.Deadline = nodeDeadline.Milliseconds()
	argument, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	// The script's own deadline comes first and says more.
	ctx, cancel := context.WithTimeout(context.Background(), nodeDeadline+patience)
	cmd := exec.CommandContext(ctx, path, filepath.Join(clientScripts, script), string(argument))
	// A browser's driver takes the browser down with it, given the chance.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	n := &node{script: script, cmd: cmd, stdout: newOutput(), stderr: newOutput(), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = n.stdout, n.stderr
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer close(n.done)
		n.err = cmd.Wait()
		n.stdout.end()
		n.stderr.end()
	}()
	t.Cleanup(func() {
		cancel()
		<-n.done
		if t.Failed() {
			t.Logf("stderr of %s:\n%s", script, tail(n.stderr.String()))
		}
	})
	return n
}

// await waits for the report of an event.
func (n *node) await(t *testing.T, behaviour, event string) {
	t.Helper()
	what := behaviour + " " + event + " from " + n.script
	n.stdout.waitFor(t, what, nodeDeadline+patience, func(string) bool {
		return slices.ContainsFunc(n.reports(t), func(r report) bool {
			return r.Behaviour == behaviour && r.Event == event
		})
	})
}

// finish waits for the end of the script and returns all that it reported.
func (n *node) finish(t *testing.T) []report {
	t.Helper()
	<-n.done
	if n.err != nil {
		t.Fatalf("%s: %v; it reported:\n%s", n.script, n.err, tail(n.stdout.String()))
	}
	return n.reports(t)
}

// reports reads the complete lines written so far.
func (n *node) reports(t *testing.T) []report {
	t.Helper()
	text := n.stdout.String()
	var all []report
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		r := report{line: line}
		r.decode(t, &r)
		all = append(all, r)
	}
	return all
}

// runNode runs a client script to its end and returns what it reported.
func runNode(t *testing.T, script string, config clientConfig) []report {
	t.Helper()
	return startNode(t, script, config).finish(t)
}
