package hardening

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attack: a client that sends events without a pause, each of which goes to everybody. It is held
// back as long as others have events too.
func TestHardeningEventFlood(t *testing.T) {
	// A process of its own, without the race detector: with it the server is too slow for a flood.
	_, _, stderr := harness.StartServer(t, "--port", "0")
	addr := stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1]
	unharmed := testkit.Bystander(t, addr)
	for range 100 {
		c := testkit.JoinWebSocket(t, addr)
		go func() { _, _ = io.Copy(io.Discard, c.Buffered) }() // until the test closes it
	}
	flooder := testkit.JoinWebSocket(t, addr)
	go func() { _, _ = io.Copy(io.Discard, flooder.Buffered) }()
	flood := bytes.Repeat(testkit.TextFrames(testkit.Message("flood")), 100)
	over := make(chan struct{})
	go func() { // until it is closed
		defer close(over)
		for flooder.WriteBytes(flood) == nil {
		}
	}()
	const held = "client held back: it sends faster than its events are handled"
	for begun := time.Now(); time.Since(begun) < testkit.Deadline && !strings.Contains(stderr.String(), held); {
		unharmed("an event of its own")
	}
	stderr.WaitText(t, held)
	for range 20 {
		unharmed("a flood of events")
	}
	_ = flooder.Close()
	<-over
}
