package main

import (
	"strings"
	"testing"
)

// What a client did wrong is said to it, and to the log, at once.

// A malformed CONNECT is answered by nothing that a client could wait for: the session
// ends, as at the official server.
func TestMalformedCONNECTEndsTheSession(t *testing.T) {
	for _, packet := range []string{`40{bad`, `40{"token":"x"`, `40{}x`, `40[]`, `40null`, `40"x"`, `40/chat,{`, `40/chat,1`} {
		server := startServer(t)
		c := openWS(t, server.Addr, websocketPath)
		c.send(packet)
		c.closedWith(1000)
		p := openPolling(t, server.Addr, 4)
		p.send(packet)
		p.hears("1")
		server.end()
		if n := strings.Count(server.Stderr.String(), "client closed: malformed CONNECT"); n != 2 {
			t.Errorf("%s: %d lines in the log, want 2", packet, n)
		}
	}
}

// How many namespaces a client may be connected to is a setting. One too many is refused,
// which is logged with that, and the others go on.
func TestMaxNamespaces(t *testing.T) {
	server := startApp(t, echoing, "--max-namespaces", "2")
	c := joinWS(t, server.Addr)
	connects := func(namespace string) {
		t.Helper()
		c.send("40" + namespace + ",")
		if got, err := c.packet(); err != nil || !strings.HasPrefix(got, "40"+namespace+",{") {
			t.Fatalf("CONNECT to %s was answered %q, %v", namespace, got, err)
		}
	}
	connects("/chat")
	c.send("40/other,")
	c.hears(`44/other,{"message":"Connected to too many namespaces"}`)
	server.Stderr.waitText(t, "limit=2 setting=--max-namespaces")
	c.send(`42/chat,["message","goes on"]`)
	c.hears(`42/chat,["message","goes on"]`)
	c.send("41/chat,")
	connects("/other")
}

// A client whose POST is too large is told so: by the answer to that, and not by the end of
// its poll.
func TestTooLargeAPOSTAndNpmClients(t *testing.T) {
	needNode(t)
	server := startServer(t, "--max-http-buffer-size", "1000")
	for _, client := range clientVersions() {
		var gone struct{ Reason, Status string }
		find(t, runNode(t, "toolarge.mjs", clientConfig{URL: server.URL, Client: client, Mode: "polling"}), "toolarge", "gone", &gone)
		if gone.Reason != "transport error" {
			t.Errorf("%s was told %q", client, gone.Reason)
		}
	}
}
