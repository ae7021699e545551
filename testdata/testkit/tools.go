package testkit

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// Python is the interpreter that Debian's packages are for.
	Python = "/usr/bin/python3"

	// PythonDeadline is how long Python may take to import its packages on a busy machine.
	PythonDeadline = time.Minute
)

// InModule is the path of what stands in the module, from wherever in it a test runs.
func InModule(path ...string) string {
	top := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(top, "go.mod")); err == nil {
			break
		}
		top = filepath.Join(top, "..")
	}
	return filepath.Join(append([]string{top}, path...)...)
}

// Testdata is the path of what stands in the module's folder testdata, from wherever in the module
// a test runs.
func Testdata(path ...string) string {
	return InModule(append([]string{"testdata"}, path...)...)
}

// ClientScript is the path of a script for Node's clients, or of what stands beside it.
func ClientScript(name string) string { return Testdata("clients", name) }

// Absent skips the test because of a missing tool. In CI that is a failure, as nobody would notice
// there that the test has stopped to run.
func Absent(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// NeedNode returns the path of node, or skips the test.
func NeedNode(t testing.TB) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		Absent(t, "needs Node.js 20 or later on the PATH")
	}
	if _, err := os.Stat(Testdata("node_modules")); err != nil {
		Absent(t, "needs the npm clients; run: npm ci --ignore-scripts --prefix testdata")
	}
	return node
}

// NeedChromium returns the path of a Chromium or Chrome, or skips the test.
func NeedChromium(t testing.TB) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if chosen := os.Getenv("HIPFLASK_TEST_CHROMIUM"); chosen != "" {
		names = []string{chosen}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Absent(t, "needs "+strings.Join(names, ", or ")+"; HIPFLASK_TEST_CHROMIUM can name another browser")
	return ""
}

// NeedFlask skips the test where there is no Flask-SocketIO.
func NeedFlask(t testing.TB) {
	t.Helper()
	NeedModules(t, "flask_socketio", "eventlet")
}

// NeedModules skips the test where Python has not all of these. They are looked for and not
// imported, which takes some of them a second.
func NeedModules(t testing.TB, names ...string) {
	t.Helper()
	const find = "import importlib.util, sys\n" +
		"sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))"
	if err := exec.Command(Python, append([]string{"-c", find}, names...)...).Run(); err != nil {
		packages := "python3-" + strings.ReplaceAll(strings.Join(names, " python3-"), "_", "-")
		Absent(t, "needs "+strings.Join(names, ", ")+" for "+Python+"; on Debian: apt-get install "+packages)
	}
}

// RunPython runs Python with these arguments and returns the lines that it prints. It is Debian's
// where there is one, or what the PATH has; without either the test is skipped.
func RunPython(t testing.TB, stdin []byte, args ...string) []string {
	t.Helper()
	python := Python
	if _, err := os.Stat(python); err != nil {
		if python, err = exec.LookPath("python3"); err != nil {
			Absent(t, "needs Python 3.11 or later on the PATH")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", python, args, err, &stderr)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// Freeze stops a child process as SIGSTOP does, and returns once it stands still.
func Freeze(t testing.TB, process *os.Process) {
	t.Helper()
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(process.Pid, &status, syscall.WUNTRACED, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || !status.Stopped() {
			t.Fatalf("the process was not stopped: %v, %v", err, status)
		}
		return
	}
}

// NeedPythonClient skips the test where Python's client or a transport of it is missing.
func NeedPythonClient(t *testing.T) {
	t.Helper()
	if err := exec.Command(Python, "-c", "import socketio, requests, aiohttp, websocket").Run(); err != nil {
		Absent(t, "needs python-socketio's client for "+Python+
			"; on Debian: apt-get install python3-socketio python3-requests python3-aiohttp python3-websocket")
	}
}
