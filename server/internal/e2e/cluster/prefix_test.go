package cluster

import (
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestClusterPrefixKeepsApplicationsApart has two applications on one Redis, each with a server of
// ours and one of Node: broadcasts, joins and disconnects stay within each.
func TestClusterPrefixKeepsApplicationsApart(t *testing.T) {
	redis := redistest.Start(t)
	type application struct {
		node        *harness.Helper
		here, there *clusterClient
	}
	var apps []application
	for _, name := range []string{"shop", "desk"} {
		ours := harness.StartMember(t, redis, "--cluster-prefix", name, "--channel", name)
		node, addr := harness.StartNodeServer(t, redis, name)
		redis.AwaitSubscribers(name+"-request#/#", 2)
		if log := ours.Stderr.String(); strings.Contains(log, "a name of its own") {
			t.Errorf("told of what is not so:\n%s", log)
		}
		apps = append(apps, application{node, joinCluster(t, ours.Addr), joinCluster(t, addr)})
	}
	shop, desk := apps[0], apps[1]
	everyone := []string{shop.here.id, shop.there.id, desk.here.id, desk.there.id}
	shop.node.Tell("join", harness.Command{"who": everyone, "room": "room"})
	awaitClients(shop.node, "room", 2)
	shop.node.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "e", "args": []any{1}})
	shop.node.Tell("disconnect", harness.Command{"who": []string{desk.here.id, desk.there.id}})
	shop.here.hears(`42["e",1]`)
	shop.there.hears(`42["e",1]`)
	shop.here.says(testkit.Message("shop"))
	shop.here.hears(testkit.Message("shop"))
	shop.there.hears(testkit.Message("shop"))
	desk.here.says(testkit.Message("desk"))
	desk.here.hears(testkit.Message("desk"))
	desk.there.hears(testkit.Message("desk"))
}

// TestClusterPrefixTellsWhoIsHalfApart: one name of one's own and not the other is most likely a
// mistake.
func TestClusterPrefixTellsWhoIsHalfApart(t *testing.T) {
	redis := redistest.Start(t)
	awaitLog(t, harness.StartMember(t, redis, "--channel", "shop"), "only Python's queue has a name of its own", 1)
	awaitLog(t, harness.StartMember(t, redis, "--cluster-prefix", "shop"), "only the servers have a name of their own", 1)
}
