//go:build unix

// Package redistest runs real redis-servers for tests, each on a port of its own and gone with its
// test.
package redistest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/testdata/testkit"
)

// Server is a redis-server that keeps nothing on disk.
type Server struct {
	Addr string // 127.0.0.1:PORT
	user string // and password, as a URL has them; empty: none are needed

	t      testing.TB
	args   []string
	client *redis.Client
	cmd    *exec.Cmd // nil while it is stopped
	ended  chan struct{}
	output *output
}

// StartLasting starts a server that has everything again when it is restarted.
func StartLasting(t testing.TB) *Server {
	t.Helper()
	return Start(t, "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always")
}

// Start starts a server with these arguments beside its own. Without redis-server the test is
// skipped; with CI=true it fails.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		const missing = "needs redis-server on the PATH; on Debian: apt-get install redis-server"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	s := &Server{t: t, args: args}
	// Somebody else may take the port before Redis does.
	for try := 0; ; try++ {
		s.Addr = "127.0.0.1:" + testkit.FreePort(t)
		if s.start() {
			break
		}
		if try == 5 {
			t.Fatalf("redis-server did not start:\n%s", s.output)
		}
	}
	t.Cleanup(s.Kill)
	s.client = redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
	t.Cleanup(func() { _ = s.client.Close() })
	return s
}

// URL is the server's address as --message-queue takes it.
func (s *Server) URL() string { return "redis://" + s.user + s.Addr + "/0" }

// As is the server for who knows it by a user and a password.
func (s *Server) As(user, password string) *Server {
	known := *s
	known.user = user + ":" + password + "@"
	return &known
}

// start reports whether the server accepts connections.
func (s *Server) start() bool {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.Addr)
	args := slices.Concat(s.args, []string{"--bind", host, "--port", port, "--logfile", ""})
	sentinel := slices.Contains(s.args, "--sentinel")
	switch {
	case slices.Contains(s.args, "--dir"): // it is to find again what it had
	case sentinel:
		args = append(args, "--dir", s.t.TempDir())
	default:
		args = append(args, "--dir", s.t.TempDir(), "--save", "", "--appendonly", "no")
	}
	if !sentinel {
		args = append(args, "--repl-diskless-sync-delay", "0") // it would wait five seconds for more replicas
	}
	s.output, s.ended = &output{more: make(chan struct{}, 1)}, make(chan struct{})
	s.cmd = exec.Command("redis-server", args...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		_ = cmd.Wait() // killed, whatever else
	}(s.cmd, s.ended)
	timeout := time.After(testkit.Deadline)
	for {
		said := s.output.String()
		if strings.Contains(said, "eady to accept connections") || strings.Contains(said, "+monitor") {
			return true
		}
		select {
		case <-s.output.more:
		case <-s.ended:
			s.cmd = nil
			return false
		case <-timeout:
			s.t.Fatalf("redis-server did not start within %v:\n%s", testkit.Deadline, s.output)
		}
	}
}

// Kill ends the server at once.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	s.cmd = nil
}

// Restart starts a server that was killed on the same port.
func (s *Server) Restart() {
	s.t.Helper()
	if !s.start() {
		s.t.Fatalf("redis-server did not start again:\n%s", s.output)
	}
}

// Freeze makes the server hang, with its connections open, until Thaw.
func (s *Server) Freeze() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// Do runs a command and returns the answer.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	answer, err := s.client.Do(ctx, args...).Result()
	if err != nil {
		s.t.Fatalf("%v: %v", args[0], err)
	}
	return answer
}

// Publish publishes a message.
func (s *Server) Publish(channel string, payload any) {
	s.t.Helper()
	s.Do("PUBLISH", channel, payload)
}

// StartSentinel starts a Sentinel with these lines of configuration.
func StartSentinel(t testing.TB, lines string) *Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil { // it writes into it
		t.Fatal(err)
	}
	return Start(t, file, "--sentinel")
}

// AwaitInfo waits until CLUSTER INFO or such holds a text.
func (s *Server) AwaitInfo(command, want string) {
	s.t.Helper()
	for end := time.Now().Add(testkit.Deadline); !strings.Contains(fmt.Sprint(s.Do(command, "INFO")), want); {
		if time.Now().After(end) {
			s.t.Fatalf("no %s within %v", want, testkit.Deadline)
		}
		time.Sleep(10 * time.Millisecond) // Redis tells nobody
	}
}

// Subscribers is how many a channel has.
func (s *Server) Subscribers(channel string) int {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	found, err := s.client.PubSubNumSub(ctx, channel).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return int(found[channel])
}

// AwaitSubscribers waits until a channel has that many subscribers.
func (s *Server) AwaitSubscribers(channel string, n int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	for {
		found, err := s.client.PubSubNumSub(ctx, channel).Result()
		if err == nil && found[channel] == int64(n) {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s has %d subscribers, want %d (%v)", channel, found[channel], n, err)
		case <-time.After(10 * time.Millisecond): // Redis tells nobody
		}
	}
}

// output can be read while a process writes to it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // holds a value when something was written
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
