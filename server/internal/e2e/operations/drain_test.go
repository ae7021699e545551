package operations

import (
	"errors"
	"net/http"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// How the server goes down, and what whoever comes meanwhile is told. That nothing is lost over it
// is in cluster/rolling_test.go.

// A second signal ends the process at once, whatever it is still waiting for.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send to another process")
	}
	cmd, _, stderr := harness.StartServer(t, "--port", "0", "--shutdown-timeout", "1h")
	addr := stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1]
	// A POST that never ends is waited for.
	p := testkit.JoinPolling(t, addr, 4)
	testkit.BeginRequest(t, addr, "POST "+strings.TrimPrefix(p.URL, "http://"+addr)+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	stderr.WaitMatch(t, regexp.MustCompile("shutting down"))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	again := time.NewTicker(20 * time.Millisecond) // the first may come before the signals' default is back
	defer again.Stop()
	for {
		select {
		case <-again.C:
			_ = cmd.Process.Signal(syscall.SIGTERM) // fails once it has ended
			continue
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("ended with %v, want the signal", err)
			}
		}
		return
	}
}

// draining is a server that was told to stop and still waits: a client that has just no poll under
// way holds its end up.
func draining(t *testing.T) (server *harness.Server, waiting *testkit.Poller) {
	t.Helper()
	server = harness.Start(t)
	waiting = testkit.JoinPolling(t, server.Addr, 4)
	other := testkit.JoinWebSocket(t, server.Addr)
	server.Cancel()
	other.ClosedWith(1001)
	return server, waiting
}

// Whoever comes while the server drains is told to come again, in a way that a page can read and
// that a proxy can act upon.
func TestDrainingServerTurnsNewClientsAway(t *testing.T) {
	t.Parallel()
	server, waiting := draining(t)
	header := http.Header{"Origin": {server.URL}}
	for name, got := range map[string]testkit.Answer{
		"polling":            testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, header, ""),
		"Engine.IO 3":        testkit.Ask(t, server.Addr, http.MethodGet, "/socket.io/?EIO=3&transport=polling", header, ""),
		"WebSocket":          testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, testkit.WebSocketPath, header))[0],
		"plain WebSocket":    testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, "/", header))[0],
		"another's session":  testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath+"&sid=elsewhere", header, ""),
		"another's messages": testkit.Ask(t, server.Addr, http.MethodPost, testkit.PollingPath+"&sid=elsewhere", header, "40"),
	} {
		if got.Status != http.StatusServiceUnavailable || got.Body != `{"code":4,"message":"The server is shutting down"}` {
			t.Errorf("%s: answered %v", name, got)
		}
		testkit.CheckHeader(t, got, "Retry-After", "1")
		testkit.CheckHeader(t, got, "Content-Type", "application/json")
		testkit.CheckHeader(t, got, "Access-Control-Allow-Origin", server.URL)
	}
	if got := testkit.Ask(t, server.Addr, http.MethodGet, "/", nil, ""); got.Status != http.StatusOK {
		t.Errorf("the page was answered %v", got)
	}
	waiting.TurnedAway()
	if err := server.Stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	testkit.CompareLines(t, server.Stdout.Lines(), []string{"Client connected", "Client connected", "Client disconnected", "Client disconnected"})
}

// Browsers open connections before they need them. One on which nothing was ever asked, or nothing
// more, does not hold the end up.
func TestSilentConnectionsDoNotHoldTheEndUp(t *testing.T) {
	server := harness.Start(t, "--shutdown-timeout", "3s") // net/http alone would wait for five
	for range 3 {
		conn, err := testkit.DialTCP(server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	testkit.BeginRequest(t, server.Addr, "GET /favicon.svg HTTP/1.1\r\nHost: x\r\n\r\n") // and the connection is kept
	testkit.JoinWebSocket(t, server.Addr).Chats("the server has seen them all")
	if err := server.Stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	if strings.Contains(server.Stderr.String(), "not everything ended in time") {
		t.Error("the end was held up")
	}
}
