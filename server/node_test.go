package main

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

// nodeDeadline is how long a client script may take altogether.
const nodeDeadline = 60 * time.Second

// engine is what a script needs to start a browser.
type engine struct {
	Path   string `json:"path"`
	Driver string `json:"driver,omitempty"`
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
	Deadline    int64             `json:"deadline,omitempty"` // milliseconds; 0: nodeDeadline
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

// startNode starts a client script, with what concerns it of a clientConfig or the like.
// It is ended with the test, or at the deadline, which is nodeDeadline where config has
// no other, in milliseconds.
func startNode(t *testing.T, script string, config any) *node {
	t.Helper()
	path := needNode(t)
	limit := struct{ Deadline int64 }{nodeDeadline.Milliseconds()}
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(limit.Deadline)*time.Millisecond+patience)
	cmd := exec.CommandContext(ctx, path, clientScripts(script), string(argument))
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
func runNode(t *testing.T, script string, config any) []report {
	t.Helper()
	return startNode(t, script, config).finish(t)
}
