//go:build unix

package cluster

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// TestStreamsFromOutside has a shell emit by the command that the page shows.
func TestStreamsFromOutside(t *testing.T) {
	page, err := os.ReadFile(scaling)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```sh\nredis-cli ")
	command, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page shows no redis-cli")
	}
	if _, err := exec.LookPath("redis-cli"); err != nil {
		testkit.Absent(t, "needs redis-cli on the PATH")
	}
	redis := redistest.Start(t)
	s := harness.StartApp(t, func(app *hipflask.App) error {
		return app.SocketIO.On("connect", func(c *socketio.Context) error {
			c.Join("a room")
			return nil
		})
	}, "--message-queue", redis.URL(), "--cluster-adapter", "redis-streams")
	c := testkit.JoinWebSocket(t, s.Addr)
	host, port, _ := net.SplitHostPort(redis.Addr)
	said, err := exec.Command("sh", "-c", "redis-cli -h "+host+" -p "+port+" "+command).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "-") {
		t.Fatalf("redis-cli: %v, %s", err, said)
	}
	c.Hears(testkit.Message("hello"))
}
