// Package testkit is what tests of every package stand on: waiting for what is due, raw clients
// that send whatever they are told to, and the programs that tests start (Node with its clients,
// browsers, Python, nginx). It knows nothing of the server, so that every package's own tests can
// import it. Package harness starts the server.
package testkit

import (
	"testing"
	"time"
)

// Deadline is how long a test waits for something that is due at once. No test's result depends on
// it.
const Deadline = 15 * time.Second

// Await takes what comes next from a channel.
func Await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(Deadline):
		t.Fatalf("no %s within %v", what, Deadline)
		panic("unreachable")
	}
}

// Eventually waits for what no channel tells of.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	// One wait for all polls of the tests: short, as what is waited for is due at once.
	for end := time.Now().Add(Deadline); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s within %v", what, Deadline)
		}
	}
}
