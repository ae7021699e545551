package parity

import (
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"strings"

	"hipflask/testdata/testkit"
)

// clientScenes is one long scene: npm clients of two versions, over every transport, in one process
// that waits for a line after each of its own scenes.
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
		n.Stdout.WaitFor(s.t, "report of parity.mjs", testkit.ScriptDeadline, func(text string) bool {
			return strings.Count(text, "\n") > i
		})
		var r clientReport
		line := n.Stdout.Lines()[i]
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		if r.Event == "end" {
			break
		}
		s.heardFrom(r)
		if _, err := io.WriteString(n.stdin, "\n"); err != nil {
			s.t.Fatalf("parity.mjs: %v\n%s", err, testkit.Tail(n.Stderr.String()))
		}
	}
	n.Finish(s.t)
	s.disconnects = 0
}

// heardFrom notes what a scene's clients were told, and what was printed. At a pause it waits for
// the end of the connections.
func (s *story) heardFrom(r clientReport) {
	s.t.Helper()
	s.disconnects += r.Joined
	one := *s
	one.name = "npm " + r.Event
	if r.Event == "pause" {
		one.awaitDisconnects()
		return
	}
	for who, told := range r.Told {
		one.saw("told "+who, canonical(string(told)))
	}
	one.finish()
	s.disconnects, s.from = 0, len(s.stdout.String())
}

// parityClients is parity.mjs while it runs.
type parityClients struct {
	*testkit.Script
	stdin io.WriteCloser
}

func startParityClients(s *story) *parityClients {
	s.t.Helper()
	argument, err := json.Marshal(testkit.ScriptConfig{URL: "http://" + s.addr, Deadline: testkit.ScriptDeadline.Milliseconds()})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), testkit.ScriptDeadline+testkit.Deadline)
	cmd := exec.CommandContext(ctx, testkit.NeedNode(s.t), testkit.ClientScript("parity.mjs"), string(argument))
	cmd.WaitDelay = testkit.Deadline
	n := &parityClients{Script: &testkit.Script{Name: "parity.mjs", Stdout: testkit.NewOutput(), Stderr: testkit.NewOutput(), Done: make(chan struct{})}}
	cmd.Stdout, cmd.Stderr = n.Stdout, n.Stderr
	if n.stdin, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	go func() {
		defer close(n.Done)
		n.Err = cmd.Wait()
		n.Stdout.End()
		n.Stderr.End()
	}()
	s.t.Cleanup(func() {
		cancel()
		<-n.Done
	})
	return n
}
