package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGoClient runs testdata/goclient, Go's client of Socket.IO 4.
func TestGoClient(t *testing.T) {
	const module = "../testdata/goclient"
	ctx, cancel := context.WithTimeout(context.Background(), 4*nodeDeadline) // it may have to be fetched
	defer cancel()
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
		return cmd
	}
	if out, err := command("go", "mod", "download").CombinedOutput(); err != nil {
		absent(t, "needs the modules of testdata/goclient, and go mod download there says: "+tail(string(out)))
	}
	program := filepath.Join(t.TempDir(), "goclient")
	if out, err := command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, tail(string(out)))
	}
	for _, mode := range []string{"websocket", "upgrade"} {
		t.Run(mode, func(t *testing.T) {
			server := startServer(t)
			out, err := command(program, server.URL, mode).CombinedOutput()
			const want = "connected by websocket\nheard hello\nheard Zoë 中文 \U0001f600\nheard [0 1 2 255]\nacknowledged [] <nil>\n"
			if err != nil || string(out) != want {
				t.Errorf("%v; it printed:\n%s\nwant:\n%s", err, tail(string(out)), want)
			}
			server.end()
			compareLines(t, server.Stdout.lines(), []string{
				"Client connected", "Received message: hello", "Received message: Zoë 中文 \U0001f600",
				`Received message: b'\x00\x01\x02\xff'`, "Received message: acknowledged", "Client disconnected",
			})
		})
	}
}
