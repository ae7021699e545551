package socketio_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
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
			examples = append(examples, f.Examples...)
			if own := methods(pkg, "Namespace")[f.Name]; typ.Name == "Server" && own != nil {
				checkForwarded(t, f, own)
				continue // the reader has seen it
			}
			function(f, typ.Name)
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

// methods are those of a type by their names.
func methods(pkg *doc.Package, name string) map[string]*doc.Func {
	all := make(map[string]*doc.Func)
	for _, typ := range pkg.Types {
		for _, f := range typ.Methods {
			if typ.Name == name {
				all[f.Name] = f
			}
		}
	}
	return all
}

// checkForwarded holds a method of Server to that of the namespace "/" which it stands for.
func checkForwarded(t *testing.T, f, own *doc.Func) {
	t.Helper()
	signature := func(f *doc.Func) string { return types.ExprString(f.Decl.Type) }
	if signature(f) != signature(own) || !strings.Contains(f.Doc, "[Namespace."+f.Name+"]") || !strings.Contains(f.Doc, "Flask") {
		t.Errorf("Server.%s is not Namespace.%s, or does not say so: %s\n%s", f.Name, f.Name, signature(f), f.Doc)
	}
}

// TestServerHasTheNamespacesMethods: go doc finds those that are its own.
func TestServerHasTheNamespacesMethods(t *testing.T) {
	pkg := readPackage(t)
	own := methods(pkg, "Server")
	for name := range methods(pkg, "Namespace") {
		if own[name] == nil {
			t.Errorf("go doc does not find Server.%s", name)
		}
	}
}

// TestMapOfNames holds the table at the package's head: each of our names on it exists,
// and what go doc shows of the package fits two screens.
func TestMapOfNames(t *testing.T) {
	pkg := readPackage(t)
	exists := make(map[string]bool)
	add := func(of string, funcs []*doc.Func) {
		for _, f := range funcs {
			exists[of+f.Name] = true
		}
	}
	add("", pkg.Funcs)
	shown := len(pkg.Funcs) + len(pkg.Vars)
	for _, typ := range pkg.Types {
		exists[typ.Name] = true
		shown += 1 + len(typ.Funcs)
		add("", typ.Funcs)
		add(typ.Name+".", typ.Methods)
		ast.Inspect(typ.Decl, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok {
				for _, name := range field.Names {
					exists[typ.Name+"."+name.Name] = true
				}
			}
			return true
		})
	}
	var columns []int // where they begin
	rows := 0
	for line := range strings.Lines(pkg.Doc) {
		line = strings.TrimSuffix(line, "\n")
		if columns == nil {
			if strings.HasPrefix(line, "\tFlask ") {
				columns = []int{strings.Index(line, "Node"), strings.Index(line, "here")}
			}
			continue
		}
		if !strings.HasPrefix(line, "\t") {
			if line == "" {
				continue
			}
			break
		}
		rows++
		if len(line) < columns[1] || line[columns[0]-1] != ' ' || line[columns[1]-1] != ' ' {
			t.Fatalf("a row that is none: %q", line)
		}
		for _, name := range strings.Split(line[columns[1]:], ", ") {
			if !exists[name] {
				t.Errorf("%q is no name of this package: %q", name, line)
			}
		}
	}
	if rows < 20 {
		t.Errorf("the table has %d rows", rows)
	}
	if lines := strings.Count(pkg.Doc, "\n") + shown; lines > twoScreens {
		t.Errorf("go doc shows %d lines, more than %d", lines, twoScreens)
	}
}

// calls reports whether code calls a function or method of that name, such as Context.Emit.
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
