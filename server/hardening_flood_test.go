package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Attack: a client that sends events without a pause, each of which goes to everybody. It
// is held back as long as others have events too.
func TestHardeningEventFlood(t *testing.T) {
	// A process of its own, without the race detector: with it the server is too slow for a flood.
	_, _, stderr := program(t, "--port", "0")
	addr := stderr.waitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1]
	unharmed := bystander(t, addr)
	for range 100 {
		c := joinWS(t, addr)
		go func() { _, _ = io.Copy(io.Discard, c.br) }() // until the test closes it
	}
	flooder := joinWS(t, addr)
	go func() { _, _ = io.Copy(io.Discard, flooder.br) }()
	flood := bytes.Repeat(textFrames(message("flood")), 100)
	over := make(chan struct{})
	go func() { // until it is closed
		defer close(over)
		for flooder.raw(flood) == nil {
		}
	}()
	const held = "client held back: it sends faster than its events are handled"
	for begun := time.Now(); time.Since(begun) < patience && !strings.Contains(stderr.String(), held); {
		unharmed("an event of its own")
	}
	stderr.waitText(t, held)
	for range 20 {
		unharmed("a flood of events")
	}
	_ = flooder.Close()
	<-over
}
