package operations

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Health, readiness and profiles. Metrics are in metrics_test.go, what the log says in log_test.go
// and causes_test.go.

// Readiness fails at once when the server drains; it stays alive until it has ended.
func TestOpsReadinessThroughADrain(t *testing.T) {
	server, addr := harness.StartOps(t)
	harness.CheckOps(t, addr, "/healthz", http.StatusOK, "alive")
	for deadline := time.Now().Add(testkit.Deadline); harness.OpsGet(t, addr, "/readyz").Status != http.StatusOK; { // it listens a moment earlier
		if time.Now().After(deadline) {
			t.Fatal("the server does not get ready")
		}
	}
	harness.CheckOps(t, addr, "/readyz", http.StatusOK, "ready")
	late := testkit.JoinPolling(t, server.Addr, 4) // the drain waits for its poll
	server.Cancel()
	server.Stderr.WaitFor(t, "the beginning of the drain", testkit.Deadline, func(log string) bool { return strings.Contains(log, "shutting down") })
	harness.CheckOps(t, addr, "/readyz", http.StatusServiceUnavailable, "draining")
	harness.CheckOps(t, addr, "/healthz", http.StatusOK, "alive")
	late.TurnedAway()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if conn, err := testkit.DialTCP(addr); err == nil {
		_ = conn.Close()
		t.Error("health is still served after the end")
	}
}

func TestOpsPprofIsOffByDefault(t *testing.T) {
	_, addr := harness.StartOps(t)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/profile?seconds=1"} {
		if got := harness.OpsGet(t, addr, path); got.Status != http.StatusNotFound {
			t.Errorf("%s is answered %v", path, got)
		}
	}
	_, addr = harness.StartOps(t, "--ops-pprof")
	for path, want := range map[string]string{"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile:", "/debug/pprof/cmdline": "test"} {
		if got := harness.OpsGet(t, addr, path); got.Status != http.StatusOK || !strings.Contains(got.Body, want) {
			t.Errorf("%s is answered %v", path, got)
		}
	}
}

// The address for clients has none of it, and the other one serves no client.
func TestOpsIsNotForClients(t *testing.T) {
	server, addr := harness.StartOps(t, "--ops-pprof")
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/"} {
		if got := testkit.Ask(t, server.Addr, http.MethodGet, path, nil, ""); got.Status != http.StatusNotFound {
			t.Errorf("clients can read %s: %v", path, got)
		}
		if got := testkit.Ask(t, addr, http.MethodPost, path, http.Header{"Connection": {"close"}}, ""); got.Status != http.StatusMethodNotAllowed {
			t.Errorf("POST %s is answered %v", path, got)
		}
	}
	if got := harness.OpsGet(t, addr, "/socket.io/?EIO=4&transport=polling"); got.Status != http.StatusNotFound {
		t.Errorf("clients are served at the other address: %v", got)
	}
	without := harness.Start(t)
	without.End()
	if log := without.Stderr.String(); strings.Contains(log, "health and metrics") {
		t.Errorf("health is served unasked:\n%s", log)
	}
}

// A port without an address is open to this machine alone.
func TestOpsPortAloneIsOnTheLoopbackInterface(t *testing.T) {
	for _, port := range []string{"0", ":0"} {
		server := harness.Start(t, "--host", "0.0.0.0", "--ops-addr", port)
		if addr := server.Stderr.WaitMatch(t, harness.OpsAddress)[1]; !strings.HasPrefix(addr, "127.0.0.1:") {
			t.Errorf("--ops-addr %s is %s", port, addr)
		}
	}
}

// An address that is taken ends the start with a line that names the setting.
func TestOpsAddressIsTaken(t *testing.T) {
	_, addr := harness.StartOps(t)
	stderr := testkit.NewOutput()
	err := harness.Run(t.Context(), []string{"--port", "0", "--ops-addr", addr}, harness.NoEnv, io.Discard, stderr)
	if err == nil || !strings.Contains(err.Error(), "--ops-addr") {
		t.Errorf("run: %v", err)
	}
}
