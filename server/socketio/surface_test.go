package socketio_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// twoScreens is how many lines the types, functions, methods and values may take that
// handler authors see.
const twoScreens = 2 * 50

// TestSurface holds what a newcomer finds in go doc: little, each function with its
// counterpart in Flask-SocketIO, and with an example that has its name or mentions it.
func TestSurface(t *testing.T) {
	pkg := readPackage(t)
	examples := pkg.Examples
	var names []string
	function := func(f *doc.Func, of string) {
		name := f.Name
		if of != "" {
			name = of + "." + name
		}
		names = append(names, name)
		if f.Name != "Error" && !strings.Contains(f.Doc, "Flask") {
			t.Errorf("%s does not say what it is in Flask", name)
		}
	}
	lines := len(pkg.Consts) + len(pkg.Vars)
	for _, f := range pkg.Funcs {
		function(f, "")
	}
	for _, typ := range pkg.Types {
		lines++
		examples = append(examples, typ.Examples...)
		if typ.Doc == "" {
			t.Errorf("%s is not documented", typ.Name)
		}
		for _, f := range typ.Funcs {
			function(f, "")
			examples = append(examples, f.Examples...)
		}
		for _, f := range typ.Methods {
			function(f, typ.Name)
			examples = append(examples, f.Examples...)
		}
	}
	for _, f := range pkg.Funcs {
		examples = append(examples, f.Examples...)
	}
	if lines += len(names); lines > twoScreens {
		t.Errorf("%d lines, more than %d", lines, twoScreens)
	}
	shown := make(map[string]bool)
	for _, e := range examples {
		if e.Output == "" {
			t.Errorf("the example %s is not run: it has no output", e.Name)
		}
		of, rest, _ := strings.Cut(e.Name, "_") // Namespace_On_connect: the last part is free
		method, _, _ := strings.Cut(rest, "_")
		claims := append(strings.Fields(e.Doc), of, of+"."+method)
		for _, word := range claims {
			name := strings.Trim(word, ",.")
			shown[name] = shown[name] || calls(e.Code, name)
		}
	}
	for _, name := range names {
		if !shown[name] && !strings.HasSuffix(name, ".Error") {
			t.Errorf("no example shows %s", name)
		}
	}
}

// calls says whether code calls a function or method of that name, such as Context.Emit.
func calls(code ast.Node, name string) (found bool) {
	name = name[strings.LastIndex(name, ".")+1:]
	ast.Inspect(code, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			found = true
		}
		return !found
	})
	return found
}

func readPackage(t *testing.T) *doc.Package {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	pkg, err := doc.NewFromFiles(fset, files, "hipflask/server/socketio")
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}
