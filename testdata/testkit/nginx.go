package testkit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// needNginx returns the path of nginx, or skips the test.
func needNginx(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/opt/homebrew/bin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Absent(t, "needs nginx")
	return ""
}

// StartNginx runs nginx with this configuration inside its http block until the test is over. It
// listens when this returns.
func StartNginx(t testing.TB, config string) {
	t.Helper()
	path := needNginx(t)
	dir := t.TempDir()
	var temp strings.Builder // nginx would have these where it was installed
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	file := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("daemon off;\nmaster_process off;\npid %s;\nerror_log stderr notice;\nevents {}\nhttp {\naccess_log off;\n%s%s}\n",
		filepath.Join(dir, "nginx.pid"), temp.String(), config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), ScriptDeadline+2*Deadline)
	cmd := exec.CommandContext(ctx, path, "-p", dir, "-c", file, "-e", "stderr")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = Deadline
	log := NewOutput()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // what it has to say stands in its log
		log.End()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if t.Failed() {
			t.Logf("nginx said:\n%s", Tail(log.String()))
		}
	})
	log.WaitMatch(t, regexp.MustCompile(`using the ".*" event method`)) // said once its sockets listen
}

// Documented is the nginx configuration in a section of a document in server, with what stands
// there replaced.
func Documented(t testing.TB, file, heading string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(InModule("server", file))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), heading+"\n")
	_, block, begun := strings.Cut(section, "```nginx\n")
	block, _, ended := strings.Cut(block, "```")
	if !found || !begun || !ended {
		t.Fatalf("%s has no nginx block behind %q", file, heading)
	}
	block = withUpstreams(t, block)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(block, replace[i]) {
			t.Fatalf("%q is not in the block behind %q", replace[i], heading)
		}
		block = strings.ReplaceAll(block, replace[i], replace[i+1])
	}
	return block
}

// FreePort finds a port that a server can listen on again after a restart: one below those that the
// kernel gives to others meanwhile, and so is the one 10000 above it, where a node of a Redis
// Cluster listens too.
func FreePort(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		port := fmt.Sprint(10_000 + rand.IntN(12_000))
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return port
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	t.Fatal(err)
	return ""
}
