package parity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"hipflask/testdata/testkit"
)

// The comparison is with the document's file, not with one that was made to fit.
func TestSeedIsTheDocuments(t *testing.T) {
	const want = "0a62e2fc4fde8e361da3b5902fb85e2357aa430565b702bdc1ddbef026afc9ab"
	file, err := os.ReadFile(testkit.Testdata("flask", "seed.py"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != want {
		t.Error("seed.py is not the document's server any more, character for character")
	}
}

// startFlask runs the document's server with these Engine.IO settings. Its process is ended with
// the test, and by itself if this one dies.
func startFlask(t *testing.T, settings string) *side {
	t.Helper()
	s := &side{isFlask: true, stdout: testkit.NewOutput(), stderr: testkit.NewOutput()}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, testkit.Python, "-u", "launch.py", settings)
	cmd.Dir = testkit.Testdata("flask")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1"}
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	cmd.WaitDelay = testkit.Deadline
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // killed, whatever else
		s.stdout.End()
		s.stderr.End()
	}()
	s.stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		cancel()
		<-done
		if t.Failed() {
			t.Logf("Flask-SocketIO's log:\n%s", testkit.Tail(s.stderr.String()))
		}
	})
	started := regexp.MustCompile(`starting up on http://(127\.0\.0\.1:\d+)`)
	s.stderr.WaitFor(t, "address from "+testkit.Python, testkit.PythonDeadline, func(text string) bool {
		found := started.FindStringSubmatch(text)
		if found != nil {
			s.addr = found[1]
		}
		return found != nil
	})
	return s
}
