package harness

import (
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// CheckLogged checks that the log tells an operator which setting moves the limit that a client
// met.
func CheckLogged(t *testing.T, server *Server, setting string) {
	t.Helper()
	server.Stderr.WaitText(t, setting)
}

// CheckQuiet checks that a log has no warnings and no errors, and shows those that it has: they may
// stand far before its end.
func CheckQuiet(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			t.Errorf("the log has %s", line)
		}
	}
}

// LogLine waits for a line of the server's log with this part.
func LogLine(t *testing.T, server *Server, part string) (line string) {
	t.Helper()
	server.Stderr.WaitFor(t, "line with "+part, testkit.Deadline, func(log string) bool {
		for l := range strings.Lines(log) {
			if strings.Contains(l, part) && strings.HasSuffix(l, "\n") {
				line = l
				return true
			}
		}
		return false
	})
	return line
}
