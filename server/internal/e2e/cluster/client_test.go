package cluster

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// clusterClient is one client, with its id in the namespace "/".
type clusterClient struct {
	*testkit.LoadClient
	t  *testing.T
	id string
}

// joinCluster connects a client over WebSocket.
func joinCluster(t *testing.T, addr string) *clusterClient {
	t.Helper()
	c, err := testkit.OpenLoadClient(addr, 4, "websocket", nil)
	if err == nil {
		t.Cleanup(c.Cut)
		err = c.Send("40")
	}
	var connected string
	if err == nil {
		connected, err = c.Next()
	}
	if err != nil {
		t.Fatal(err)
	}
	var told struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(connected, "40")), &told); err != nil || told.SID == "" {
		t.Fatalf("CONNECT was answered %.200q", connected)
	}
	return &clusterClient{c, t, told.SID}
}

// says sends packets.
func (c *clusterClient) says(packets ...string) {
	c.t.Helper()
	if err := c.Send(packets...); err != nil {
		c.t.Fatal(err)
	}
}

// hears reads as many packets as are wanted, and compares.
func (c *clusterClient) hears(want ...string) {
	c.t.Helper()
	for _, w := range want {
		got, err := c.Next()
		if err != nil {
			c.t.Fatalf("waiting for %.200q: %v", w, err)
		}
		if got != w {
			c.t.Fatalf("received %.200q, want %.200q", got, w)
		}
	}
}

// acknowledges reads an event that wants to be acknowledged, and answers it.
func (c *clusterClient) acknowledges(event, answer string) error {
	got, err := c.Next()
	if err != nil {
		return err
	}
	head, rest, _ := strings.Cut(got, "[")
	id, isEvent := strings.CutPrefix(head, "42")
	if !isEvent || id == "" || rest != strings.TrimPrefix(event, "[") {
		return fmt.Errorf("received %.200q, want %s with an id", got, event)
	}
	return c.Send("43" + id + answer)
}
