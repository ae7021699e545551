package harness

import (
	"testing"

	"hipflask/testdata/testkit"
)

// JoinPlain opens a plain WebSocket, which is the server's n-th client, and waits until it takes
// part in the chat. Nothing but the number of lines tells: those of the clients before it may be on
// their way yet.
func JoinPlain(t *testing.T, server *Server, n int) *testkit.Client {
	t.Helper()
	c := testkit.OpenWebSocket(t, server.Addr, "/")
	server.Stdout.WaitLines(t, "Client connected", n)
	return c
}
