package cluster

import (
	"slices"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestClusterWithNodeServer holds a Hipflask server and one of Node to what Node's servers do for
// each other.
func TestClusterWithNodeServer(t *testing.T) {
	redis := redistest.Start(t)
	ours := harness.StartMember(t, redis)
	node, addr := harness.StartNodeServer(t, redis)
	redis.AwaitSubscribers("socket.io-request#/#", 2)
	here, there := joinCluster(t, ours.Addr), joinCluster(t, addr)

	here.says(`42["message",{"b":1,"a":[1.5,"é",null,true]}]`)
	there.hears(`42["message",{"b":1,"a":[1.5,"é",null,true]}]`)
	there.says(testkit.Message("hi"))
	here.hears(`42["message",{"b":1,"a":[1.5,"é",null,true]}]`, testkit.Message("hi"))
	there.hears(testkit.Message("hi"))

	node.Tell("join", harness.Command{"who": here.id, "room": "room"})
	node.Tell("join", harness.Command{"who": there.id, "room": "room"})
	emitsToRooms(node, here, there)

	node.Tell("leave", harness.Command{"who": here.id, "room": "room"})
	awaitClients(node, "room", 1)
	node.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "e", "args": []any{4}})
	node.Tell("emit", harness.Command{"event": "e", "args": []any{5}})
	here.hears(`42["e",5]`)
	there.hears(`42["e",4]`, `42["e",5]`)

	var servers struct{ Servers int }
	if node.Do("servers", nil, &servers); servers.Servers != 2 {
		t.Errorf("Node counts %d servers", servers.Servers)
	}
	node.Tell("disconnect", harness.Command{"who": here.id})
	here.hears("41")
}

// emitsToRooms has Node emit to clients that it has put into a room: to some of them, and bytes.
func emitsToRooms(node *harness.Helper, here, there *clusterClient) {
	node.T.Helper()
	// Node does it when its own request comes back, so its next emit may be quicker.
	awaitClients(node, "room", 2)
	node.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "e", "args": []any{1}})
	node.Tell("emit", harness.Command{"rooms": []string{"room"}, "except": []string{here.id}, "event": "e", "args": []any{2}})
	node.Tell("emit", harness.Command{"rooms": []string{here.id}, "event": "e", "args": []any{3}})
	node.Tell("emit", harness.Command{"rooms": []any{"room", "other"}, "event": "bytes", "args": []any{map[string]any{"$bytes": "00ff"}}})
	here.hears(`42["e",1]`, `42["e",3]`)
	there.hears(`42["e",1]`, `42["e",2]`)
	for _, c := range []*clusterClient{here, there} {
		hearsBytes(c, `451-["bytes",{"_placeholder":true,"num":0}]`, "\x00\xff")
	}
}

// answering has each client answer a question, with "a", "b" and so on. What it returns waits for
// them.
func answering(t *testing.T, clients ...*clusterClient) (wait func()) {
	answered := make(chan error, len(clients))
	for i, c := range clients {
		go func() { answered <- c.acknowledges(`["question"]`, `["`+string(rune('a'+i))+`"]`) }()
	}
	return func() {
		t.Helper()
		for range clients {
			if err := <-answered; err != nil {
				t.Error(err)
			}
		}
	}
}

// awaitClients has Node ask until so many clients are in a room.
func awaitClients(node *harness.Helper, room string, n int) {
	node.T.Helper()
	var found struct{ IDs []string }
	for end := time.Now().Add(testkit.Deadline); len(found.IDs) != n; node.Do("fetch", harness.Command{"who": room}, &found) {
		if time.Now().After(end) {
			node.T.Fatalf("%d clients in the room, want %d", len(found.IDs), n)
		}
		found.IDs = nil
	}
}

// hearsBytes reads a packet with one attachment.
func hearsBytes(c *clusterClient, text, data string) {
	c.t.Helper()
	c.hears(text)
	f, err := c.WS.ReadFrame()
	if err != nil || f.Op != testkit.OpBinary || string(f.Data) != data {
		c.t.Fatalf("received %q, %v; want the bytes %q", f.Data, err, data)
	}
}

// TestClusterNodeAsksForClients has Node list Hipflask's clients, and call them.
func TestClusterNodeAsksForClients(t *testing.T) {
	redis := redistest.Start(t)
	first, second := harness.StartMember(t, redis), harness.StartMember(t, redis)
	node, addr := harness.StartNodeServer(t, redis)
	redis.AwaitSubscribers("socket.io-request#/#", 3)
	clients := []*clusterClient{joinCluster(t, first.Addr), joinCluster(t, second.Addr), joinCluster(t, addr)}
	var want []string
	for _, c := range clients {
		want = append(want, c.id)
	}
	node.Tell("join", harness.Command{"who": want, "room": "room"})
	awaitClients(node, "room", 3)

	var found struct {
		IDs     []string
		Queries []string
		Rooms   [][]string
	}
	node.Do("fetch", nil, &found)
	slices.Sort(found.IDs)
	slices.Sort(want)
	if !slices.Equal(found.IDs, want) {
		t.Errorf("Node found %q, want %q", found.IDs, want)
	}
	for i, rooms := range found.Rooms {
		if len(rooms) != 2 || !slices.Contains(rooms, "room") || found.Queries[i] != "4" {
			t.Errorf("a client in the rooms %q with EIO=%q", rooms, found.Queries[i])
		}
	}

	answered := answering(t, clients...)
	var answers struct {
		Answers []string
		Error   string
	}
	node.Do("ask", harness.Command{"event": "question"}, &answers)
	answered()
	slices.Sort(answers.Answers)
	if !slices.Equal(answers.Answers, []string{"a", "b", "c"}) {
		t.Errorf("answers %q, %s", answers.Answers, answers.Error)
	}

	var told struct {
		Answers []any
		Error   string
	}
	if node.Do("tell", harness.Command{"event": "nobody listens"}, &told); len(told.Answers) != 2 {
		t.Errorf("%d servers answered, want 2: %s", len(told.Answers), told.Error)
	}
}

// TestClusterNodeEmitter has a process without clients emit to those of two servers.
func TestClusterNodeEmitter(t *testing.T) {
	redis := redistest.Start(t)
	first, second := harness.StartMember(t, redis), harness.StartMember(t, redis)
	emitter := harness.StartNodeHelper(t, "emitter.mjs", redis)
	var ready struct{ Ready bool }
	emitter.Next(&ready)
	here, there := joinCluster(t, first.Addr), joinCluster(t, second.Addr)

	emitter.Tell("join", harness.Command{"rooms": []string{here.id}, "room": "room"})
	emitter.Tell("emit", harness.Command{"event": "e", "args": []any{1, "x", map[string]any{"b": nil}}})
	emitter.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "e", "args": []any{2}})
	emitter.Tell("emit", harness.Command{"except": []string{"room"}, "event": "e", "args": []any{3}})
	emitter.Tell("emit", harness.Command{"rooms": []any{"room", 5}, "event": "e", "args": []any{4}})
	emitter.Tell("volatile", harness.Command{"event": "e", "args": []any{5}})
	emitter.Tell("emit", harness.Command{"namespace": "/other", "event": "e", "args": []any{6}})
	emitter.Tell("emit", harness.Command{"event": "bytes", "args": []any{map[string]any{"$bytes": "00ff"}}})
	emitter.Tell("leave", harness.Command{"rooms": []string{"room"}, "room": "room"})
	emitter.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "e", "args": []any{7}})
	emitter.Tell("tellAll", harness.Command{"event": "nobody listens"})
	here.hears(`42["e",1,"x",{"b":null}]`, `42["e",2]`, `42["e",4]`, `42["e",5]`)
	hearsBytes(here, `451-["bytes",{"_placeholder":true,"num":0}]`, "\x00\xff")
	there.hears(`42["e",1,"x",{"b":null}]`, `42["e",3]`, `42["e",5]`)
	hearsBytes(there, `451-["bytes",{"_placeholder":true,"num":0}]`, "\x00\xff")

	emitter.Tell("disconnect", harness.Command{"rooms": []string{here.id}})
	emitter.Tell("emit", harness.Command{"event": "end"})
	here.hears("41")
	there.hears(`42["end"]`)
}
