//go:build unix

package cluster

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// scaling is the page for who runs several servers.
const scaling = "../../../SCALING.md"

// grant gives a user the rights that the page lists for it.
func grant(t *testing.T, redis *redistest.Server, user string) *redistest.Server {
	t.Helper()
	page, err := os.ReadFile(scaling)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ACL SETUSER ` + user + ` .*$`).FindString(string(page))
	if line == "" {
		t.Fatalf("the page lists no rights for %s", user)
	}
	var command []any
	for _, word := range strings.Fields(line) {
		command = append(command, word)
	}
	redis.Do(command...)
	return redis.As(user, "SECRET")
}

// TestLeastRights: the rights that the page lists are enough, for both adapters, for what is passed
// on, and for Python's queue in both directions.
func TestLeastRights(t *testing.T) {
	for user, adapter := range map[string]string{"chat": "redis", "streams": "redis-streams"} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			limited, worker := grant(t, redis, user), grant(t, redis, "worker")
			a := harness.StartMember(t, limited, "--cluster-adapter", adapter, "--server-id", "a")
			b := harness.StartMember(t, limited, "--cluster-adapter", adapter, "--server-id", "b")
			here, there := testkit.JoinWebSocket(t, a.Addr), testkit.JoinWebSocket(t, b.Addr)
			heard := func(text string) {
				t.Helper()
				here.Hears(testkit.Message(text))
				there.Hears(testkit.Message(text))
			}
			here.Send(testkit.Message("one"))
			heard("one")
			forwarded(t, a, b)
			heard("by another server")
			python := harness.StartPythonHelper(t, "emitter.py", worker)
			var ready struct{ Ready bool }
			python.Next(&ready)
			python.Tell("emit", harness.Command{"args": []any{"message", "from Python"}})
			heard("from Python")
			for _, c := range []*testkit.Client{here, there} { // or its server would wait for it
				_ = c.Close()
			}
			for _, s := range []*harness.Server{a, b} {
				s.End()
				harness.CheckQuiet(t, s.Stderr.String())
			}
		})
	}
}
