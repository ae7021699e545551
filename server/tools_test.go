package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	// python is the interpreter that Debian's packages are for.
	python = "/usr/bin/python3"

	// flaskPatience is how long Python may take to import its packages on a busy machine.
	flaskPatience = time.Minute
)

// testdata is the path of what stands in the module's folder testdata, from wherever in
// the module a test runs.
func testdata(path ...string) string {
	top := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(top, "go.mod")); err == nil {
			break
		}
		top = filepath.Join(top, "..")
	}
	return filepath.Join(append([]string{top, "testdata"}, path...)...)
}

// clientScripts is the path of a script for Node's clients, or of what stands beside it.
func clientScripts(name string) string { return testdata("clients", name) }

// absent skips the test because of a missing tool. In CI that is a failure, as
// nobody would notice there that the test has stopped to run.
func absent(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// needNode returns the path of node, or skips the test.
func needNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		absent(t, "needs Node.js 20 or later on the PATH")
	}
	if _, err := os.Stat(testdata("node_modules")); err != nil {
		absent(t, "needs the npm clients; run: npm ci --ignore-scripts --prefix testdata")
	}
	return node
}

// needChromium returns the path of a Chromium or Chrome, or skips the test.
func needChromium(t *testing.T) string {
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
	absent(t, "needs "+strings.Join(names, ", or ")+"; HIPFLASK_TEST_CHROMIUM can name another browser")
	return ""
}

// needFlask skips the test where there is no Flask-SocketIO.
func needFlask(t *testing.T) {
	t.Helper()
	const find = "import importlib.util, sys\n" +
		"sys.exit(not all(map(importlib.util.find_spec, ['flask_socketio', 'eventlet'])))"
	if err := exec.Command(python, "-c", find).Run(); err != nil {
		absent(t, "needs Flask-SocketIO for "+python+"; on Debian: apt-get install python3-flask-socketio python3-eventlet")
	}
}
