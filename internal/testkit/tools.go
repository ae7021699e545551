package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	// Python is the interpreter that Debian's packages are for.
	Python = "/usr/bin/python3"

	// PythonPatience is how long Python may take to import its packages on a busy machine.
	PythonPatience = time.Minute
)

// Testdata is the path of what stands in the module's folder testdata, from wherever in
// the module a test runs.
func Testdata(path ...string) string {
	top := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(top, "go.mod")); err == nil {
			break
		}
		top = filepath.Join(top, "..")
	}
	return filepath.Join(append([]string{top, "testdata"}, path...)...)
}

// ClientScript is the path of a script for Node's clients, or of what stands beside it.
func ClientScript(name string) string { return Testdata("clients", name) }

// Absent skips the test because of a missing tool. In CI that is a failure, as
// nobody would notice there that the test has stopped to run.
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
	const find = "import importlib.util, sys\n" +
		"sys.exit(not all(map(importlib.util.find_spec, ['flask_socketio', 'eventlet'])))"
	if err := exec.Command(Python, "-c", find).Run(); err != nil {
		Absent(t, "needs Flask-SocketIO for "+Python+"; on Debian: apt-get install python3-flask-socketio python3-eventlet")
	}
}
