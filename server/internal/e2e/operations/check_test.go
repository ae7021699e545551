package operations

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// --check says in one line whether the server would start, without taking the port.
func TestCheck(t *testing.T) {
	server := harness.Start(t)
	_, port, _ := strings.Cut(server.Addr, ":")
	certFile, keyFile, _ := testkit.SelfSigned(t)
	_, otherKey, _ := testkit.SelfSigned(t)
	nobody := "127.0.0.1:" + testkit.FreePort(t)
	for _, test := range []struct {
		args string // split at spaces
		code int
		want string
	}{
		{"--port " + port, 0, "valid"},
		{"--max-connections 5 --max-memory-for-clients 32MiB", 0, "clients: 5, on WebSockets: no limit, open connections: "},
		{"--max-memory-for-clients 1KB", 2, "--max-memory-for-clients"},
		{"--certfile " + certFile + " --keyfile " + keyFile, 0, "valid"},
		{"--certfile " + certFile + " --keyfile " + otherKey, 2, "--certfile"},
		{"--port no", 2, "--port"},
		{"--message-queue redis://" + nobody, 2, "--message-queue"},
		{"--message-queue redis://" + nobody + " --message-queue-optional", 2, "--message-queue"},
	} {
		var stdout, stderr bytes.Buffer
		err := harness.Run(context.Background(), append([]string{"--check"}, strings.Fields(test.args)...), harness.NoEnv, &stdout, &stderr)
		said := stdout.String()
		if err != nil {
			said += err.Error() + "\n"
		}
		if hipflask.ExitCode(err) != test.code || strings.Count(said, "\n") != 1 || !strings.Contains(said, test.want) || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, stderr %q; want %d and one line with %q", test.args, hipflask.ExitCode(err), said, stderr.String(), test.code, test.want)
		}
	}
}

// --healthcheck with the server's own settings finds it, wherever it listens, and leaves no trace there.
func TestHealthcheck(t *testing.T) {
	certFile, keyFile, _ := testkit.SelfSigned(t)
	for _, args := range []string{
		"",
		"--host 0.0.0.0",
		"--host ::",
		"--path chat --transports websocket",
		"--allowed-hosts *.chat.example:443",
		"--certfile " + certFile + " --keyfile " + keyFile,
		"--unix-socket " + socketFile(t),
	} {
		t.Run(args, func(t *testing.T) {
			settings := append(strings.Fields(args), "--log-level", "debug")
			server := harness.Start(t, settings...)
			if _, port, ok := cutLast(server.Addr, ":"); ok {
				settings = append(settings, "--port", port)
			}
			probe := append([]string{"--healthcheck"}, settings...)
			if err := harness.Run(t.Context(), probe, harness.NoEnv, io.Discard, io.Discard); err != nil {
				t.Errorf("the server runs: %v", err)
			}
			if err := server.Stop(); err != nil {
				t.Errorf("run: %v", err)
			}
			if log := server.Stderr.String(); strings.Contains(log, "address=") { // a client's, that is
				t.Errorf("the probe is in the log:\n%s", log)
			}
			if err := harness.Run(t.Context(), probe, harness.NoEnv, io.Discard, io.Discard); hipflask.ExitCode(err) != 1 {
				t.Errorf("nobody listens: %v", err)
			}
		})
	}
}

// cutLast cuts at the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// --version names the commit, even of go run, which does not record it.
func TestVersionNamesTheCommit(t *testing.T) {
	head, err := exec.Command("git", "rev-parse", "HEAD").Output()
	want := strings.TrimSpace(string(head))
	if err != nil {
		want = "unknown" // no checkout, or no git
	}
	var stdout bytes.Buffer
	if err := harness.Run(t.Context(), []string{"--version"}, harness.NoEnv, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if re := regexp.MustCompile(`^hipflask \S+ \(commit ` + want + `, go\S+, \w+/\w+\)\n$`); !re.MatchString(stdout.String()) {
		t.Errorf("%q does not match %v", stdout.String(), re)
	}
}
