//go:build unix

package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/testdata/testkit"
)

// StartMember starts a server that is part of the cluster of a Redis.
func StartMember(t *testing.T, redis *redistest.Server, args ...string) *Server {
	t.Helper()
	return Start(t, append([]string{"--message-queue", redis.URL()}, args...)...)
}

// Helper is a process that takes part in a cluster. It answers each line of its stdin with one of
// its stdout, and ends when its stdin does.
type Helper struct {
	T      *testing.T
	name   string
	cmd    *exec.Cmd
	stdin  *json.Encoder
	lines  chan string
	stderr *testkit.Output
	done   chan struct{}
}

// startHelper starts a process. It is ended with the test.
func startHelper(t *testing.T, name string, args ...string) *Helper {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &Helper{T: t, name: args[0], lines: make(chan string, 1000), stderr: testkit.NewOutput(), done: make(chan struct{})}
	h.cmd = exec.CommandContext(ctx, name, args...)
	h.cmd.Stderr = h.stderr
	h.cmd.WaitDelay = testkit.Deadline
	stdin, err := h.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := h.cmd.StdoutPipe()
	if err == nil {
		err = h.cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	h.stdin = json.NewEncoder(stdin)
	go func() {
		defer close(h.done)
		defer close(h.lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			h.lines <- scanner.Text()
		}
		_ = h.cmd.Wait() // killed, whatever else
		h.stderr.End()
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		cancel()
		<-h.done
		if t.Failed() {
			t.Logf("stderr of %s:\n%s", h.name, testkit.Tail(h.stderr.String()))
		}
	})
	return h
}

// StartNodeHelper starts a script of testdata/cluster with Node.
func StartNodeHelper(t *testing.T, script string, redis *redistest.Server, args ...string) *Helper {
	t.Helper()
	return startHelper(t, testkit.NeedNode(t), append([]string{testkit.Testdata("cluster", script), redis.URL()}, args...)...)
}

// StartPythonHelper starts one with Debian's Python.
func StartPythonHelper(t *testing.T, script string, redis *redistest.Server) *Helper {
	t.Helper()
	testkit.NeedModules(t, "flask_socketio", "eventlet", "redis")
	return startHelper(t, testkit.Python, "-B", "-u", testkit.Testdata("cluster", script), redis.URL())
}

// Next reads one line of stdout into v.
func (h *Helper) Next(v any) {
	h.T.Helper()
	select {
	case line, ok := <-h.lines:
		if !ok {
			h.T.Fatalf("%s has ended", h.name)
		}
		if err := json.Unmarshal([]byte(line), v); err != nil {
			h.T.Fatalf("%s wrote %.200q: %v", h.name, line, err)
		}
	case <-time.After(testkit.PythonDeadline):
		h.T.Fatalf("%s wrote nothing within %v", h.name, testkit.PythonDeadline)
	}
}

// Command is what a helper is told to do, without the action itself.
type Command map[string]any

// Do has the helper do something and reads the answer into v.
func (h *Helper) Do(action string, c Command, v any) {
	h.T.Helper()
	all := Command{"do": action}
	for key, value := range c {
		all[key] = value
	}
	if err := h.stdin.Encode(all); err != nil {
		h.T.Fatalf("%s: %v", h.name, err)
	}
	h.Next(v)
}

// Tell has the helper do something that has no answer of interest.
func (h *Helper) Tell(action string, c Command) {
	h.T.Helper()
	var answer struct{ Error string }
	if h.Do(action, c, &answer); answer.Error != "" {
		h.T.Fatalf("%s: %s: %s", h.name, action, answer.Error)
	}
}

// StartNodeServer starts a Node server of the cluster and returns its address.
func StartNodeServer(t *testing.T, redis *redistest.Server, args ...string) (*Helper, string) {
	t.Helper()
	h := StartNodeHelper(t, "server.mjs", redis, args...)
	var listening struct{ Port int }
	h.Next(&listening)
	return h, fmt.Sprintf("127.0.0.1:%d", listening.Port)
}

// StartFlaskServer starts a Flask-SocketIO server on the queue and returns its address.
func StartFlaskServer(t *testing.T, redis *redistest.Server) string {
	t.Helper()
	h := StartPythonHelper(t, "flask_server.py", redis)
	started := regexp.MustCompile(`starting up on http://(127\.0\.0\.1:\d+)`)
	var addr string
	h.stderr.WaitFor(t, "address from "+h.name, testkit.PythonDeadline, func(text string) bool {
		found := started.FindStringSubmatch(text)
		if found != nil {
			addr = found[1]
		}
		return found != nil
	})
	return addr
}
