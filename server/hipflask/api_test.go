package hipflask_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// No exported declaration of a public package shows a type of an internal one, which another module
// could not name: no type, field, parameter or result.
func TestPublicPackagesShowNothingInternal(t *testing.T) {
	exports, public := listed(t)
	imported := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	looked := 0
	for _, path := range public {
		pkg, err := imported.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range pkg.Scope().Names() {
			object := pkg.Scope().Lookup(name)
			if !object.Exported() {
				continue
			}
			looked++
			s := shown{seen: make(map[types.Type]bool)}
			s.look(object.Type(), true)
			for _, internal := range s.internal {
				t.Errorf("%s.%s shows %s", path, name, internal)
			}
		}
	}
	if len(public) < 3 || looked < 30 {
		t.Errorf("only %d declarations of %v were looked at", looked, public)
	}
}

// listed are the files with the types of all packages, and the packages that other modules can
// import.
func listed(t *testing.T) (exports map[string]string, public []string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Name,Export,Module", "hipflask/server/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	exports = make(map[string]string)
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Export string
			Module                   *struct{ Path string }
		}
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return exports, public
		case err != nil:
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if p.Module != nil && p.Module.Path == "hipflask" && p.Name != "main" && !isInternal(p.ImportPath) {
			public = append(public, p.ImportPath)
		}
	}
}

func isInternal(path string) bool {
	return strings.HasPrefix(path, "hipflask/") && strings.Contains(path+"/", "/internal/")
}

// shown gathers the internal types that a type shows.
type shown struct {
	seen     map[types.Type]bool
	internal []string
}

// look looks at a type. Exported ones that are not the declaration itself have a declaration of
// their own.
func (s *shown) look(t types.Type, declared bool) {
	if s.seen[t] {
		return
	}
	s.seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		s.named(t.Obj(), t, declared)
	case *types.Named:
		s.named(t.Obj(), t, declared)
	case *types.Struct:
		s.fields(t)
	case *types.Interface:
		for m := range t.Methods() {
			if m.Exported() {
				s.look(m.Type(), false)
			}
		}
	case *types.Signature:
		for v := range t.Params().Variables() {
			s.look(v.Type(), false)
		}
		for v := range t.Results().Variables() {
			s.look(v.Type(), false)
		}
	case *types.Map:
		s.look(t.Key(), false)
		s.look(t.Elem(), false)
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		s.look(t.Elem(), false)
	}
}

func (s *shown) named(name *types.TypeName, t types.Type, declared bool) {
	switch {
	case name.Pkg() == nil:
		return
	case isInternal(name.Pkg().Path()):
		s.internal = append(s.internal, name.Pkg().Path()+"."+name.Name())
		return
	case !strings.HasPrefix(name.Pkg().Path(), "hipflask/"), name.Exported() && !declared:
		return
	}
	if alias, ok := t.(*types.Alias); ok {
		s.look(alias.Rhs(), false)
		return
	}
	methods := types.NewMethodSet(types.NewPointer(t))
	for m := range methods.Methods() { // those of embedded types among them
		if m.Obj().Exported() {
			s.look(m.Type(), false)
		}
	}
	s.look(t.Underlying(), true)
}

// fields looks at exported fields, those of embedded types among them.
func (s *shown) fields(t *types.Struct) {
	for f := range t.Fields() {
		if f.Exported() {
			s.look(f.Type(), false)
		} else if inner, ok := f.Type().Underlying().(*types.Struct); ok && f.Embedded() {
			s.fields(inner)
		}
	}
}
