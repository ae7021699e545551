package clients

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestGoClient runs testdata/goclient, Go's client of Socket.IO 4.
func TestGoClient(t *testing.T) {
	module := testkit.Testdata("goclient")
	ctx, cancel := context.WithTimeout(context.Background(), 4*testkit.ScriptDeadline) // it may have to be fetched
	defer cancel()
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
		return cmd
	}
	if out, err := command("go", "mod", "download").CombinedOutput(); err != nil {
		testkit.Absent(t, "needs the modules of testdata/goclient, and go mod download there says: "+testkit.Tail(string(out)))
	}
	program := filepath.Join(t.TempDir(), "goclient")
	if out, err := command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, testkit.Tail(string(out)))
	}
	talk := func(t *testing.T, mode string) (first string) {
		server := harness.Start(t)
		out, err := command(program, server.URL, mode).CombinedOutput()
		line, rest, _ := strings.Cut(string(out), "\n")
		const want = "connected by websocket\nheard hello\nheard Zoë 中文 \U0001f600\nheard [0 1 2 255]\nacknowledged [] <nil>\n"
		if err != nil || rest != want {
			t.Errorf("%v; it printed:\n%s\nwant behind the first line:\n%s", err, testkit.Tail(string(out)), want)
		}
		server.End()
		testkit.CompareLines(t, server.Stdout.Messages(), []string{
			"Received message: hello", "Received message: Zoë 中文 \U0001f600",
			`Received message: b'\x00\x01\x02\xff'`, "Received message: acknowledged",
		})
		return strings.TrimPrefix(line, "began by ")
	}
	t.Run("websocket", func(t *testing.T) {
		if first := talk(t, "websocket"); first != "websocket" {
			t.Errorf("it began by %q", first)
		}
	})
	t.Run("upgrade", func(t *testing.T) { // which of the two it begins by is chance
		const tries = 20
		for range tries {
			if talk(t, "upgrade") == "polling" || t.Failed() {
				return
			}
		}
		t.Errorf("in %d tries it never began by polling", tries)
	})
}
