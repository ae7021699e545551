package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
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
func startNodeHelper(t *testing.T, script string, redis *redistest.Server) *helper {
	t.Helper()
	return startHelper(t, needNode(t), clusterScripts+script, redis.URL())
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
func startNodeServer(t *testing.T, redis *redistest.Server) (*helper, string) {
	t.Helper()
	h := startNodeHelper(t, "server.mjs", redis)
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

// crowd are clients that count what they hear.
type crowd struct {
	t       *testing.T
	clients []*listenerClient
	wait    sync.WaitGroup
}

// listenerClient hears texts "SENDER.NUMBER" and knows which numbers each sender
// has reached.
type listenerClient struct {
	*loadClient
	mu      sync.Mutex
	heard   map[string][]string // numbers by sender
	changed chan struct{}
	err     error
}

// gather connects clients to these addresses, so many each.
func gather(t *testing.T, each int, addrs ...string) *crowd {
	t.Helper()
	all := &crowd{t: t}
	var mu sync.Mutex
	var joining sync.WaitGroup
	for _, addr := range addrs {
		for range each {
			joining.Go(func() {
				c, err := loadJoin(addr, 4, "websocket", nil)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				all.clients = append(all.clients, &listenerClient{loadClient: c, heard: map[string][]string{}, changed: make(chan struct{})})
			})
		}
	}
	joining.Wait()
	for _, c := range all.clients {
		all.wait.Go(c.listen)
	}
	t.Cleanup(func() {
		for _, c := range all.clients {
			c.cut()
		}
		all.wait.Wait()
	})
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// listen notes what comes until the connection ends.
func (c *listenerClient) listen() {
	for {
		packet, err := c.next()
		c.mu.Lock()
		if err != nil {
			c.err = err
		} else if text, ok := strings.CutPrefix(packet, `42["message","`); ok {
			sender, number, _ := strings.Cut(strings.TrimSuffix(text, `"]`), ".")
			c.heard[sender] = append(c.heard[sender], number)
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await waits until a message has come.
func (c *listenerClient) await(sender, number string, within time.Duration) error {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		has, changed, err, last := slices.Contains(c.heard[sender], number), c.changed, c.err, len(c.heard[sender])
		c.mu.Unlock()
		switch {
		case has:
			return nil
		case err != nil:
			return fmt.Errorf("%s %s has not come: %w", sender, number, err)
		}
		select {
		case <-changed:
		case <-timeout.C:
			return fmt.Errorf("%s %s has not come within %v, after %d", sender, number, within, last)
		}
	}
}

// awaits waits until every client has heard the message.
func (all *crowd) awaits(sender, number string) {
	all.t.Helper()
	for _, c := range all.clients {
		if err := c.await(sender, number, 2*patience); err != nil {
			all.t.Fatal(err)
		}
	}
}

// of returns what a client has heard of a sender.
func (c *listenerClient) of(sender string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heard[sender])
}

// speaker is a client that says numbered messages.
type speaker struct {
	*loadClient
	name string
	next int
}

// speak connects a client that says "NAME.0", "NAME.1" and so on, and reads what it hears.
func speak(t *testing.T, name, addr string) *speaker {
	t.Helper()
	c, err := loadJoin(addr, 4, "websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := c.next(); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		c.cut()
		<-done
	})
	return &speaker{c, name, 0}
}

// say says so many more messages.
func (s *speaker) say(n int) error {
	for range n {
		if err := s.send(message(fmt.Sprintf("%s.%d", s.name, s.next))); err != nil {
			return err
		}
		s.next++
	}
	return nil
}

// last is the number of the latest message.
func (s *speaker) last() string { return fmt.Sprint(s.next - 1) }

// numbers are those of n messages, in order.
func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return all
}
