package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hipflask/server/internal/users"
)

// usersFile is a file with a text.
func usersFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAdminUsersFile(t *testing.T) {
	hash := "$2b$10$" + strings.Repeat("a", 53)
	name := usersFile(t, "# people\n\nann:"+hash+"\r\n bob b:"+hash+":read-only")
	c := mustParse(t, env(), "--admin-users-file", name)
	expect(t, c, "AdminUsersFile", name)
	expect(t, c, "AdminReadOnly", false)
	ann, bob, root := users.User{Name: "ann", Hash: hash}, users.User{Name: "bob b", Hash: hash, ReadOnly: true}, users.User{Name: "root", Hash: hash}
	if got, err := c.AdminUsers(); err != nil || !reflect.DeepEqual(got, []users.User{ann, bob}) {
		t.Errorf("%+v, %v", got, err)
	}
	c = mustParse(t, env(), "--admin-users-file", name, "--admin-user=root", "--admin-password-hash", hash, "--admin-read-only")
	expect(t, c, "AdminReadOnly", true)
	if got, err := c.AdminUsers(); err != nil || !reflect.DeepEqual(got, []users.User{ann, bob, root}) {
		t.Errorf("%+v, %v", got, err)
	}
	refused(t, []string{"--admin-read-only"}, env(), "--admin-read-only", "--admin-user or --admin-users-file is missing")
	refused(t, []string{"--admin-users-file", name, "--admin-user=ann", "--admin-password-hash", hash}, env(), "--admin-users-file", "of --admin-user as well")
	refused(t, []string{"--admin-users-file", filepath.Join(t.TempDir(), "none")}, env(), "--admin-users-file", "cannot be read")
	for text, why := range map[string]string{
		"": "holds no user", "#\n": "holds no user", "secret": "line 1 must be name:hash", "ann:" + hash + "\nsecret:secret": "line 2 has a hash that is none",
		"ann:" + hash + ":secret": "line 1 has something else than read-only", "ann:" + hash + ":read-only:secret": "line 1 must be", ":" + hash: "line 1 has no name",
		"ann:" + hash + "\nann:" + hash: "line 2 has the name of line 1", "s\x00ecret:" + hash: "control characters", strings.Repeat("secret", 11) + ":" + hash: "longer than 64",
		"ann:$2b$17$" + hash[7:]: "at most 16", strings.Repeat("secret", 1<<18): "1 MiB",
	} {
		args := []string{"--admin-users-file", usersFile(t, text)}
		refused(t, args, env(), "--admin-users-file", why)
		if _, err := Parse(args, env()); strings.Contains(strings.ReplaceAll(err.Error(), args[1], ""), "secret") {
			t.Errorf("the error repeats what stands there: %v", err)
		}
	}
}
