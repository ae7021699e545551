package main

import (
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
)

// TestClusterPrefixKeepsApplicationsApart has two applications on one Redis, each with a
// server of ours and one of Node: broadcasts, joins and disconnects stay within each.
func TestClusterPrefixKeepsApplicationsApart(t *testing.T) {
	redis := redistest.Start(t)
	type application struct {
		node        *helper
		here, there *clusterClient
	}
	var apps []application
	for _, name := range []string{"shop", "desk"} {
		ours := startMember(t, redis, "--cluster-prefix", name, "--channel", name)
		node, addr := startNodeServer(t, redis, name)
		redis.AwaitSubscribers(name+"-request#/#", 2)
		if log := ours.Stderr.String(); strings.Contains(log, "a name of its own") {
			t.Errorf("told of what is not so:\n%s", log)
		}
		apps = append(apps, application{node, joinCluster(t, ours.Addr), joinCluster(t, addr)})
	}
	shop, desk := apps[0], apps[1]
	everyone := []string{shop.here.id, shop.there.id, desk.here.id, desk.there.id}
	shop.node.tell("join", command{"who": everyone, "room": "room"})
	awaitClients(shop.node, "room", 2)
	shop.node.tell("emit", command{"rooms": []string{"room"}, "event": "e", "args": []any{1}})
	shop.node.tell("disconnect", command{"who": []string{desk.here.id, desk.there.id}})
	shop.here.hears(`42["e",1]`)
	shop.there.hears(`42["e",1]`)
	shop.here.says(message("shop"))
	shop.here.hears(message("shop"))
	shop.there.hears(message("shop"))
	desk.here.says(message("desk"))
	desk.here.hears(message("desk"))
	desk.there.hears(message("desk"))
}

// TestClusterPrefixTellsWhoIsHalfApart: one name of one's own and not the other is most
// likely a mistake.
func TestClusterPrefixTellsWhoIsHalfApart(t *testing.T) {
	redis := redistest.Start(t)
	awaitLog(t, startMember(t, redis, "--channel", "shop"), "only Python's queue has a name of its own", 1)
	awaitLog(t, startMember(t, redis, "--cluster-prefix", "shop"), "only the servers have a name of their own", 1)
}
