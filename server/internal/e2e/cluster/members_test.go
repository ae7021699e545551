package cluster

import (
	"os/exec"
	"regexp"
	"slices"
	"sync"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestClusterMembersDieUnderLoad kills a Hipflask process and a Node server while the others go on:
// nobody misses a message of those who live.
func TestClusterMembersDieUnderLoad(t *testing.T) {
	testkit.NeedNode(t)
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	_, node := harness.StartNodeServer(t, redis)
	binary := harness.Build(t)
	victim, process := startProcess(t, binary, redis)
	all := gather(t, 10, a.Addr, b.Addr)
	s, r := speak(t, "s", a.Addr), speak(t, "r", b.Addr)
	doomed := speak(t, "doomed", victim)
	lost := speak(t, "lost", node)
	for round := range 20 {
		if err := s.say(20); err != nil {
			t.Fatal(err)
		}
		if err := r.say(20); err != nil {
			t.Fatal(err)
		}
		_ = doomed.say(5) // it may be dead
		_ = lost.say(5)
		switch round {
		case 7:
			process.kill()
		case 12:
			_ = lost.Send("1")
		}
	}
	all.awaits("s", s.last())
	all.awaits("r", r.last())
	for _, c := range all.clients {
		if got := c.of("s"); !slices.Equal(got, numbers(400)) {
			t.Errorf("heard %d of 400 messages, or in another order", len(got))
		}
		if got := c.of("r"); !slices.Equal(got, numbers(400)) {
			t.Errorf("heard %d of 400 messages, or in another order", len(got))
		}
		inOrder(t, c.of("doomed"))
		inOrder(t, c.of("lost"))
	}
	// One that starts anew takes part at once.
	again, _ := startProcess(t, binary, redis)
	newcomer := gather(t, 1, again)
	if err := s.say(1); err != nil {
		t.Fatal(err)
	}
	newcomer.awaits("s", s.last())
}

// killable is a server in a process of its own.
type killable struct {
	kill   func()
	cmd    *exec.Cmd
	stderr *testkit.Output
}

// startProcess starts the server as a process.
func startProcess(t *testing.T, binary string, redis *redistest.Server, args ...string) (addr string, p killable) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"--port", "0", "--message-queue", redis.URL()}, args...)...)
	stderr := testkit.NewOutput()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // killed, whatever else
	}()
	kill := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	t.Cleanup(kill)
	return stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1], killable{kill, cmd, stderr}
}
