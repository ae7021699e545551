//go:build unix

package cluster

import (
	"fmt"
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
)

// TestAdminWithNode has a server of Node with npm's @socket.io/admin-ui in the cluster: a UI of
// either shows both servers, and clients of the other one, and acts on them.
func TestAdminWithNode(t *testing.T) {
	onBothAdapters(t, func(t *testing.T, adapter string) {
		redis := redistest.Start(t)
		ours := harness.StartMember(t, redis, "--cluster-adapter", adapter, "--admin-users-file", adminUsers(t), "--server-id", "ours")
		helper := harness.StartNodeHelper(t, "admin_server.mjs", redis, adapter, harness.HashOf(t, adminPassword))
		var listening struct{ Port int }
		helper.Next(&listening)
		node := fmt.Sprintf("127.0.0.1:%d", listening.Port)
		here, hereID := joinAs(t, ours.Addr)
		there, thereID := joinAs(t, node)

		ui := harness.MustLogin(t, ours.Addr, "root", adminPassword)
		ui.Told("server_stats", `"serverId":"node"`)
		again := harness.MustLogin(t, ours.Addr, "root", adminPassword) // now that Node was heard
		told := string(again.Told("socket_connected", thereID)[0])
		if !strings.Contains(told, `"clientId":"`) || strings.Contains(told, `"clientId":""`) || !strings.Contains(told, `"transport":"websocket"`) {
			t.Errorf("told of Node's client %s", told)
		}
		again.Commands("join", "/", "lobby", thereID)
		again.Told("room_joined", `"/","lobby","`+thereID)
		again.Commands("_disconnect", "/", false, thereID)
		there.Awaits("41")
		again.Told("socket_disconnected", thereID)
		_, lateID := joinAs(t, node)
		again.Told("socket_connected", lateID)

		theirs := harness.MustLogin(t, node, "root", adminPassword)
		all := string(theirs.Told("all_sockets")[0])
		if !strings.Contains(all, hereID) || strings.Contains(all, "_admin") || strings.Count(all, `"transport":"websocket"`) < 3 {
			t.Errorf("Node's UI was told of %s", all)
		}
		theirs.Told("server_stats", `"serverId":"ours"`)
		_, newID := joinAs(t, ours.Addr)
		theirs.Told("socket_connected", newID)
		theirs.Tries("join", "/", "lobby", hereID)
		theirs.Told("room_joined", `"/","lobby","`+hereID)
		theirs.Tries("_disconnect", "/", true, hereID)
		here.Awaits("41")
		theirs.Told("socket_disconnected", hereID)
	})
}
