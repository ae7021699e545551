package parity

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// difference is something that is deliberately not as in Flask-SocketIO. The table is in
// table_test.go; MIGRATION.md has it in words.
type difference struct {
	name  string // as it is noted; "*" stands for anything
	why   string
	flask string
	ours  string
	shown bool // set when it was seen
}

// ruling is what the Flask-SocketIO to match does where Debian's is older, as it was recorded.
type ruling struct {
	Name    string // as it is noted; "*" stands for anything
	Why     string
	Older   string // Debian's, 5.3.2
	Current string
	shown   bool
}

func readRulings(t *testing.T) []ruling {
	t.Helper()
	file, err := os.ReadFile(testkit.Testdata("flask", "current.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Rulings []ruling }
	if err := json.Unmarshal(file, &recorded); err != nil {
		t.Fatal(err)
	}
	return recorded.Rulings
}

// isAbout reports whether a pattern matches a name.
func isAbout(pattern, name string) bool {
	before, rest, more := strings.Cut(pattern, "*")
	if !more {
		return name == pattern
	}
	if !strings.HasPrefix(name, before) {
		return false
	}
	for i := len(before); i <= len(name); i++ {
		if isAbout(rest, name[i:]) {
			return true
		}
	}
	return false
}
