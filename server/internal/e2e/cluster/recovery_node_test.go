//go:build unix

package cluster

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// wanderer is what a client of wander.mjs can be seen to be.
type wanderer struct {
	rooms []string
	data  string // its member "n"
}

// TestClusterRecoveryWithNode has a client go from a Node server to one of ours, and the other way
// round: the session that either has kept, the other one takes over.
func TestClusterRecoveryWithNode(t *testing.T) {
	for _, toNode := range []bool{false, true} {
		name := "from Node"
		if toNode {
			name = "to Node"
		}
		t.Run(name, func(t *testing.T) {
			redis := redistest.Start(t)
			var io *socketio.Server
			ours := harness.StartApp(t, func(app *hipflask.App) error {
				io = app.SocketIO
				return io.On("connect", func(c *socketio.Context) {
					if !c.Recovered() {
						c.SetData("n", "ours")
					}
				})
			}, "--message-queue", redis.URL(), "--cluster-adapter", "redis-streams", "--recovery", "1m")
			node, addr := harness.StartNodeServer(t, redis, "socket.io", "streams", "recovery")
			redis.AwaitSubscribers("socket.io#/#", 2)
			from, to := "http://"+addr, ours.URL
			if toNode {
				from, to = to, from
			}
			client := testkit.StartScript(t, "wander.mjs", testkit.ScriptConfig{Client: "socket.io-client", Mode: "websocket", URL: from, NextURL: to})
			client.Await(t, "wander", "connected")
			id := heardBy(t, client).id
			node.Tell("join", harness.Command{"who": id, "room": "room"})
			if !toNode {
				node.Tell("data", harness.Command{"who": id, "data": map[string]any{"n": "node"}})
			}
			for n := range 5 {
				node.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "n", "args": []any{n}})
			}
			node.Tell("emit", harness.Command{"rooms": []string{id}, "event": "go", "args": []any{0}})
			client.Await(t, "wander", "cut")
			for n := 5; n < 10; n++ {
				node.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "n", "args": []any{n}})
				node.Tell("emit", harness.Command{"except": []string{"room"}, "event": "not to it"})
			}
			client.Stdout.WaitFor(t, "return", testkit.Deadline, func(text string) bool { return strings.Count(text, `"connected"`) == 2 })
			w := seen(t, node, io, id, toNode)
			node.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "n", "args": []any{10}})
			node.Tell("emit", harness.Command{"event": "end", "args": []any{0}})
			<-client.Done
			got := heardBy(t, client)
			want := []string{"n 0", "n 1", "n 2", "n 3", "n 4", "go 0", "n 5", "n 6", "n 7", "n 8", "n 9", "n 10", "end 0"}
			if !slices.Equal(got.heard, want) || !slices.Equal(got.recovered, []bool{false, true}) || got.id != id {
				t.Errorf("heard %q as %q, %q before; recovered: %v", got.heard, got.id, id, got.recovered)
			}
			wanted := []string{id, "room"}
			slices.Sort(wanted)
			slices.Sort(w.rooms)
			data := "node"
			if toNode {
				data = "ours"
			}
			if !slices.Equal(w.rooms, wanted) || w.data != data {
				t.Errorf("in the rooms %q, with the data %q", w.rooms, w.data)
			}
			if keys := redis.Do("KEYS", "sio:session:*"); toNode && len(keys.([]any)) > 0 {
				t.Errorf("Redis still has %v", keys)
			}
		})
	}
}

// seen is what the server to which the client has come knows of it.
func seen(t *testing.T, node *harness.Helper, io *socketio.Server, id string, atNode bool) (w wanderer) {
	t.Helper()
	if atNode {
		var found struct {
			Sockets []struct {
				Rooms []string
				Data  struct{ N string }
			}
		}
		if node.Do("details", harness.Command{"who": id}, &found); len(found.Sockets) == 1 {
			w.rooms, w.data = found.Sockets[0].Rooms, found.Sockets[0].Data.N
		}
		return w
	}
	sockets, err := io.To(id).Local().Sockets(t.Context())
	if err != nil || len(sockets) != 1 {
		t.Fatalf("%d clients, %v", len(sockets), err)
	}
	w.rooms = sockets[0].Rooms
	v := sockets[0].Data["n"]
	_ = v.Decode(&w.data)
	return w
}

// history is what a client of wander.mjs has reported.
type history struct {
	id        string
	recovered []bool
	heard     []string
}

func heardBy(t *testing.T, client *testkit.Script) (h history) {
	t.Helper()
	for line := range strings.Lines(client.Stdout.String()) {
		var report struct {
			Event     string
			ID        string
			Recovered bool
			Sent      []json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &report); err != nil {
			t.Fatal(err)
		}
		switch report.Event {
		case "connected":
			h.id = report.ID
			h.recovered = append(h.recovered, report.Recovered)
		case "heard":
			h.heard = append(h.heard, strings.Trim(string(report.Sent[0]), `"`)+" "+string(report.Sent[1]))
		}
	}
	return h
}
