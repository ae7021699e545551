package testkit

import "fmt"

// HearsPlain has a plain WebSocket client read as many messages as are wanted, each as its opcode
// and data, and compares. Pings are answered on the way.
func HearsPlain(c *Client, want ...string) {
	c.T.Helper()
	for i := 0; i < len(want); {
		f, err := c.ReadFrame()
		c.Must(err)
		if f.Op == OpPing {
			c.Must(c.SendFrame(OpPong, string(f.Data)))
			continue
		}
		if got := fmt.Sprintf("%d %s", f.Op, f.Data); got != want[i] {
			c.T.Fatalf("received %.200q, want %.200q", got, want[i])
		}
		i++
	}
}
