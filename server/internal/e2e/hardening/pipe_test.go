package hardening

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks on stdout and stderr: readers that leave, disks that are full, pipes that others have
// made non-blocking. The server goes on, and its exit code is 1 if lines that handlers printed were
// lost, and only then.

// endProgram asks a program to end and returns its exit code.
func endProgram(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// startPiped starts the server with its stdout, or its stderr, at these files; nil is for what the
// test reads.
func startPiped(t *testing.T, stdoutFile, stderrFile *os.File, args ...string) (cmd *exec.Cmd, stdout, stderr *testkit.Output) {
	t.Helper()
	cmd, stdout, stderr = harness.PrepareProgram(t, harness.Build(t), append([]string{"--port", "0"}, args...)...)
	if stdoutFile != nil {
		cmd.Stdout = stdoutFile
	}
	if stderrFile != nil {
		cmd.Stderr = stderrFile
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stdout, stderr
}

func addressOf(t *testing.T, stderr *testkit.Output) string {
	t.Helper()
	return stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1]
}

func pipeOf(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// Attack: hipflask | head -1. Clients are served as before, the end is in good order, and says how
// many lines were lost.
func TestHardeningStdoutIsReadNoMore(t *testing.T) {
	t.Parallel()
	r, w := pipeOf(t)
	cmd, _, stderr := startPiped(t, w, nil)
	_ = w.Close()
	head := exec.Command("head", "-1")
	var first bytes.Buffer
	head.Stdin, head.Stdout = r, &first
	if err := head.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	client := testkit.JoinWebSocket(t, addressOf(t, stderr))
	if err := head.Wait(); err != nil || first.String() != "Client connected\n" {
		t.Fatalf("head: %v, %q", err, first.String())
	}
	client.Chats("one")
	stderr.WaitText(t, "nobody reads stdout any more")
	client.Chats("two")
	testkit.JoinWebSocket(t, addressOf(t, stderr)).Chats("three")
	if code := endProgram(t, cmd); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	client.ClosedWith(1001)
	// Three messages, one client more, and that both have left.
	if last := stderr.Lines()[len(stderr.Lines())-1]; !strings.HasPrefix(last, "hipflask: 6 lines that handlers printed were lost: stdout: ") {
		t.Errorf("the last line is %q", last)
	}
}

// Attack: a disk that is full.
func TestHardeningStdoutIsFull(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		testkit.Absent(t, "needs /dev/full")
	}
	defer full.Close()
	cmd, _, stderr := startPiped(t, full, nil)
	client := testkit.JoinWebSocket(t, addressOf(t, stderr))
	stderr.WaitText(t, "stdout cannot be written")
	client.Chats("one")
	if code := endProgram(t, cmd); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	client.ClosedWith(1001)
	stderr.WaitText(t, "hipflask: 3 lines that handlers printed were lost: stdout: ")
}

// Attack: another process makes the pipe that stdout is non-blocking, and its reader is slow. No
// line is lost, doubled or torn.
func TestHardeningStdoutDoesNotBlock(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no non-blocking pipes to share")
	}
	r, w := pipeOf(t)
	cmd, _, stderr := startPiped(t, w, nil)
	client := testkit.JoinWebSocket(t, addressOf(t, stderr)) // the program has looked at its stdout by now
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := errors.Join(raw.Control(func(fd uintptr) { failed = syscall.SetNonblock(int(fd), true) }), failed); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	want := []string{"Client connected"}
	for i := range 300 { // more than a pipe takes
		text := strings.Repeat(string(rune('a'+i%26)), 1000)
		client.Chats(text)
		want = append(want, "Received message: "+text)
	}
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	if code := endProgram(t, cmd); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, testkit.Tail(stderr.String()))
	}
	testkit.CompareLines(t, strings.Split(strings.TrimSuffix(testkit.Await(t, read, "end of stdout"), "\n"), "\n"), append(want, "Client disconnected"))
}

// Attack: the log is read no more. Its lines are lost, which stdout says at the end, and the exit
// code does not.
func TestHardeningStderrIsReadNoMore(t *testing.T) {
	t.Parallel()
	r, w := pipeOf(t)
	cmd, stdout, _ := startPiped(t, nil, w, "--log-level", "debug")
	_ = w.Close()
	stderr := testkit.NewOutput()
	buf := make([]byte, 4096)
	for !strings.Contains(stderr.String(), "url=http://") {
		n, err := r.Read(buf)
		_, _ = stderr.Write(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
	}
	addr := addressOf(t, stderr)
	_ = r.Close()
	client := testkit.JoinWebSocket(t, addr)
	client.Chats("one")
	client.SendBytes(testkit.CloseFrame(1000))
	stdout.WaitLines(t, "Client disconnected", 1)
	testkit.JoinWebSocket(t, addr).Chats("two")
	if code := endProgram(t, cmd); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	lines := stdout.Lines()
	if last := lines[len(lines)-1]; !regexp.MustCompile(`^hipflask: \d+ log lines were lost: stderr: .*pipe`).MatchString(last) {
		t.Errorf("the last line of stdout is %q", last)
	}
	testkit.CompareLines(t, lines[:len(lines)-1], []string{
		"Client connected", "Received message: one", "Client disconnected", "Client connected", "Received message: two", "Client disconnected",
	})
}

// A client that is cut when the time to shut down is over costs no line of a handler: the exit code
// is 0, whatever else is late.
func TestACutClientIsNoLostLine(t *testing.T) {
	server := startFailing(t, "--shutdown-timeout", "100ms")
	client := testkit.JoinWebSocket(t, server.Addr)
	client.Send(`42["waits"]`)
	server.Stdout.WaitLines(t, "waiting", 1)
	if err := server.Stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	server.Stderr.WaitText(t, "not everything ended in time")
}
