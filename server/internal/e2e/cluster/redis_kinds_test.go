//go:build unix

package cluster

import (
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Redis that is more than one server: behind Sentinels, and as a Cluster.

// sentinelURL is the URL of what a Sentinel calls "main".
func sentinelURL(s *redistest.Server) string {
	return "redis+sentinel://" + s.Addr + "/0?master_name=main&socket_timeout=2"
}

// hearsNumbered fails the test unless the client hears these of emitNumbered.
func hearsNumbered(t *testing.T, c *testkit.Client, from, to int) {
	t.Helper()
	if err := heardNumbered(c.Packet, from, to); err != nil {
		t.Fatal(err)
	}
}

// awaitOutage waits until each server has found Redis away and back again.
func awaitOutage(t *testing.T, servers ...*harness.Server) {
	t.Helper()
	for _, s := range servers {
		s.Stderr.WaitText(t, "Redis is away")
		s.Stderr.WaitText(t, "Redis is back")
	}
}

// TestStreamsBehindSentinel kills the master while two servers emit. What was emitted before,
// meanwhile and afterwards comes once and in order, to the clients of both.
func TestStreamsBehindSentinel(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	replica := redistest.StartReplica(t, master)
	sentinel := redistest.StartSentinelOf(t, master, 1)
	a, io := startStreams(t, sentinelURL(sentinel))
	b, _ := startStreams(t, sentinelURL(sentinel))
	here, there := testkit.JoinWebSocket(t, a.Addr), testkit.JoinWebSocket(t, b.Addr)
	emitNumbered(t, io, 0, 300, "")
	hearsNumbered(t, here, 0, 300)
	hearsNumbered(t, there, 0, 300)
	master.Do("WAIT", 1, 10_000) // what a replica does not have is lost with its master
	master.Kill()
	emitNumbered(t, io, 300, 600, "")
	awaitOutage(t, a, b)
	emitNumbered(t, io, 600, 601, "")
	hearsNumbered(t, here, 300, 601)
	hearsNumbered(t, there, 300, 601)
	if n, _ := replica.Do("XLEN", "socket.io").(int64); n != 601 {
		t.Errorf("the stream of the new master has %d entries", n)
	}
	there.Send(testkit.Message("from the other"))
	here.Awaits(testkit.Message("from the other"))
}

// TestStreamsBehindSentinelThatSwitches has another server be the master while the one before lives
// on.
func TestStreamsBehindSentinelThatSwitches(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	redistest.StartReplica(t, master)
	sentinel := redistest.StartSentinelOf(t, master, 1)
	a, io := startStreams(t, sentinelURL(sentinel))
	b, _ := startStreams(t, sentinelURL(sentinel))
	here, there := testkit.JoinWebSocket(t, a.Addr), testkit.JoinWebSocket(t, b.Addr)
	emitNumbered(t, io, 0, 300, "")
	hearsNumbered(t, here, 0, 300)
	hearsNumbered(t, there, 0, 300)
	master.Do("WAIT", 1, 10_000)
	sentinel.Insist("SENTINEL", "FAILOVER", "main")
	master.AwaitRole("slave")
	emitNumbered(t, io, 300, 600, "")
	hearsNumbered(t, here, 300, 600)
	hearsNumbered(t, there, 300, 600)
}

// TestPubSubBehindSentinel: own clients go on, and afterwards the others hear them again.
func TestPubSubBehindSentinel(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	redistest.StartReplica(t, master)
	sentinel := redistest.StartSentinelOf(t, master, 1)
	a := harness.Start(t, "--message-queue", sentinelURL(sentinel))
	b := harness.Start(t, "--message-queue", sentinelURL(sentinel))
	here, there := testkit.JoinWebSocket(t, a.Addr), testkit.JoinWebSocket(t, b.Addr)
	say := func(text string) {
		here.Send(testkit.Message(text))
		here.Hears(testkit.Message(text))
	}
	say("before")
	there.Hears(testkit.Message("before"))
	master.Kill()
	a.Stderr.WaitText(t, "Redis is away")
	b.Stderr.WaitText(t, "Redis is away")
	say("meanwhile")
	awaitOutage(t, a, b)
	say("after")
	there.Awaits(testkit.Message("after")) // and what was said meanwhile, if it had subscribed again by then
}

// clusterURL is the URL of a Cluster, by one of its nodes.
func clusterURL(nodes []*redistest.Server) string {
	return "redis+cluster://" + nodes[0].Addr + "?addr=" + nodes[1].Addr + "&socket_timeout=2"
}

// TestStreamsOnACluster: the stream is on the node that has its key. While that is away emits wait;
// it comes back with what it had.
func TestStreamsOnACluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	a, io := startStreams(t, clusterURL(nodes))
	b, _ := startStreams(t, clusterURL(nodes))
	here, there := testkit.JoinWebSocket(t, a.Addr), testkit.JoinWebSocket(t, b.Addr)
	owner := redistest.NodeOf(nodes, "socket.io")
	emitNumbered(t, io, 0, 300, "")
	hearsNumbered(t, here, 0, 300)
	hearsNumbered(t, there, 0, 300)
	if n, _ := owner.Do("XLEN", "socket.io").(int64); n != 300 {
		t.Errorf("the stream has %d entries", n)
	}
	owner.Kill()
	emitNumbered(t, io, 300, 600, "")
	a.Stderr.WaitText(t, "Redis is away")
	b.Stderr.WaitText(t, "Redis is away")
	owner.Restart()
	hearsNumbered(t, here, 300, 600)
	hearsNumbered(t, there, 300, 600)
}

// TestStreamsOnAClusterWhoseNodesSwitch: another node takes the stream's key over. Nothing is lost,
// since the one before hands over what it has.
func TestStreamsOnAClusterWhoseNodesSwitch(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	owner := redistest.NodeOf(nodes, "socket.io")
	replica := redistest.StartClusterReplica(t, owner, nodes)
	a, io := startStreams(t, clusterURL(nodes))
	b, _ := startStreams(t, clusterURL(nodes))
	here, there := testkit.JoinWebSocket(t, a.Addr), testkit.JoinWebSocket(t, b.Addr)
	emitNumbered(t, io, 0, 300, "")
	hearsNumbered(t, here, 0, 300)
	hearsNumbered(t, there, 0, 300)
	replica.Do("CLUSTER", "FAILOVER")
	emitNumbered(t, io, 300, 600, "")
	replica.AwaitRole("master")
	emitNumbered(t, io, 600, 900, "")
	hearsNumbered(t, here, 300, 900)
	hearsNumbered(t, there, 300, 900)
}

// TestPubSubOnACluster: the same without a stream; and requests find their sessions.
func TestPubSubOnACluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	a := harness.Start(t, "--message-queue", clusterURL(nodes))
	b := harness.Start(t, "--message-queue", clusterURL(nodes))
	here, there := testkit.JoinWebSocket(t, a.Addr), testkit.JoinWebSocket(t, b.Addr)
	here.Chats("one")
	there.Hears(testkit.Message("one"))
	forwarded(t, a, b)
	owner := redistest.NodeOf(nodes, "socket.io")
	owner.Kill()
	a.Stderr.WaitText(t, "Redis is away")
	b.Stderr.WaitText(t, "Redis is away")
	owner.Restart()
	a.Stderr.WaitText(t, "Redis is back")
	b.Stderr.WaitText(t, "Redis is back") // Redis keeps nothing for a server that has not subscribed again
	here.Chats("two")
	there.Awaits(testkit.Message("two"))
}

// forwarded has a client open a session at one server and go on at another.
func forwarded(t *testing.T, at, by *harness.Server) {
	t.Helper()
	p := testkit.JoinPolling(t, at.Addr, 4)
	p.URL = by.URL + p.URL[len(at.URL):]
	p.Chats("by another server")
	p.Leave() // or the server would wait for it
}
