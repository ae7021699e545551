package cluster

import (
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// A server that ends lets a session go over to a WebSocket first that goes through it: npm's
// client has paused its polls for that, and would be silent until it misses the next ping.
func TestClusterForwardedFirstServerEndsInUpgrade(t *testing.T) {
	a, b := startPair(t)
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	ws := p.Probed()
	p.Get(nil) // the noop: it polls no more
	b.Cancel()
	testkit.Eventually(t, "end of the listener", func() bool {
		conn, err := testkit.DialTCP(b.Addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	time.Sleep(200 * time.Millisecond) // in which it was cut: nothing tells that it is not
	ws.Send("5")
	a.Stdout.WaitLines(t, "Client disconnected", 1) // by the end of its WebSocket
	b.End()
}
