package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pkg is a package of this module without its tests. Ours are named without the
// module's name, those of server/internal without that as well.
type pkg struct {
	imports []string // directly
	deps    []string // in the end
	ours    bool
}

// packages are those of the module that make lint checks, and what they depend on.
func packages(t *testing.T) map[string]pkg {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}}|{{join .Imports " "}}|{{join .Deps " "}}`, "hipflask/...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	module := regexp.MustCompile(`(^|[ |])hipflask/(server/internal/)?`)
	all, ours := make(map[string]pkg), 0
	for line := range strings.Lines(string(out)) {
		part := strings.Split(module.ReplaceAllString(strings.TrimSpace(line), "$1"), "|")
		p := pkg{strings.Fields(part[1]), strings.Fields(part[2]), strings.HasPrefix(line, "hipflask/")}
		if p.ours {
			ours++
		}
		all[part[0]] = p
	}
	if ours < 40 {
		t.Fatalf("only %d packages were found", ours)
	}
	return all
}

// isOneOf reports whether a package is one of the list, or beneath one that ends with
// "/...".
func isOneOf(name string, list []string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		top, beneath := strings.CutSuffix(pattern, "/...")
		return name == top || beneath && strings.HasPrefix(name, top+"/")
	})
}

// The tree in ARCHITECTURE.md has every package.
func TestArchitectureIsThisTree(t *testing.T) {
	_, tree, _ := strings.Cut(documents(t)["server/ARCHITECTURE.md"], "## Packages")
	tree, _, _ = strings.Cut(tree, "Imports run one way")
	for name, p := range packages(t) {
		last := name[strings.LastIndex(name, "/")+1:]
		if p.ours && !isOneOf(name, []string{"handlers/examples/...", "testdata/..."}) && !regexp.MustCompile(`(?m)^ *([a-z0-9]+/)?`+last+`/ `).MatchString(tree) {
			t.Errorf("the tree has no %s", name)
		}
	}
}

// A package imports nothing of ours but what stands beside it here, and nothing at all
// where ARCHITECTURE.md says that it knows nobody.
func TestArchitectureWhoKnowsWhom(t *testing.T) {
	knows := map[string][]string{
		"server":                       {"server/hipflask", "handlers"},
		"server/hipflask/hipflasktest": {"server/hipflask", "server/socketio/..."},
		"server/flasksession":          {"packet"},
		"handlers":                     {"server/hipflask", "server/socketio"},
		"accepted":                     {"address"},
		"assets":                       {"coding", "folder", "static"},
		"backend":                      {"address", "relay"},
		"relay":                        {"stall"},
		"capacity":                     {"config", "engineio", "machine"},
		"tasks":                        {"locks"},
		"websocket":                    {"deflate", "locks", "pool", "socket"},
		"http1":                        {"locks", "pool", "socket"},
		"coding":                       {"deflate"},
		"config":                       {"origin", "relay", "users"},
		"cluster/keyring":              {"cluster/redislink"},
		"cluster/forward":              {"causes", "cluster/keyring", "cluster/redislink", "engineio", "freeze", "relay", "sparse"},
		"cluster/flaskqueue":           {"packet/jsonval", "cluster/pickle", "packet"},
		"cluster/nodewire":             {"packet/jsonval", "packet", "packet/msgpack"},
		"cluster/streams":              {"cluster/nodewire", "offset"},
		"cluster/sessions":             {"causes", "cluster/nodewire", "cluster/redislink", "fanout", "offset", "packet", "packet/jsonval"},
		"cluster/pickle":               {"packet/jsonval", "packet", "pyprint"},
		"packet/jsonval":               {"packet", "pyprint"},
		"packet/msgpack":               {"packet/jsonval", "packet"},
		"pyprint":                      {"packet"},
	}
	_, page, _ := strings.Cut(documents(t)["server/ARCHITECTURE.md"], "Imports run one way")
	sentence := regexp.MustCompile(`(?s)\n- ([^-]*?)\s+know\s+nobody\.`).FindStringSubmatch(page)
	if sentence == nil {
		t.Fatal("ARCHITECTURE.md does not say which packages know nobody")
	}
	all := packages(t)
	for _, last := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(sentence[1], -1) {
		for name := range all {
			if all[name].ours && (name == last[1] || strings.HasSuffix(name, "/"+last[1])) {
				knows[name], last[1] = nil, name
			}
		}
		if !all[last[1]].ours {
			t.Errorf("there is no package %s", last[1])
		}
	}
	for name, may := range knows {
		if !all[name].ours {
			t.Errorf("there is no package %s", name)
		}
		for _, other := range all[name].imports {
			if all[other].ours && !isOneOf(other, may) {
				t.Errorf("%s imports %s, and may import %q of ours", name, other, may)
			}
		}
	}
}

// What stands first is imported by those beside it, and nobody else.
func TestArchitectureWhoImportsWhat(t *testing.T) {
	all := packages(t)
	for what, may := range map[string][]string{
		"server/hipflask":          {"server", "handlers/...", "server/hipflask/hipflasktest", "e2e/..."},
		"admin":                    {"server/hipflask"},
		"ops":                      {"server/hipflask"},
		"cluster":                  {"server/hipflask"},
		"cluster/redislink":        {"server/hipflask", "cluster", "cluster/forward", "cluster/keyring", "cluster/sessions"},
		"cluster/keyring":          {"server/hipflask", "cluster/forward"},
		"cluster/forward":          {"server/hipflask"},
		"cluster/redistest":        {"e2e/..."}, // and tests
		"testdata/testkit":         {"e2e/...", "cluster/redistest"},
		"e2e/...":                  {"e2e/..."},
		"github.com/gin-gonic/gin": {"server/hipflask", "handlers/..."},
		"github.com/prometheus/client_golang/...": {"server/hipflask", "ops"},
		"github.com/redis/go-redis/v9/...":        {"cluster/..."},
	} {
		found := false
		for name, p := range all {
			found = found || isOneOf(name, []string{what})
			for _, other := range p.imports {
				if p.ours && isOneOf(other, []string{what}) && !isOneOf(name, may) {
					t.Errorf("%s imports %s, and %q alone may", name, other, may)
				}
			}
		}
		if !found {
			t.Errorf("there is no package %s", what)
		}
	}
}

// Imports run one way, and what a program takes in with socketio has no Redis, no
// Prometheus and no gin.
func TestArchitectureRunsOneWay(t *testing.T) {
	all := packages(t)
	way := []string{"server", "server/hipflask", "server/socketio", "fanout", "engineio", "websocket"}
	for i, name := range way {
		if len(all[name].deps) == 0 {
			t.Errorf("%s depends on nobody", name)
		}
		for _, above := range way[:i] {
			if slices.Contains(all[name].deps, above) {
				t.Errorf("%s depends on %s", name, above)
			}
		}
	}
	heavy := regexp.MustCompile(`redis|prometheus|gin-gonic|^(cluster|ops|admin)(/|$)`)
	for _, dep := range all["server/socketio"].deps {
		if heavy.MatchString(dep) {
			t.Errorf("server/socketio depends on %s", dep)
		}
	}
}
