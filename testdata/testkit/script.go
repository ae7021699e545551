package testkit

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ScriptDeadline is how long a client script may take altogether.
const ScriptDeadline = 60 * time.Second

// Engine is what a script needs to start a browser.
type Engine struct {
	Path   string `json:"path"`
	Driver string `json:"driver,omitempty"`
}

// ScriptConfig is the argument of a client script; each script reads what concerns it.
type ScriptConfig struct {
	URL         string            `json:"url"`
	NextURL     string            `json:"nextURL,omitempty"`
	Client      string            `json:"client,omitempty"`  // npm alias
	Peer        string            `json:"peer,omitempty"`    // npm alias of the other one of a pair
	Parser      string            `json:"parser,omitempty"`  // npm name; empty: the client's own
	Mode        string            `json:"mode,omitempty"`    // websocket, polling or default
	Options     map[string]any    `json:"options,omitempty"` // of the client's
	Behaviours  []string          `json:"behaviours,omitempty"`
	Stepwise    bool              `json:"stepwise,omitempty"` // each behaviour waits for [Script.Step]
	Clients     []string          `json:"clients,omitempty"`  // npm aliases
	Count       int               `json:"count,omitempty"`
	TextBytes   int               `json:"textBytes,omitempty"`
	BinaryBytes int               `json:"binaryBytes,omitempty"`
	Chromium    string            `json:"chromium,omitempty"`
	Engines     map[string]Engine `json:"engines,omitempty"` // by name
	CAFile      string            `json:"caFile,omitempty"`
	Deadline    int64             `json:"deadline,omitempty"` // milliseconds; 0: ScriptDeadline
}

// Report is one line that a client script printed.
type Report struct {
	Behaviour string          `json:"behaviour"`
	Event     string          `json:"event"`
	Sent      json.RawMessage `json:"sent"` // a message that it sent
	Args      json.RawMessage `json:"args"` // the arguments that came back
	Line      string          `json:"-"`    // all of it
}

// Decode reads the whole line into v.
func (r Report) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Line), v); err != nil {
		t.Fatalf("%v in %s", err, r.Line)
	}
}

// Script is a running client script.
type Script struct {
	Name   string
	Cmd    *exec.Cmd
	Stdout *Output
	Stderr *Output
	Done   chan struct{}
	Err    error // what became of the process, once Done is closed
}

// StartScript starts a client script, with what concerns it of a ScriptConfig or the like. It is
// ended with the test, or at the deadline, which is ScriptDeadline where config has no other, in
// milliseconds.
func StartScript(t testing.TB, script string, config any) *Script {
	t.Helper()
	path := NeedNode(t)
	limit := struct{ Deadline int64 }{ScriptDeadline.Milliseconds()}
	all := make(map[string]any)
	argument, err := json.Marshal(config)
	if err = errors.Join(err, json.Unmarshal(argument, &limit), json.Unmarshal(argument, &all)); err == nil {
		all["deadline"] = limit.Deadline
		argument, err = json.Marshal(all)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The script's own deadline comes first and says more.
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(limit.Deadline)*time.Millisecond+Deadline)
	cmd := exec.CommandContext(ctx, path, ClientScript(script), string(argument))
	// A browser's driver takes the browser down with it, given the chance.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = Deadline
	n := &Script{Name: script, Cmd: cmd, Stdout: NewOutput(), Stderr: NewOutput(), Done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = n.Stdout, n.Stderr
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer close(n.Done)
		n.Err = cmd.Wait()
		n.Stdout.End()
		n.Stderr.End()
	}()
	t.Cleanup(func() {
		cancel()
		<-n.Done
		if t.Failed() {
			t.Logf("stderr of %s:\n%s", script, Tail(n.Stderr.String()))
		}
	})
	return n
}

// Await waits for the report of an event.
func (n *Script) Await(t testing.TB, behaviour, event string) {
	t.Helper()
	what := behaviour + " " + event + " from " + n.Name
	n.Stdout.WaitFor(t, what, ScriptDeadline+Deadline, func(string) bool {
		return slices.ContainsFunc(n.reports(t), func(r Report) bool {
			return r.Behaviour == behaviour && r.Event == event
		})
	})
}

// Step waits for the end of a behaviour, and once fn has returned has the next one begin.
func (n *Script) Step(t testing.TB, behaviour string, fn func()) {
	t.Helper()
	n.Await(t, behaviour, "over")
	fn()
	if err := n.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// Finish waits for the end of the script and returns all that it reported.
func (n *Script) Finish(t testing.TB) []Report {
	t.Helper()
	<-n.Done
	if n.Err != nil {
		t.Fatalf("%s: %v; it reported:\n%s", n.Name, n.Err, Tail(n.Stdout.String()))
	}
	return n.reports(t)
}

// reports reads the complete lines written so far.
func (n *Script) reports(t testing.TB) []Report {
	t.Helper()
	text := n.Stdout.String()
	var all []Report
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		r := Report{Line: line}
		r.Decode(t, &r)
		all = append(all, r)
	}
	return all
}

// RunScript runs a client script to its end and returns what it reported.
func RunScript(t testing.TB, script string, config any) []Report {
	t.Helper()
	return StartScript(t, script, config).Finish(t)
}
