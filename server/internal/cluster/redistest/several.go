//go:build unix

package redistest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// StartReplica starts a replica of a server, and returns once it has what that one has.
func StartReplica(t testing.TB, of *Server) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(of.Addr)
	s := Start(t, "--replicaof", host+" "+port)
	s.Await("that it has what its master has", func() bool { return strings.Contains(s.info("replication"), "master_link_status:up") })
	return s
}

// StartSentinelOf starts a Sentinel that has a replica take over half a second after the master,
// which it calls "main", was last heard of. It returns once it knows the replicas.
func StartSentinelOf(t testing.TB, master *Server, replicas int) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(master.Addr)
	s := StartSentinel(t, fmt.Sprintf("sentinel monitor main %s %s 1\nsentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n", host, port))
	// It looks every ten seconds, and waits for eight before it believes what it sees. Redis 6 has
	// no such command, and waits.
	_ = s.client.Do(t.Context(), "SENTINEL", "DEBUG", "INFO-PERIOD", 200, "PUBLISH-PERIOD", 200).Err()
	s.Await("that it knows the replicas", func() bool { return strings.Contains(s.info("sentinel"), fmt.Sprintf("slaves=%d", replicas)) })
	return s
}

// StartCluster starts a Redis Cluster of so many masters, each of which finds again what it had
// when it is restarted.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	const slots = 16384
	nodes := make([]*Server, n)
	for i := range nodes {
		nodes[i] = startNode(t)
		nodes[i].Do("CLUSTER", "SET-CONFIG-EPOCH", i+1) // or they would have to agree on it first
		nodes[i].Do("CLUSTER", "ADDSLOTSRANGE", i*slots/n, (i+1)*slots/n-1)
	}
	for _, node := range nodes[1:] {
		node.meet(nodes[0])
	}
	for _, node := range nodes {
		node.awaitCluster(n)
	}
	return nodes
}

// StartClusterReplica adds a replica of a master to a Cluster of these nodes. It returns once all
// of them know it, who have to agree when it takes over.
func StartClusterReplica(t testing.TB, of *Server, nodes []*Server) *Server {
	t.Helper()
	s := startNode(t)
	s.meet(of)
	s.awaitCluster(len(nodes) + 1)
	master := fmt.Sprint(of.Do("CLUSTER", "MYID"))
	s.Do("CLUSTER", "REPLICATE", master)
	s.Await("that it has what its master has", func() bool { return strings.Contains(s.info("replication"), "master_link_status:up") })
	of.Await("that it knows its replica", func() bool { return strings.Contains(of.info("replication"), "state=online") })
	for _, node := range nodes {
		node.Await("that it knows the replica", func() bool { return strings.Contains(fmt.Sprint(node.Do("CLUSTER", "NODES")), "slave "+master) })
	}
	return s
}

func startNode(t testing.TB) *Server {
	t.Helper()
	return Start(t, "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always",
		"--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
}

func (s *Server) meet(other *Server) {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(other.Addr)
	s.Do("CLUSTER", "MEET", host, port)
}

func (s *Server) awaitCluster(nodes int) {
	s.t.Helper()
	s.AwaitInfo("CLUSTER", "cluster_state:ok")
	s.AwaitInfo("CLUSTER", fmt.Sprintf("cluster_known_nodes:%d", nodes))
}

// NodeOf is the node of a Cluster that has a key.
func NodeOf(nodes []*Server, key string) *Server {
	nodes[0].t.Helper()
	slot, _ := nodes[0].Do("CLUSTER", "KEYSLOT", key).(int64)
	const slots = 16384
	return nodes[(int(slot)*len(nodes)+len(nodes)-1)/slots]
}

func (s *Server) info(section string) string {
	s.t.Helper()
	return fmt.Sprint(s.Do("INFO", section))
}

// Insist runs a command until Redis takes it.
func (s *Server) Insist(args ...any) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	s.Await(fmt.Sprintf("that it takes %v", args), func() bool { return s.client.Do(ctx, args...).Err() == nil })
}

// AwaitRole waits until the server is what ROLE calls a "master" or a "slave". A Sentinel that
// makes it one ends all its connections, the one that asks here too.
func (s *Server) AwaitRole(role string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	s.Await("that it is a "+role, func() bool {
		answer, err := s.client.Do(ctx, "ROLE").Slice()
		return err == nil && answer[0] == role
	})
}

// Await waits for what Redis tells nobody.
func (s *Server) Await(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(testkit.Deadline); !is(); time.Sleep(10 * time.Millisecond) { // Sentinel and Cluster tell nobody
		if time.Now().After(end) {
			s.t.Fatalf("%s: not within %v", what, testkit.Deadline)
		}
	}
}
