package operations

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// socketFile is a name for a Unix socket, short enough for macOS too.
func socketFile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "socket")
}

func dialUnix(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("unix", path, testkit.Deadline)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Over a Unix socket both transports work, and clients have the address "unix" whatever they have
// bound to. The file has the permissions that were asked for, and goes with the server.
func TestUnixSocket(t *testing.T) {
	path := socketFile(t)
	server := harness.Start(t, "--unix-socket", path, "--unix-socket-mode", "0606")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o606 {
		t.Errorf("the file's permissions are %v", got)
	}
	testkit.JoinOver(t, dialUnix(t, path), "localhost", "http://localhost").Chats("over a Unix socket")

	refusedOverUnix(t, path, nil)
	server.Stderr.WaitMatch(t, regexp.MustCompile(`origin refused.* address=unix\b`))

	if err := server.Stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

// refusedOverUnix makes a request that is refused for its origin, and so is logged. Its socket has
// a name of its own.
func refusedOverUnix(t *testing.T, path string, header http.Header) {
	t.Helper()
	dialer := &net.Dialer{Timeout: testkit.Deadline, LocalAddr: &net.UnixAddr{Name: socketFile(t), Net: "unix"}}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", path)
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+testkit.PollingPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Origin", "https://evil.example")
	resp, err := transport.RoundTrip(req)
	if text := testkit.ReadBody(t, resp, err); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a foreign origin was answered %s %q", resp.Status, text)
	}
}

// What a proxy says over the Unix socket of whom it speaks for is believed when "unix" is among the
// trusted proxies, and else is not.
func TestUnixSocketOfAProxy(t *testing.T) {
	for trusted, want := range map[string]string{"unix": "203.0.113.7", "127.0.0.1": "unix"} {
		path := socketFile(t)
		server := harness.Start(t, "--unix-socket", path, "--trusted-proxies", trusted)
		refusedOverUnix(t, path, http.Header{"X-Forwarded-For": {"203.0.113.7"}})
		server.Stderr.WaitMatch(t, regexp.MustCompile(`origin refused.* address=`+regexp.QuoteMeta(want)+`\b`))
	}
}

// A socket file that a crash left behind is replaced. One that somebody listens on, and a file of
// any other kind, are left alone.
func TestUnixSocketFileThatIsThere(t *testing.T) {
	stale := socketFile(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	harness.Start(t, "--unix-socket", stale)
	testkit.JoinOver(t, dialUnix(t, stale), "localhost", "")

	file := socketFile(t)
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, taken := range []string{stale, file} {
		err := harness.Run(t.Context(), []string{"--unix-socket", taken}, harness.NoEnv, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "--unix-socket") || hipflask.ExitCode(err) != 1 {
			t.Errorf("%s: got %v, want an error that names --unix-socket", taken, err)
		}
	}
	testkit.JoinOver(t, dialUnix(t, stale), "localhost", "").Chats("still there")
	if text, err := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file holds %q (%v)", text, err)
	}
}

// systemd hands a socket over: whoever connected before the server was there is served. It hears
// when the server is ready and when it stops.
func TestSystemd(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	early, err := testkit.DialTCP(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	notify := socketFile(t)
	states, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer states.Close()

	// The shell becomes the server, and so knows its process id.
	cmd, _, stderr := harness.PrepareProgram(t, "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, harness.Build(t))
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "NOTIFY_SOCKET="+notify)
	cmd.ExtraFiles = []*os.File{file}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hears(t, states, "READY=1")
	waitCount(t, stderr, "url=http://"+l.Addr().String(), 1)
	testkit.JoinOver(t, early, l.Addr().String(), "").Chats("from before")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hears(t, states, "STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v, want exit code 0", err)
	}
}

// hears reads what systemd is told next.
func hears(t *testing.T, states *net.UnixConn, want string) {
	t.Helper()
	if err := states.SetReadDeadline(time.Now().Add(testkit.Deadline)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := states.Read(buf)
	if got := string(buf[:n]); err != nil || got != want {
		t.Fatalf("systemd hears %q (%v), want %q", got, err, want)
	}
}
