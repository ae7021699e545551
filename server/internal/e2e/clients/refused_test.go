package clients

import (
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// What a client did wrong is said to it, and to the log, at once.

// A malformed CONNECT is answered by nothing that a client could wait for: the session ends, as at
// the official server.
func TestMalformedCONNECTEndsTheSession(t *testing.T) {
	t.Parallel()
	for _, packet := range []string{`40{bad`, `40{"token":"x"`, `40{}x`, `40[]`, `40null`, `40"x"`, `40/chat,{`, `40/chat,1`} {
		server := harness.Start(t)
		c := testkit.OpenWebSocket(t, server.Addr, testkit.WebSocketPath)
		c.Send(packet)
		c.ClosedWith(1000)
		p := testkit.OpenPolling(t, server.Addr, 4)
		p.Send(packet)
		p.Hears("1")
		server.End()
		if n := strings.Count(server.Stderr.String(), "client closed: malformed CONNECT"); n != 2 {
			t.Errorf("%s: %d lines in the log, want 2", packet, n)
		}
	}
}

// How many namespaces a client may be connected to is a setting. One too many is refused, which is
// logged with that, and the others go on.
func TestMaxNamespaces(t *testing.T) {
	server := harness.StartApp(t, echoing, "--max-namespaces", "2")
	c := testkit.JoinWebSocket(t, server.Addr)
	connects := func(namespace string) {
		t.Helper()
		c.Send("40" + namespace + ",")
		if got, err := c.Packet(); err != nil || !strings.HasPrefix(got, "40"+namespace+",{") {
			t.Fatalf("CONNECT to %s was answered %q, %v", namespace, got, err)
		}
	}
	connects("/chat")
	c.Send("40/other,")
	c.Hears(`44/other,{"message":"Connected to too many namespaces"}`)
	server.Stderr.WaitText(t, "limit=2 setting=--max-namespaces")
	c.Send(`42/chat,["message","goes on"]`)
	c.Hears(`42/chat,["message","goes on"]`)
	c.Send("41/chat,")
	connects("/other")
}

// A client whose POST is too large is told so: by the answer to that, and not by the end of its
// poll.
func TestTooLargeAPOSTAndNpmClients(t *testing.T) {
	testkit.NeedNode(t)
	server := harness.Start(t, "--max-http-buffer-size", "1000")
	for _, client := range testkit.ClientVersions() {
		var gone struct{ Reason, Status string }
		testkit.FindReport(t, testkit.RunScript(t, "toolarge.mjs", testkit.ScriptConfig{URL: server.URL, Client: client, Mode: "polling"}), "toolarge", "gone", &gone)
		if gone.Reason != "transport error" {
			t.Errorf("%s was told %q", client, gone.Reason)
		}
	}
}
