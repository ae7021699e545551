package operations

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestAdmin has the socket.io client that the Admin UI is made with do what the UI does: log in,
// see who comes and goes, and give its commands.
func TestAdmin(t *testing.T) {
	testkit.NeedNode(t)
	for _, mode := range []string{"production", "development"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			hash, err := bcrypt.GenerateFromPassword([]byte(testkit.AdminPassword), bcrypt.MinCost)
			if err != nil {
				t.Fatal(err)
			}
			server := harness.Start(t, "--admin-user", "root", "--admin-password-hash", string(hash), "--admin-mode", mode)
			reports := testkit.RunScript(t, "admin.mjs", testkit.ScriptConfig{URL: server.URL, Client: testkit.NewestClient, Mode: "default"})
			checkAdmin(t, reports, mode == "development")
			server.End()
			if log := server.Stderr.String(); strings.Contains(log, testkit.AdminPassword) || strings.Contains(log, string(hash)) || !strings.Contains(log, "admin login refused") {
				t.Error("the log has a secret, or lacks the refused login")
			}
		})
	}
}

func checkAdmin(t *testing.T, reports []testkit.Report, development bool) {
	t.Helper()
	var refused struct{ Message string }
	if testkit.FindReport(t, reports, "admin", "refused", &refused); refused.Message != "invalid credentials" {
		t.Errorf("a wrong password was answered with %q", refused.Message)
	}
	var config struct{ Features []string }
	testkit.FindReport(t, reports, "admin", "config", &config)
	if slices.Contains(config.Features, "ALL_EVENTS") != development || !slices.Contains(config.Features, "MDISCONNECT") {
		t.Errorf("features %v", config.Features)
	}
	var seen struct {
		Transport       string // at last
		Rooms           []string
		Joined, Emitted bool
		Left            bool
		Reason          string
		Events          []string
	}
	testkit.FindReport(t, reports, "admin", "seen", &seen)
	if seen.Transport != "websocket" || !seen.Joined || !seen.Emitted || !seen.Left || seen.Reason != "server disconnect" {
		t.Errorf("the UI saw %+v", seen)
	}
	var want []string
	if development {
		want = []string{`event_received ["message","hello"]`, `event_sent ["message","hello"]`, `event_sent ["from above",1]`}
	}
	if !slices.Equal(seen.Events, want) {
		t.Errorf("events %q, want %q", seen.Events, want)
	}
	var again struct{ First string }
	if testkit.FindReport(t, reports, "admin", "again", &again); again.First != "config" {
		t.Errorf("with its session the UI was told %q first", again.First)
	}
}

// TestNoAdmin makes sure that the namespace is not there unless it was asked for.
func TestNoAdmin(t *testing.T) {
	server := harness.Start(t)
	c := testkit.JoinWebSocket(t, server.Addr)
	c.Send(`40/admin,{"username":"","password":""}`)
	c.Awaits(`44/admin,{"message":"Invalid namespace"}`)
}
