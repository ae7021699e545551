package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"hipflask/server/internal/cluster"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/socketio"
)

// TestRedisBeforeStreams: a Redis of version 4 answers as it did, also to the questions of a client
// library that is younger than it.
func TestRedisBeforeStreams(t *testing.T) {
	addr := redistest.Fake(t, func(command []string) string {
		switch command[0] {
		case "PING":
			return "+PONG\r\n"
		case "SUBSCRIBE":
			var b strings.Builder
			for i, channel := range command[1:] {
				fmt.Fprintf(&b, "*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:%d\r\n", len(channel), channel, i+1)
			}
			return b.String()
		case "PUBSUB":
			return "*2\r\n$1\r\nx\r\n:1\r\n"
		}
		return "-ERR unknown command '" + command[0] + "'\r\n"
	})
	for _, optional := range []bool{false, true} {
		m := prepare(t, "redis://"+addr, streaming, func(c *cluster.Options, _ *socketio.Options) { c.Optional = optional })
		err := m.cluster.Start(t.Context())
		if !cluster.Unfit(err) || !strings.Contains(err.Error(), "5.0") {
			t.Errorf("optional %v: %v", optional, err)
		}
	}
}
