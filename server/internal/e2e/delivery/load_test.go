// Package delivery tests that no message is lost, doubled or out of order, and that nothing is left
// behind of clients that are gone, with many clients at a time.
package delivery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Many clients at a time: what the tests of order, of upgrades and of leaks share.

// loadLines is a server's stdout that counts the lines instead of keeping them.
type loadLines struct {
	mu                      sync.Mutex
	connected, disconnected int
	messages                map[string]int // how often each was handled
	rest                    []byte         // of a line that is not complete
}

func (l *loadLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, complete := bytes.Cut(l.rest, []byte("\n"))
		if !complete {
			l.rest = bytes.Clone(l.rest)
			return len(p), nil
		}
		l.rest = rest
		switch text := string(line); text {
		case "Client connected":
			l.connected++
		case "Client disconnected":
			l.disconnected++
		default:
			if l.messages != nil {
				l.messages[strings.TrimPrefix(text, "Received message: ")]++
			}
		}
	}
}

func (l *loadLines) counts() (connected, disconnected int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.connected, l.disconnected
}

// loadServer runs the server as harness.Start does, with a stdout of the test's.
func loadServer(t *testing.T, stdout io.Writer, args ...string) (addr string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stderr := testkit.NewOutput()
	stderr.Most = 64 << 10 // a test that watches the heap must not fill it with a line a connection
	done := make(chan error, 1)
	go func() {
		err := harness.Run(ctx, append([]string{"--port", "0"}, args...), harness.NoEnv, stdout, stderr)
		stderr.End()
		done <- err
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
			if strings.Contains(stderr.String(), "not everything ended in time") {
				t.Error("the server was cut short")
			}
		case <-time.After(2 * testkit.Deadline):
			t.Errorf("the server did not stop within %v", 2*testkit.Deadline)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", testkit.Tail(stderr.String()))
		}
	})
	t.Cleanup(stop)
	return stderr.WaitMatch(t, regexp.MustCompile(`https?://([^\s"/]+:\d+)`))[1], stop
}

// loadSeed is for what a test leaves to chance: HIPFLASK_TEST_SEED, or a new one.
func loadSeed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("HIPFLASK_TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HIPFLASK_TEST_SEED=%d", seed)
	return seed
}

// loadText is the text of a message: who sent it, its number, and something to make it longer.
func loadText(sender, number, padding int) string {
	return fmt.Sprintf("%d.%d.%s", sender, number, strings.Repeat("x", padding))
}

// loadRead reads who sent a message and its number out of the packet.
func loadRead(packet string) (sender, number int, ok bool) {
	text, isMessage := strings.CutPrefix(packet, `42["message","`)
	parts := strings.SplitN(text, ".", 3)
	if !isMessage || len(parts) != 3 {
		return 0, 0, false
	}
	sender, err1 := strconv.Atoi(parts[0])
	number, err2 := strconv.Atoi(parts[1])
	return sender, number, err1 == nil && err2 == nil
}
