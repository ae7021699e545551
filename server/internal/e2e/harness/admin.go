//go:build unix

package harness

import (
	"testing"

	"golang.org/x/crypto/bcrypt"

	"hipflask/testdata/testkit"
)

// AdminUIFolder is the folder with the page of npm's @socket.io/admin-ui.
func AdminUIFolder() string {
	return testkit.Testdata("node_modules", "@socket.io", "admin-ui", "ui", "dist")
}

// StartAdminPage starts a browser that shows that page, and does what it is told by
// testdata/cluster/admin_page.mjs.
func StartAdminPage(t *testing.T) *Helper {
	t.Helper()
	node, chromium := testkit.NeedNode(t), testkit.NeedChromium(t)
	return startHelper(t, node, testkit.Testdata("cluster", "admin_page.mjs"), chromium)
}

// HashOf is the bcrypt hash of a password.
func HashOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}
