package operations

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// stuck is a stderr that nobody reads any more once it is full.
type stuck struct {
	*testkit.Output

	mu    sync.Mutex
	full  bool
	drain chan struct{} // closed when it is read again
}

func (s *stuck) Write(p []byte) (int, error) {
	s.mu.Lock()
	full := s.full
	s.mu.Unlock()
	if full {
		<-s.drain
	}
	return s.Output.Write(p)
}

// TestNobodyWaitsForTheLog stops reading stderr, as somebody does who stops a terminal, while
// clients come, go, and are dropped for being slow, each with a line: the chat goes on, and the
// lines come when they are read.
func TestNobodyWaitsForTheLog(t *testing.T) {
	stderr := &stuck{Output: testkit.NewOutput(), drain: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	args := []string{"--port", "0", "--max-backlog", "10000", "--log-level", "debug"}
	go func() { done <- harness.Run(ctx, args, func(string) string { return "" }, testkit.NewOutput(), stderr) }()
	read := sync.OnceFunc(func() { close(stderr.drain) })
	t.Cleanup(func() {
		read()
		cancel()
		if err := testkit.Await(t, done, "end of the server"); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	addr := stderr.WaitMatch(t, regexp.MustCompile(`http://([^\s"/]+:\d+)`))[1]
	stderr.mu.Lock()
	stderr.full = true
	stderr.mu.Unlock()

	testkit.JoinPolling(t, addr, 4) // and polls no more
	talker := testkit.JoinWebSocket(t, addr)
	text := strings.Repeat("x", 1000)
	for i := range 50 {
		talker.Send(testkit.Message(fmt.Sprint(i, text)))
		talker.Awaits(testkit.Message(fmt.Sprint(i, text)))
	}
	testkit.JoinWebSocket(t, addr)
	talker.Send(testkit.Message("still here"))
	talker.Awaits(testkit.Message("still here"))

	read()
	stderr.WaitFor(t, "line about the slow client", testkit.Deadline, func(text string) bool {
		return strings.Contains(text, "reads too slowly")
	})
}
