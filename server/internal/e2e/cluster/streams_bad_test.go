//go:build unix

package cluster

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestStreamsClockJumps: ids of entries go on from the highest there is, so the order holds
// whatever the clock of Redis does.
func TestStreamsClockJumps(t *testing.T) {
	redis := redistest.Start(t)
	a, io := startStreams(t, redis.URL())
	here := testkit.JoinWebSocket(t, a.Addr)
	emitNumbered(t, io, 0, 10, "")
	hearsNumbered(t, here, 0, 10)
	ahead := time.Now().Add(time.Hour).UnixMilli()
	redis.Do("XADD", "socket.io", fmt.Sprintf("%d-0", ahead), "uid", "another", "nsp", "/", "type", "3",
		"data", `{"packet":{"type":2,"data":["message","from the future"]},"opts":{"rooms":[],"except":[],"flags":{}}}`)
	here.Hears(testkit.Message("from the future"))
	emitNumbered(t, io, 10, 20, "")
	hearsNumbered(t, here, 10, 20)
	b, _ := startStreams(t, redis.URL())
	there := testkit.JoinWebSocket(t, b.Addr)
	redis.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	emitNumbered(t, io, 20, 30, "")
	hearsNumbered(t, here, 20, 30)
	hearsNumbered(t, there, 20, 30)
}

// TestClusterURLOfAnother: the address that a server names is that of a server of another cluster,
// or of the one that asks. Its sessions are not found there; that is said at once, and logged where
// it can be seen.
func TestClusterURLOfAnother(t *testing.T) {
	redis, others := redistest.Start(t), redistest.Start(t)
	stranger, asking := harness.StartMember(t, others), harness.StartMember(t, redis)
	for what, url := range map[string]string{"another cluster's": stranger.URL, "the asking one's": asking.URL} {
		wrong := harness.StartMember(t, redis, "--cluster-url", url)
		p := testkit.JoinPolling(t, wrong.Addr, 4)
		target := p.URL[len(wrong.URL):]
		testkit.CheckRefusal(t, testkit.Ask(t, asking.Addr, http.MethodGet, target, nil, ""), 1)
		p.Chats(what) // where it is, it lives
	}
	stranger.Stderr.WaitText(t, "it does not come from a server of this cluster")
	forwarded(t, stranger, harness.StartMember(t, others))
	forwarded(t, asking, harness.StartMember(t, redis))
}
