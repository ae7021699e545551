package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
)

const clusterScripts = "../testdata/cluster/"

// startMember starts a server that is part of the cluster of a Redis.
func startMember(t *testing.T, redis *redistest.Server, args ...string) *testServer {
	t.Helper()
	return startServer(t, append([]string{"--message-queue", redis.URL()}, args...)...)
}

// helper is a process that takes part in a cluster. It answers each line of its
// stdin with one of its stdout, and ends when its stdin does.
type helper struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	stdin  *json.Encoder
	lines  chan string
	stderr *output
	done   chan struct{}
}

// startHelper starts a process. It is ended with the test.
func startHelper(t *testing.T, name string, args ...string) *helper {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &helper{t: t, name: args[0], lines: make(chan string, 1000), stderr: newOutput(), done: make(chan struct{})}
	h.cmd = exec.CommandContext(ctx, name, args...)
	h.cmd.Stderr = h.stderr
	h.cmd.WaitDelay = patience
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
		h.stderr.end()
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		cancel()
		<-h.done
		if t.Failed() {
			t.Logf("stderr of %s:\n%s", h.name, tail(h.stderr.String()))
		}
	})
	return h
}

// startNodeHelper starts a script of testdata/cluster with Node.
func startNodeHelper(t *testing.T, script string, redis *redistest.Server, args ...string) *helper {
	t.Helper()
	return startHelper(t, needNode(t), append([]string{clusterScripts + script, redis.URL()}, args...)...)
}

// startPythonHelper starts one with Debian's Python.
func startPythonHelper(t *testing.T, script string, redis *redistest.Server) *helper {
	t.Helper()
	needFlask(t)
	if err := exec.Command(python, "-c", "import redis").Run(); err != nil {
		absent(t, "needs redis for "+python+"; on Debian: apt-get install python3-redis")
	}
	return startHelper(t, python, "-B", "-u", clusterScripts+script, redis.URL())
}

// next reads one line of stdout into v.
func (h *helper) next(v any) {
	h.t.Helper()
	select {
	case line, ok := <-h.lines:
		if !ok {
			h.t.Fatalf("%s has ended", h.name)
		}
		if err := json.Unmarshal([]byte(line), v); err != nil {
			h.t.Fatalf("%s wrote %.200q: %v", h.name, line, err)
		}
	case <-time.After(flaskPatience):
		h.t.Fatalf("%s wrote nothing within %v", h.name, flaskPatience)
	}
}

// command is what a helper is told to do, without the action itself.
type command map[string]any

// do has the helper do something and reads the answer into v.
func (h *helper) do(action string, c command, v any) {
	h.t.Helper()
	all := command{"do": action}
	for key, value := range c {
		all[key] = value
	}
	if err := h.stdin.Encode(all); err != nil {
		h.t.Fatalf("%s: %v", h.name, err)
	}
	h.next(v)
}

// tell has the helper do something that has no answer of interest.
func (h *helper) tell(action string, c command) {
	h.t.Helper()
	var answer struct{ Error string }
	if h.do(action, c, &answer); answer.Error != "" {
		h.t.Fatalf("%s: %s: %s", h.name, action, answer.Error)
	}
}

// startNodeServer starts a Node server of the cluster and returns its address.
func startNodeServer(t *testing.T, redis *redistest.Server, args ...string) (*helper, string) {
	t.Helper()
	h := startNodeHelper(t, "server.mjs", redis, args...)
	var listening struct{ Port int }
	h.next(&listening)
	return h, fmt.Sprintf("127.0.0.1:%d", listening.Port)
}

// startFlaskServer starts a Flask-SocketIO server on the queue and returns its address.
func startFlaskServer(t *testing.T, redis *redistest.Server) string {
	t.Helper()
	h := startPythonHelper(t, "flask_server.py", redis)
	started := regexp.MustCompile(`starting up on http://(127\.0\.0\.1:\d+)`)
	var addr string
	h.stderr.waitFor(t, "address from "+h.name, flaskPatience, func(text string) bool {
		found := started.FindStringSubmatch(text)
		if found != nil {
			addr = found[1]
		}
		return found != nil
	})
	return addr
}

// clusterClient is one client, with its id in the namespace "/".
type clusterClient struct {
	*loadClient
	t  *testing.T
	id string
}

// joinCluster connects a client over WebSocket.
func joinCluster(t *testing.T, addr string) *clusterClient {
	t.Helper()
	c, err := loadOpen(addr, 4, "websocket", nil)
	if err == nil {
		t.Cleanup(c.cut)
		err = c.send("40")
	}
	var connected string
	if err == nil {
		connected, err = c.next()
	}
	if err != nil {
		t.Fatal(err)
	}
	var told struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(connected, "40")), &told); err != nil || told.SID == "" {
		t.Fatalf("CONNECT was answered %.200q", connected)
	}
	return &clusterClient{c, t, told.SID}
}

// says sends packets.
func (c *clusterClient) says(packets ...string) {
	c.t.Helper()
	if err := c.send(packets...); err != nil {
		c.t.Fatal(err)
	}
}

// hears reads as many packets as are wanted, and compares.
func (c *clusterClient) hears(want ...string) {
	c.t.Helper()
	for _, w := range want {
		got, err := c.next()
		if err != nil {
			c.t.Fatalf("waiting for %.200q: %v", w, err)
		}
		if got != w {
			c.t.Fatalf("received %.200q, want %.200q", got, w)
		}
	}
}

// acknowledges reads an event that wants to be acknowledged, and answers it.
func (c *clusterClient) acknowledges(event, answer string) error {
	got, err := c.next()
	if err != nil {
		return err
	}
	head, rest, _ := strings.Cut(got, "[")
	id, isEvent := strings.CutPrefix(head, "42")
	if !isEvent || id == "" || rest != strings.TrimPrefix(event, "[") {
		return fmt.Errorf("received %.200q, want %s with an id", got, event)
	}
	return c.send("43" + id + answer)
}
