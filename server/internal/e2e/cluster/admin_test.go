//go:build unix

package cluster

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

const adminPassword = "pass wörd"

// adminUsers is a file with root, who may do everything, and ann, who may look.
func adminUsers(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users")
	text := "# who may log in\nroot:" + harness.HashOf(t, adminPassword) + "\nann:" + harness.HashOf(t, "ann's") + ":read-only\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAdminPageShowsTheCluster has the official page, in a real browser, connected to one server of
// two: it shows both, and a client of the other one, which it puts into a room and disconnects. Its
// login holds on the other server. Whoever may only look is shown no buttons.
func TestAdminPageShowsTheCluster(t *testing.T) {
	for _, adapter := range []string{"redis", "redis-streams"} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			testAdminPage(t, adapter)
		})
	}
}

func testAdminPage(t *testing.T, adapter string) {
	browser := harness.StartAdminPage(t)
	redis := redistest.Start(t)
	users := adminUsers(t)
	member := func(id string) *harness.Server {
		return harness.StartMember(t, redis, "--cluster-adapter", adapter, "--admin-users-file", users, "--server-id", id,
			"--static-folder", harness.AdminUIFolder())
	}
	a, b := member("first"), member("second")
	before, beforeID := joinAs(t, b.Addr)

	var login struct{ Refused, Error string }
	if browser.Do("login", harness.Command{"page": "wrong", "url": a.URL, "user": "root", "password": "wrong"}, &login); !strings.Contains(login.Refused, "credentials") {
		t.Fatalf("a wrong password was answered %+v", login)
	}
	if browser.Do("login", harness.Command{"page": "root", "url": a.URL, "user": "root", "password": adminPassword}, &login); login.Refused+login.Error != "" {
		t.Fatalf("root was answered %+v", login)
	}
	root := func(action string, c harness.Command) {
		t.Helper()
		c["page"] = "root"
		browser.Tell(action, c)
	}
	for _, id := range []string{"first", "second"} {
		var shown struct{ Cells []string }
		browser.Do("cells", harness.Command{"page": "root", "at": "#/servers/", "row": []string{id}}, &shown)
		if len(shown.Cells) < 7 || shown.Cells[2] != strconv.Itoa(os.Getpid()) || shown.Cells[4] != "1" || !strings.EqualFold(strings.TrimSpace(shown.Cells[6]), "healthy") {
			t.Errorf("the page shows %q", shown.Cells)
		}
	}
	root("sees", harness.Command{"at": "#/sockets/", "row": []string{beforeID}})
	after, afterID := joinAs(t, b.Addr)
	root("sees", harness.Command{"at": "#/sockets/", "row": []string{afterID}})

	root("join", harness.Command{"id": beforeID, "room": "lobby"})
	root("sees", harness.Command{"at": "#/rooms/", "row": []string{"lobby", "1"}})
	root("disconnect", harness.Command{"id": beforeID})
	before.Awaits("41")
	root("misses", harness.Command{"at": "#/sockets/", "row": []string{beforeID}})
	after.Chats("still here")

	var kept struct{ Session string }
	browser.Do("session", harness.Command{"page": "root"}, &kept)
	if len(kept.Session) < 40 {
		t.Fatalf("the page has the session %q", kept.Session)
	}
	browser.Tell("resume", harness.Command{"page": "again", "url": b.URL, "session": kept.Session})
	browser.Tell("sees", harness.Command{"page": "again", "at": "#/servers/", "row": []string{"first"}})

	if browser.Do("login", harness.Command{"page": "ann", "url": b.URL, "user": "ann", "password": "ann's"}, &login); login.Refused+login.Error != "" {
		t.Fatalf("ann was answered %+v", login)
	}
	for page, want := range map[string]int{"ann": 0, "root": 1} {
		var shown struct{ Count int }
		browser.Do("buttons", harness.Command{"page": page, "at": "#/sockets/", "row": []string{afterID}}, &shown)
		if shown.Count != want {
			t.Errorf("%s is shown %d buttons for a client, want %d", page, shown.Count, want)
		}
	}
	for _, page := range []string{"root", "again", "ann"} {
		var found struct{ Errors []string }
		if browser.Do("errors", harness.Command{"page": page}, &found); len(found.Errors) != 0 {
			t.Errorf("errors in %s's page: %q", page, found.Errors)
		}
	}
	a.End()
	b.End()
	for _, log := range []string{a.Stderr.String(), b.Stderr.String()} {
		if strings.Contains(log, adminPassword) || strings.Contains(log, "$2a$") || strings.Contains(log, kept.Session) {
			t.Error("a secret is in the log")
		}
	}
	if !slices.ContainsFunc(a.Stderr.Lines(), func(line string) bool {
		return strings.Contains(line, "admin command") && strings.Contains(line, "user=root")
	}) {
		t.Error("the log does not say who gave a command")
	}
}

// joinAs connects a client to "/", and returns its id.
func joinAs(t *testing.T, addr string) (c *testkit.Client, id string) {
	t.Helper()
	c = testkit.OpenWebSocket(t, addr, testkit.WebSocketPath)
	return c, connect(c, "40")
}

// connect connects a client to a namespace, and returns its id there.
func connect(c *testkit.Client, packet string) (id string) {
	c.T.Helper()
	for {
		got, err := c.Packet()
		c.Must(err)
		if strings.HasPrefix(got, "0") {
			c.Send(packet)
			continue
		}
		var told struct{ SID string }
		if err := json.Unmarshal([]byte(got[strings.Index(got, "{"):]), &told); err != nil || told.SID == "" {
			c.T.Fatalf("%.100q was answered %.200q", packet, got)
		}
		return told.SID
	}
}
