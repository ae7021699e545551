//go:build unix

package operations

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
)

// TestAdminUsersAreReadAgain has the file of users change while the server runs: whoever may not
// log in any more has to leave, a session of his opens nothing, and a file that is none changes
// nothing.
func TestAdminUsersAreReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	write := func(text string) { // as an editor does, in one step
		t.Helper()
		next := file + ".new"
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, file); err != nil {
			t.Fatal(err)
		}
	}
	ann, bob := "ann:"+harness.HashOf(t, "ann's"), "bob:"+harness.HashOf(t, "bob's")
	write(ann + "\n" + bob + "\n")
	server := harness.Start(t, "--admin-users-file", file)
	stays, leaves := harness.MustLogin(t, server.Addr, "ann", "ann's"), harness.MustLogin(t, server.Addr, "bob", "bob's")
	var session string
	if err := json.Unmarshal(leaves.Told("session")[0], &session); err != nil {
		t.Fatal(err)
	}
	carl := "carl:" + harness.HashOf(t, "carl's") + ":read-only"
	write(ann + "\n" + carl + "\n")
	leaves.Awaits("41/admin,")
	server.Stderr.WaitText(t, `msg="admin users loaded" users=2`)
	for _, auth := range []map[string]any{{"sessionId": session}, {"username": "bob", "password": "bob's"}} {
		if _, refused := harness.AdminLogin(t, server.Addr, auth); refused != "invalid credentials" {
			t.Errorf("bob was answered %q", refused)
		}
	}
	harness.MustLogin(t, server.Addr, "carl", "carl's").Told("config", `{"supportedFeatures":[]}`)

	write("a secret that is no user\n")
	server.Stderr.WaitText(t, `msg="the admin users stay as they were" error="line 1 must be name:hash`)
	harness.MustLogin(t, server.Addr, "carl", "carl's")
	stays.Commands("join", "/", "lobby")
	write(strings.Replace(ann, "ann", "root", 1))
	stays.Awaits("41/admin,")
	server.End()
	if strings.Contains(server.Stderr.String(), "secret") || strings.Contains(server.Stderr.String(), "$2a$") {
		t.Error("the log has what stands in the file")
	}
}
