package main

import (
	"fmt"
	"slices"
	"testing"
)

// With --recovery a client that is cut off hears what it missed, nothing twice.
func TestRecovery(t *testing.T) {
	needNode(t)
	server := startServer(t, "--recovery", "1m")
	reports := runNode(t, "recovery.mjs", clientConfig{URL: server.URL, Client: newest, Mode: "websocket"})
	var seen struct {
		Heard     []string
		Recovered int
	}
	find(t, reports, "recovery", "heard", &seen)
	var want []string
	for i := range 400 {
		want = append(want, fmt.Sprintf("m%d", i))
	}
	if !slices.Equal(seen.Heard, want) {
		t.Errorf("%d messages heard, want each of %d once and in order: %q", len(seen.Heard), len(want), seen.Heard)
	}
	if seen.Recovered < 4 {
		t.Errorf("the session was recovered %d times, cut at least 4 times", seen.Recovered)
	}
}
