package operations

import (
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// A session that ends while its client goes over to a WebSocket leaves it that one until it has
// said so: npm's client has paused its polls, and hears of no end otherwise.
func TestDrainInUpgrade(t *testing.T) {
	server := harness.Start(t)
	p := testkit.JoinPolling(t, server.Addr, 4)
	ws := p.Probed()
	p.Get(nil) // the noop: it polls no more
	server.Cancel()
	server.Stdout.WaitLines(t, "Client disconnected", 1)
	ws.Must(ws.SendFrame(testkit.OpPing, "still there"))
	f, err := ws.ReadFrame()
	if err != nil || f.Op != testkit.OpPong {
		t.Fatalf("received %v, %v, want a pong", f, err)
	}
	ws.Send("5")
	if f, err = ws.ReadFrame(); err == nil && f.Op != testkit.OpClose {
		t.Errorf("received %v, want the end", f)
	}
	server.End()
}
