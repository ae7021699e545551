package main

import (
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
)

// clientScenes is one long scene: npm clients of two versions, over every transport,
// in one process that waits for a line after each of its own scenes.
func clientScenes() []scene { return []scene{{"npm", playClients}} }

// clientReport is what parity.mjs says at the end of a scene, or at a pause within one.
type clientReport struct {
	Event  string
	Joined int                        // connections since the last report
	Told   map[string]json.RawMessage // what was received, by client
}

func playClients(s *story) {
	n := startParityClients(s)
	for i := 0; ; i++ {
		n.stdout.waitFor(s.t, "report of parity.mjs", nodeDeadline, func(text string) bool {
			return strings.Count(text, "\n") > i
		})
		var r clientReport
		line := n.stdout.lines()[i]
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		if r.Event == "end" {
			break
		}
		s.heardFrom(r)
		if _, err := io.WriteString(n.stdin, "\n"); err != nil {
			s.t.Fatalf("parity.mjs: %v\n%s", err, tail(n.stderr.String()))
		}
	}
	n.finish(s.t)
	s.goodbyes = 0
}

// heardFrom notes what a scene's clients were told, and what was printed. At a pause
// it waits for the end of the connections.
func (s *story) heardFrom(r clientReport) {
	s.t.Helper()
	s.goodbyes += r.Joined
	one := *s
	one.name = "npm " + r.Event
	if r.Event == "pause" {
		one.awaitGoodbyes()
		return
	}
	for who, told := range r.Told {
		one.saw("told "+who, canonical(string(told)))
	}
	one.settle()
	s.goodbyes, s.from = 0, len(s.stdout.String())
}

// parityClients is parity.mjs while it runs.
type parityClients struct {
	*node
	stdin io.WriteCloser
}

func startParityClients(s *story) *parityClients {
	s.t.Helper()
	argument, err := json.Marshal(clientConfig{URL: "http://" + s.addr, Deadline: nodeDeadline.Milliseconds()})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), nodeDeadline+patience)
	cmd := exec.CommandContext(ctx, needNode(s.t), clientScripts("parity.mjs"), string(argument))
	cmd.WaitDelay = patience
	n := &parityClients{node: &node{script: "parity.mjs", stdout: newOutput(), stderr: newOutput(), done: make(chan struct{})}}
	cmd.Stdout, cmd.Stderr = n.stdout, n.stderr
	if n.stdin, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	go func() {
		defer close(n.done)
		n.err = cmd.Wait()
		n.stdout.end()
		n.stderr.end()
	}()
	s.t.Cleanup(func() {
		cancel()
		<-n.done
	})
	return n
}
