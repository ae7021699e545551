package folder

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// serving makes a folder in a folder: what is beside it must not be served.
func serving(t *testing.T) (f *Folder, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "public")
	for name, text := range map[string]string{
		"index.html": "home", "about.html": "about", "data.json": "{}", "app.js": "let a",
		"docs/index.html": "docs", "docs/a b.txt": "spaced", "docs/é.txt": "accent", "empty/x.txt": "x",
		".env": "secret", ".git/config": "secret", ".well-known/security.txt": "contact", "../outside.txt": "secret",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"out.txt": "../outside.txt", "abs.txt": filepath.Join(filepath.Dir(dir), "outside.txt"), "up": "..",
		"in.txt": "docs/index.html", "loop": "loop",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f, dir
}

// get asks for a path; an unserved one is 404.
func get(f *Folder, method, target string, header ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if !f.Serve(w, r) {
		w.WriteHeader(http.StatusNotFound)
	}
	return w
}

func TestFiles(t *testing.T) {
	f, _ := serving(t)
	for path, want := range map[string]struct{ body, contentType string }{
		"/":                         {"home", "text/html; charset=utf-8"},
		"/index.html":               {"home", "text/html; charset=utf-8"},
		"/data.json":                {"{}", "application/json"},
		"/app.js":                   {"let a", "text/javascript; charset=utf-8"},
		"/docs/":                    {"docs", "text/html; charset=utf-8"},
		"/docs/a%20b.txt":           {"spaced", "text/plain; charset=utf-8"},
		"/docs/%C3%A9.txt":          {"accent", "text/plain; charset=utf-8"},
		"/in.txt":                   {"docs", "text/plain; charset=utf-8"},
		"/.well-known/security.txt": {"contact", "text/plain; charset=utf-8"},
	} {
		w := get(f, "GET", path)
		if w.Code != 200 || w.Body.String() != want.body || w.Header().Get("Content-Type") != want.contentType {
			t.Errorf("%s: %d %q %q, want %q", path, w.Code, w.Body, w.Header().Get("Content-Type"), want)
		}
		if w.Header().Get("Content-Security-Policy") != "" || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %v", path, w.Header())
		}
		if h := get(f, "HEAD", path); h.Code != 200 || h.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d with %d bytes", path, h.Code, h.Body.Len())
		}
	}
}

// Nothing outside the folder is served, nothing hidden, no folder, by no spelling and no link.
func TestNothingElse(t *testing.T) {
	f, dir := serving(t)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/nothing", "/about", "/docs", "/empty/", "/empty", "//", "//index.html", "/docs//index.html", "/./index.html",
		"/docs/../index.html", "/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/docs/%2e%2e/%2e%2e/outside.txt",
		"/..%5coutside.txt", "/docs%5cindex.html", "/index.html%00", "/%00", "/index.html/", "/out.txt", "/abs.txt", "/up/outside.txt",
		"/up/public/index.html", "/loop", "/pipe", "/.env", "/.git/config", "/./.env", "/docs/.", "/docs/..", "/%2e",
		"/" + strings.Repeat("a/", 3000), "/" + strings.Repeat("a", 5000),
	} {
		if w := get(f, "GET", path); w.Code != 404 || len(w.Header()) != 0 || w.Body.Len() != 0 {
			t.Errorf("%.60s: %d %q %v", path, w.Code, w.Body, w.Header())
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if w := get(f, method, "/"); w.Code != 404 {
			t.Errorf("%s /: %d", method, w.Code)
		}
	}
	if !f.Has("/docs/") || f.Has("/docs") || f.Has("/out.txt") {
		t.Error("Has and Serve do not agree")
	}
}

func TestRangesAndConditions(t *testing.T) {
	f, _ := serving(t)
	if w := get(f, "GET", "/about.html", "Range", "bytes=1-3"); w.Code != 206 || w.Body.String() != "bou" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
	modified := get(f, "GET", "/about.html").Header().Get("Last-Modified")
	if w := get(f, "GET", "/about.html", "If-Modified-Since", modified); modified == "" || w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("not modified since %q: %d", modified, w.Code)
	}
}

// What changes on disk is served at once, also when the folder itself is another.
func TestChangesShowAtOnce(t *testing.T) {
	base := t.TempDir()
	for _, release := range []string{"one", "two"} {
		if err := os.MkdirAll(filepath.Join(base, release), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(base, release, "index.html"), []byte(release), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	current := filepath.Join(base, "current")
	point := func(to string) {
		t.Helper()
		if err := os.Symlink(to, current+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(current+".new", current); err != nil {
			t.Fatal(err)
		}
	}
	point("one")
	f, err := Open(current)
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"one", "two"} {
		point(release)
		if w := get(f, "GET", "/"); w.Body.String() != release {
			t.Errorf("%q is served, want %q", w.Body, release)
		}
	}
	if err := os.Remove(current); err != nil {
		t.Fatal(err)
	}
	if w := get(f, "GET", "/"); w.Code != 404 {
		t.Errorf("a folder that went away: %d", w.Code)
	}
}

func TestOpen(t *testing.T) {
	_, dir := serving(t)
	for _, wrong := range []string{filepath.Join(dir, "nothing"), filepath.Join(dir, "index.html")} {
		if _, err := Open(wrong); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}
