package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table of goroutines in ARCHITECTURE.md has each file of the server that starts one.
func TestArchitectureGoroutines(t *testing.T) {
	_, table, found := strings.Cut(documents(t)["server/ARCHITECTURE.md"], "\n## Goroutines and who ends them\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no table of goroutines")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_/]+\\.go)` \\|").FindAllStringSubmatch(table, -1) {
		listed[row[1]] = true
	}
	starting := startGoroutines(t)
	for file := range starting {
		if !listed[file] {
			t.Errorf("%s starts a goroutine, and ARCHITECTURE.md does not say who ends it", file)
		}
	}
	for file := range listed {
		if !starting[file] {
			t.Errorf("ARCHITECTURE.md says that %s starts a goroutine", file)
		}
	}
}

// startGoroutines finds the files beneath this folder with a go statement, or with a call
// of a method Go. What only tests use is left out.
func startGoroutines(t *testing.T) map[string]bool {
	t.Helper()
	forTests := regexp.MustCompile(`_test\.go$|^socketio/socketiotest/|^hipflask/hipflasktest/|^internal/e2e/|^internal/cluster/redistest/`)
	found := make(map[string]bool)
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || forTests.MatchString(path) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			starts := false
			switch n := n.(type) {
			case *ast.GoStmt:
				starts = true
			case *ast.CallExpr:
				method, ok := n.Fun.(*ast.SelectorExpr)
				starts = ok && method.Sel.Name == "Go"
			}
			if starts {
				found[strings.TrimPrefix(path, "internal/")] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
