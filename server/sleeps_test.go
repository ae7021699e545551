package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tests wait for events. Where one sleeps, or asks now and then, a comment says why, on the
// line or the one above. Files with testing/synctest are left out: time does not pass there.
func TestSleepsHaveReasons(t *testing.T) {
	top := os.DirFS("..")
	seen := 0
	err := fs.WalkDir(top, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "dist"):
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || path == "server/sleeps_test.go" || !isForTests(path):
			return nil
		}
		text, err := fs.ReadFile(top, path)
		if err != nil || strings.Contains(string(text), "synctest.") {
			return err
		}
		before := ""
		for n, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "time.Sleep(") {
				seen++
				if !strings.Contains(line, "//") && !strings.HasPrefix(strings.TrimSpace(before), "//") {
					t.Errorf("%s:%d sleeps, and no comment says why", path, n+1)
				}
			}
			before = line
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("only %d sleeps were found", seen)
	}
}

// isForTests reports whether a file is a test or what tests stand on.
func isForTests(path string) bool {
	for _, folder := range []string{"testdata/", "server/internal/e2e/", "server/internal/cluster/redistest/", "server/socketio/socketiotest/"} {
		if strings.HasPrefix(path, folder) {
			return true
		}
	}
	return strings.HasSuffix(path, "_test.go")
}
