package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// Attack: a client that sends events without a pause, each of which goes to everybody. It
// is held back as long as others have events too; one that waits for answers never is.
func TestHardeningEventFlood(t *testing.T) {
	server := startServer(t)
	unharmed := bystander(t, server.Addr)
	polite := joinWS(t, server.Addr)
	for range 100 {
		c := joinWS(t, server.Addr)
		go func() { _, _ = io.Copy(io.Discard, c.br) }() // until the test closes it
	}
	for range 1000 {
		polite.chats("and waits for the answer")
	}
	if strings.Contains(server.Stderr.String(), "client held back") {
		t.Error("a client that waits for its answers is held back")
	}

	flooder := joinWS(t, server.Addr)
	go func() { _, _ = io.Copy(io.Discard, flooder.br) }()
	flood := bytes.Repeat(textFrames(message("flood")), 100)
	over := make(chan struct{})
	go func() { // until it is closed
		defer close(over)
		for flooder.raw(flood) == nil {
		}
	}()
	const held = "client held back: it sends faster than its events are handled"
	for begun := time.Now(); time.Since(begun) < patience && !strings.Contains(server.Stderr.String(), held); {
		unharmed("an event of its own")
	}
	server.Stderr.waitText(t, held)
	for range 20 {
		unharmed("a flood of events")
	}
	_ = flooder.Close()
	<-over
}
