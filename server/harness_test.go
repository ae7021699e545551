package main

import (
	"context"
	"regexp"
	"testing"
	"time"

	"hipflask/handlers"
	"hipflask/server/hipflask"
)

// testServer is the server under test, run in this process.
type testServer struct {
	URL    string // http://127.0.0.1:PORT, or unix:PATH
	Addr   string // 127.0.0.1:PORT, or PATH
	Stdout *output
	Stderr *output

	t       *testing.T
	cancel  context.CancelFunc
	stopped bool // by the test, which has seen what run returned
	done    chan struct{}
	err     error // what run returned, once done is closed
}

// startServer runs the server on a free port with these arguments and an empty
// environment, and stops it when the test is over.
func startServer(t *testing.T, args ...string) *testServer {
	t.Helper()
	return startApp(t, handlers.Register, args...)
}

// startApp is startServer with another application.
func startApp(t *testing.T, register func(*hipflask.App) error, args ...string) *testServer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &testServer{Stdout: newOutput(), Stderr: newOutput(), t: t, cancel: cancel, done: make(chan struct{})}
	args = append([]string{"--port", "0"}, args...)
	go func() {
		defer close(s.done)
		s.err = hipflask.Run(ctx, args, func(string) string { return "" }, s.Stdout, s.Stderr, register)
		s.Stdout.end()
		s.Stderr.end()
	}()
	t.Cleanup(func() {
		if stopped := s.stopped; s.stop() != nil && !stopped {
			t.Errorf("run: %v", s.err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", tail(s.Stderr.String()))
		}
	})
	address := s.Stderr.waitMatch(t, regexp.MustCompile(`(https?://|unix:)([^\s"/]+:\d+|/[^\s"]+)`))
	s.URL, s.Addr = address[0], address[2]
	return s
}

// stop shuts the server down and returns what run returned. It can be called again.
func (s *testServer) stop() error {
	s.t.Helper()
	s.stopped = true
	s.cancel()
	select {
	case <-s.done:
		return s.err
	case <-time.After(patience):
		s.t.Fatalf("the server did not stop within %v", patience)
		return nil
	}
}

// end stops the server, which has to end well. Lines are written behind its back: only
// now do all of them stand in its stdout and its log.
func (s *testServer) end() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Errorf("run: %v", err)
	}
}
