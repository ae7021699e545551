// Package socketiotest is a client for unit tests of handlers. It owns no socket and no port: a
// [Client] speaks Engine.IO 4 over polling with a *socketio.Server by calling its ServeHTTP, so
// what a test sees is what went over the wire.
//
//	func TestEcho(t *testing.T) {
//		s := socketiotest.NewServer(t, socketio.Options{})
//		if err := s.On("message", echo); err != nil {
//			t.Fatal(err)
//		}
//		c := socketiotest.Connect(t, s, socketiotest.Options{})
//		c.Emit("message", "hello")
//		if got := c.Receive("message").String(); got != `message ["hello"]` {
//			t.Errorf("received %s", got)
//		}
//	}
//
// For what is registered with hipflask.Main see package hipflasktest.
//
// Whatever waits ends the test when the time is up, and whatever a client or a server started has
// ended when the test has. Its Flask counterpart is socketio.test_client(app).
package socketiotest

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"hipflask/server/socketio"
)

// NewServer makes a server, and shuts it down when the test is over. Unless opts name a logger, its
// log is the test's.
func NewServer(t testing.TB, opts socketio.Options) *socketio.Server {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = Logger(t)
	}
	s := socketio.New(opts)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), DefaultTimeout)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("socketiotest: Shutdown: %v; a handler or a background task has not ended", err)
		}
	})
	return s
}

// Logger returns a logger that writes to the test's log.
func Logger(t testing.TB) *slog.Logger {
	log := &testLog{t: t}
	t.Cleanup(log.end)
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Connect connects a client, and disconnects it when the test is over. A refused connection fails
// the test; where that is what is tested, use [Dial].
func Connect(t testing.TB, s *socketio.Server, opts Options) *Client {
	t.Helper()
	c, err := Dial(t, s, opts)
	if err != nil {
		t.Fatalf("socketiotest: %v", err)
	}
	return c
}

// testLog passes log lines on to the test for as long as it runs: afterwards testing would panic.
type testLog struct {
	mu sync.Mutex
	t  testing.TB // nil once the test is over
}

func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.t != nil {
		l.t.Logf("%s", line[:max(0, len(line)-1)]) // without its newline
	}
	return len(line), nil
}

func (l *testLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t = nil
}
