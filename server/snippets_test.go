package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/config"
)

// snippet is a block of code in a document.
type snippet struct {
	file     string
	language string
	text     string
}

// snippets are the blocks of a language in the documents, in the documents' order.
func snippets(t *testing.T, language string) (found []snippet) {
	t.Helper()
	files := documents(t)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, block := range regexp.MustCompile("(?ms)^( *)```"+language+"\n(.*?)^ *```").FindAllStringSubmatch(files[file], -1) {
			text := regexp.MustCompile("(?m)^"+block[1]).ReplaceAllString(block[2], "")
			found = append(found, snippet{file, language, text})
		}
	}
	return found
}

// The Go in the documents compiles in a module of its own, as a reader's would. That of
// PORTING.md is held, and run, by the test of its example.
func TestDocumentsGoCompiles(t *testing.T) {
	top, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	blocks := 0
	for _, s := range snippets(t, "go") {
		if s.file == "handlers/PORTING.md" {
			continue
		}
		blocks++
		source, err := sourceOf(s.text)
		if err != nil {
			t.Errorf("%s: %v in\n%s", s.file, err, s.text)
			continue
		}
		write(t, filepath.Join(dir, fmt.Sprint("snippet", blocks), strings.ReplaceAll(s.file, "/", "_")+".go"), source)
	}
	if blocks < 5 {
		t.Fatalf("only %d pieces of Go were found", blocks)
	}
	module, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(top, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	write(t, filepath.Join(dir, "go.mod"), strings.Replace(string(module), "module hipflask\n", "module snippets\n", 1)+
		"\nrequire hipflask v0.0.0\nreplace hipflask => "+top+"\n")
	vet := exec.CommandContext(t.Context(), "go", "vet", "./...")
	vet.Dir = dir
	vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sourceOf makes a file of a snippet: declarations, or statements of a function that has
// an application at hand. Imports follow from what it uses.
func sourceOf(text string) (string, error) {
	imports := map[string]string{
		"gin": "github.com/gin-gonic/gin", "hipflask": "hipflask/server/hipflask", "socketio": "hipflask/server/socketio",
		"http": "net/http", "json": "encoding/json", "slog": "log/slog",
	}
	for _, name := range []string{"context", "errors", "fmt", "io", "os", "strings", "time"} {
		imports[name] = name
	}
	const head = "package snippet\n"
	body := text
	file, err := parser.ParseFile(token.NewFileSet(), "", head+body, 0)
	if err != nil {
		body = "func _(app *hipflask.App, s *socketio.Server) error {\n" + text + "\nreturn nil\n}\n"
		if file, err = parser.ParseFile(token.NewFileSet(), "", head+body, 0); err != nil {
			return "", err
		}
	}
	declared, used := make(map[string]bool), make(map[string]bool)
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			for _, s := range g.Specs {
				if s, ok := s.(*ast.TypeSpec); ok {
					declared[s.Name.Name] = true
				}
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Obj == nil {
				used[x.Name] = true
			}
		case *ast.FuncDecl: // its receiver is a type of the application's
			if name := receiver(n); name != "" && !declared[name] {
				declared[name] = true
				body += "type " + name + " struct{}\n"
			}
		}
		return true
	})
	var source strings.Builder
	source.WriteString(head)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if imports[name] == "" {
			return "", fmt.Errorf("%s is no package that the test knows", name)
		}
		fmt.Fprintf(&source, "import %s %q\n", name, imports[name])
	}
	return source.String() + body, nil
}

// receiver is the name of the type that f is a method of, or empty.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// The server takes each command line of its own that the documents have, in a block or
// within a sentence. What a flag names on disk is put in its place.
func TestDocumentsCommandsAreTaken(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	write(t, key, "a key that is long enough\n")
	onDisk := map[string]string{"--static-folder": dir, "--secret-key-file": key}
	var lines []snippet
	for _, s := range snippets(t, "sh") {
		for line := range strings.Lines(strings.ReplaceAll(s.text, "\\\n", " ")) {
			lines = append(lines, snippet{s.file, s.language, line})
		}
	}
	for file, text := range documents(t) {
		for _, code := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(withoutCode(text), -1) {
			lines = append(lines, snippet{file, "", code[1]})
		}
	}
	taken := 0
	for _, line := range lines {
		env, args, ours := command(line.text)
		if !ours {
			continue
		}
		taken++
		if slices.Contains(args, "--certfile") != slices.Contains(args, "--keyfile") {
			t.Errorf("%s: half of a pair in %q", line.file, line.text)
		}
		var given []string
		for i := 0; i < len(args); i++ {
			if args[i] == "--certfile" || args[i] == "--keyfile" {
				i++ // there is no pair to read
				continue
			}
			given = append(given, args[i])
			if path := onDisk[args[i]]; path != "" {
				given = append(given, path)
				i++
			}
		}
		_, err := config.Parse(given, func(name string) string { return env[name] })
		if err != nil && !errors.Is(err, config.ErrHelp) && !errors.Is(err, config.ErrVersion) {
			t.Errorf("%s: %q: %v", line.file, strings.TrimSpace(line.text), err)
		}
	}
	if taken < 15 {
		t.Errorf("only %d commands were found", taken)
	}
}

// command takes a line of a shell apart: the variables before the server's command, and
// its arguments. It reports false for any other command.
func command(line string) (env map[string]string, args []string, ours bool) {
	env = make(map[string]string)
	var words []string
	for _, word := range regexp.MustCompile(`(?:"[^"]*"|[^\s"])+`).FindAllString(line, -1) {
		if strings.ContainsAny(word[:1], `#|>&;(\`) {
			break
		}
		words = append(words, strings.ReplaceAll(word, `"`, ""))
	}
	for len(words) > 0 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(words[0]) {
		name, value, _ := strings.Cut(words[0], "=")
		env[name], words = value, words[1:]
	}
	switch {
	case len(words) > 1 && words[0] == "hipflask":
		return env, words[1:], true
	case len(words) > 2 && slices.Equal(words[:3], []string{"go", "run", "./server"}):
		return env, words[3:], true
	}
	return nil, nil, false
}

// The figures in README.md are those of the last benchmark.
func TestDocumentsFigures(t *testing.T) {
	files := documents(t)
	_, table, _ := strings.Cut(files["README.md"], "<!-- figures: ")
	table, _, _ = strings.Cut(table, "<!-- end of figures -->")
	rows := regexp.MustCompile(`(?m)^\|.*\|$`).FindAllString(table, -1)
	if len(rows) < 5 {
		t.Fatalf("README.md has %d rows of figures", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(files["testdata/bench/result.md"], row+"\n") {
			t.Errorf("testdata/bench/result.md has no %s", row)
		}
	}
}
