package operations

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// A page of one's own, from a folder: at / and beneath, without our policy, and the browser client
// beside it.
func TestStaticFolder(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "index.html", "<script src=/socket.io/socket.io.min.js></script>")
	writeFile(t, dir, "js/app.js", "io()")
	server := harness.Start(t, "--static-folder", dir)
	for path, want := range map[string]string{"/": "<script", "/js/app.js": "io()", "/socket.io/socket.io.min.js": "/*!"} {
		got := testkit.Ask(t, server.Addr, http.MethodGet, path, nil, "")
		if got.Status != http.StatusOK || !strings.HasPrefix(got.Body, want) || got.Header.Get("Content-Security-Policy") != "" {
			t.Errorf("%s: answered %v", path, got)
		}
	}
	if got := testkit.Ask(t, server.Addr, http.MethodGet, "/style.css", nil, ""); got.Status != http.StatusNotFound {
		t.Errorf("the built-in page's style is answered %d", got.Status)
	}
	err := harness.Run(t.Context(), []string{"--port", "0", "--static-folder", filepath.Join(dir, "missing")}, harness.NoEnv, io.Discard, io.Discard)
	if hipflask.ExitCode(err) != 2 || !strings.Contains(err.Error(), "--static-folder") {
		t.Errorf("a folder that is missing: %v", err)
	}
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// Attack: paths that lead out of the static folder, or to what is hidden in it.
func TestHardeningStaticFolder(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "public")
	writeFile(t, dir, "index.html", "home")
	writeFile(t, dir, ".env", "secret")
	writeFile(t, dir, ".git/config", "secret")
	writeFile(t, base, "outside.txt", "secret")
	for link, to := range map[string]string{"link.txt": "../outside.txt", "up": "..", "root": "/"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	addr := harness.Start(t, "--static-folder", dir).Addr
	for _, path := range []string{
		"/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/%2e%2e%2foutside.txt", "/..%5coutside.txt", "/..\\outside.txt",
		"/x/../../outside.txt", "/x/%2e%2e/%2e%2e/outside.txt", "/....//outside.txt", "//outside.txt", "/./../outside.txt",
		"/..%00/outside.txt", "/index.html%00", "/link.txt", "/up/outside.txt", "/up/public/.env", "/root/etc/passwd",
		base + "/outside.txt", "/%2fetc/passwd", "//etc/passwd", "/.env", "/%2eenv", "/.git/config", "/up/", "/root/",
	} {
		got := testkit.Ask(t, addr, http.MethodGet, path, nil, "")
		if got.Status != http.StatusNotFound && got.Status != http.StatusBadRequest || strings.Contains(got.Body, "secret") {
			t.Errorf("%s: answered %v", path, got)
		}
	}
	if got := testkit.Ask(t, addr, http.MethodGet, "/", nil, ""); got.Body != "home" {
		t.Errorf("the page itself is answered %v", got)
	}
}

// Attack: a body for a route that never comes, to hold its handler.
func TestHardeningRouteBodyThatNeverComes(t *testing.T) {
	ended := make(chan error, 1)
	server := harness.StartApp(t, func(app *hipflask.App) error {
		app.Router.POST("/upload", func(c *gin.Context) {
			_, err := io.Copy(io.Discard, c.Request.Body)
			ended <- err
		})
		return nil
	}, "--read-body-timeout", "200ms")
	testkit.BeginRequest(t, server.Addr, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome")
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the handler took it for a whole body")
		}
	case <-time.After(testkit.Deadline):
		t.Fatal("the handler is still held")
	}
}
