// Package harness runs the whole server for black-box tests, in this process, and what takes part
// in a cluster with it. What tests need beside a server is in package testkit.
package harness

import (
	"context"
	"regexp"
	"testing"
	"time"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/testdata/testkit"
)

// Server is the server under test, run in this process.
type Server struct {
	URL    string // http://127.0.0.1:PORT, or unix:PATH
	Addr   string // 127.0.0.1:PORT, or PATH
	Stdout *testkit.Output
	Stderr *testkit.Output

	T       *testing.T
	Cancel  context.CancelFunc
	stopped bool // by the test, which has seen what Run returned
	Done    chan struct{}
	Err     error // what Run returned, once Done is closed
}

// Start runs the server on a free port with these arguments and an empty environment, and stops it
// when the test is over.
func Start(t *testing.T, args ...string) *Server {
	t.Helper()
	return StartApp(t, handlers.Register, args...)
}

// StartApp is Start with another application.
func StartApp(t *testing.T, register func(*hipflask.App) error, args ...string) *Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{Stdout: testkit.NewOutput(), Stderr: testkit.NewOutput(), T: t, Cancel: cancel, Done: make(chan struct{})}
	args = append([]string{"--port", "0"}, args...)
	go func() {
		defer close(s.Done)
		s.Err = hipflask.Run(ctx, args, func(string) string { return "" }, s.Stdout, s.Stderr, register)
		s.Stdout.End()
		s.Stderr.End()
	}()
	t.Cleanup(func() {
		if stopped := s.stopped; s.Stop() != nil && !stopped {
			t.Errorf("run: %v", s.Err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", testkit.Tail(s.Stderr.String()))
		}
	})
	address := s.Stderr.WaitMatch(t, regexp.MustCompile(`(https?://|unix:)([^\s"/]+:\d+|/[^\s"]+)`))
	s.URL, s.Addr = address[0], address[2]
	return s
}

// Stop shuts the server down and returns what Run returned. It can be called again.
func (s *Server) Stop() error {
	s.T.Helper()
	s.stopped = true
	s.Cancel()
	select {
	case <-s.Done:
		return s.Err
	case <-time.After(testkit.Deadline):
		s.T.Fatalf("the server did not stop within %v", testkit.Deadline)
		return nil
	}
}

// End stops the server, which has to end well. Lines are written behind its back: only now do all
// of them stand in its stdout and its log.
func (s *Server) End() {
	s.T.Helper()
	if err := s.Stop(); err != nil {
		s.T.Errorf("run: %v", err)
	}
}
