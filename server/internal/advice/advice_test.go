package advice

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hipflask/server/internal/config"
	"hipflask/server/internal/engineio"
)

// said is the line that a warning with these attributes becomes.
func said(t *testing.T, cfg *config.Config, name Namer, args ...any) string {
	t.Helper()
	var out bytes.Buffer
	text := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}})
	slog.New(New(text, cfg, name)).WarnContext(context.Background(), "x", args...)
	return strings.TrimSpace(out.String())
}

func TestLines(t *testing.T) {
	mute := func(string, string) string { return "" }
	listed := &config.Config{CORSAllowedOrigins: []string{"https://b.example"}}
	for name, c := range map[string]struct {
		cfg  *config.Config
		name Namer
		args []any
		want string
	}{
		"no cause":     {nil, Flag, []any{"limit", 1, "hint", "y"}, `limit=1 hint=y`},
		"other cause":  {nil, Flag, []any{"cause", "none of ours"}, `cause="none of ours"`},
		"behind limit": {nil, Flag, []any{"limit", 1, "address", "a", "cause", "slow client"}, `limit=1 setting=--max-backlog address=a cause="slow client"`},
		"no limit":     {nil, Flag, []any{"cause", "no connect"}, `cause="no connect" setting=--connect-timeout`},
		"bound":        {nil, Flag, []any{"limit", 1, "bound", "answer", "cause", "slow client"}, `limit=1 settings="--ping-interval, --ping-timeout" cause="slow client"`},
		"other bound":  {nil, Flag, []any{"bound", "arguments", "cause", "broken packet"}, `bound=arguments cause="broken packet"`},
		"bound alone":  {nil, Flag, []any{"bound", "ping"}, `setting=--ping-timeout`},
		"no names":     {nil, mute, []any{"limit", 1, "cause", "address"}, `limit=1 cause=address`},
		"hint":         {nil, Flag, []any{"cause", "path"}, `cause=path hint="the client's option path has to be what --path says; a proxy in between may have changed it"`},
		"list empty":   {new(config.Config), Flag, []any{"referer", "https://a.example", "cause", "origin"}, `referer=https://a.example cause=origin hint="--cors-allowed-origins=https://a.example would allow it"`},
		"list":         {listed, Flag, []any{"referer", "https://a.example", "cause", "origin"}, `referer=https://a.example cause=origin hint="with https://a.example added, --cors-allowed-origins would allow it"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(t, c.cfg, c.name, c.args...); got != c.want {
				t.Errorf("the line is\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

var braces = regexp.MustCompile(`\{([a-z-]+)(=[^}]*)?\}`)

// named are the settings that a row names, and its hint those in braces.
func named(r row) []string {
	list := slices.Clone(r.settings)
	for _, m := range braces.FindAllStringSubmatch(r.hint, -1) {
		list = append(list, m[1])
	}
	return list
}

// Every cause is explained in OPERATIONS.md, with every setting that the log names for it.
func TestOperationsExplainsEveryCause(t *testing.T) {
	text, err := os.ReadFile("../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		cells := strings.SplitN(line, "|", 3)
		if len(cells) < 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z ]+)`").FindAllStringSubmatch(cells[1], -1) {
			explained[m[1]] += line
		}
	}
	settings := make(map[string]bool)
	for _, s := range config.Settings() {
		settings[s.Name] = true
	}
	rows := table()
	for _, cause := range engineio.Causes() {
		if explained[string(cause)] == "" {
			t.Errorf("OPERATIONS.md does not explain %q", cause)
		}
	}
	for k, r := range rows {
		for _, name := range named(r) {
			if !settings[name] {
				t.Errorf("%v names %s, which is no setting", k, name)
			}
			if explains := explained[k.cause]; explains != "" && k.bound == "" && !strings.Contains(explains, "`--"+name) {
				t.Errorf("OPERATIONS.md does not name --%s for %q", name, k.cause)
			}
		}
	}
}

// Who refuses knows causes; the settings, and what a proxy in front has to do, stand in
// these packages alone.
func TestOnlySettingsNameSettings(t *testing.T) {
	knows := []string{"hipflask", "internal/config", "internal/advice", "internal/cluster/redistest", "internal/e2e"} // redis-server's flags, tests
	var names []string
	for _, s := range config.Settings() {
		names = append(names, regexp.QuoteMeta(s.Name))
	}
	flag := regexp.MustCompile(`--(` + strings.Join(names, "|") + `)\b|nginx|proxy_`)
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel("../..", path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(knows, filepath.ToSlash(rel)):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && flag.MatchString(text) {
					t.Errorf("%s: %q names a setting or a proxy's", set.Position(lit.Pos()), text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files were read: %v", files, err)
	}
}
