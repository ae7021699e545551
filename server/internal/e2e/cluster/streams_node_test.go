package cluster

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// TestClusterStreamsFromNode has a Node server with the streams adapter say to clients of both what
// there is to say.
func TestClusterStreamsFromNode(t *testing.T) {
	redis := redistest.Start(t)
	ours, _ := harness.StartStreamsMember(t, redis.URL())
	node, addr := harness.StartNodeStreams(t, redis, 2)
	here, there := joinCluster(t, ours.Addr), joinCluster(t, addr)

	there.says(`42["message",{"b":1,"a":[1.5,"é",null,true]}]`)
	for _, c := range []*clusterClient{here, there} {
		c.hears(`42["message",{"b":1,"a":[1.5,"é",null,true]}]`)
	}
	node.Tell("join", harness.Command{"who": []string{here.id, there.id}, "room": "room"})
	emitsToRooms(node, here, there)
	node.Tell("emit", harness.Command{"volatile": true, "event": "e", "args": []any{4}}) // nothing waits for anybody
	here.hears(`42["e",4]`)
	there.hears(`42["e",4]`)
	node.Tell("leave", harness.Command{"who": here.id, "room": "room"})
	node.Tell("emit", harness.Command{"rooms": []string{"room"}, "event": "e", "args": []any{5}})
	node.Tell("emit", harness.Command{"event": "e", "args": []any{6}})
	here.hears(`42["e",6]`)
	there.hears(`42["e",5]`, `42["e",6]`)

	var servers struct{ Servers int }
	if node.Do("servers", nil, &servers); servers.Servers != 2 {
		t.Errorf("Node counts %d servers", servers.Servers)
	}
	node.Tell("disconnect", harness.Command{"who": here.id})
	here.hears("41")
}

// TestClusterStreamsNodeAsks has Node list clients, call them, and ask the servers.
func TestClusterStreamsNodeAsks(t *testing.T) {
	redis := redistest.Start(t)
	ours, io := harness.StartStreamsMember(t, redis.URL())
	told := make(chan string, 2)
	io.OnServers("question", func(args []socketio.Value) (any, error) {
		told <- args[0].String()
		return "ours", nil
	})
	node, addr := harness.StartNodeStreams(t, redis, 2)
	here, there := joinCluster(t, ours.Addr), joinCluster(t, addr)

	var found struct {
		IDs     []string
		Queries []string
		Rooms   [][]string
	}
	node.Do("fetch", nil, &found)
	want := []string{here.id, there.id}
	slices.Sort(want)
	got := slices.Clone(found.IDs)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("Node found %q, want %q", got, want)
	}
	for i, rooms := range found.Rooms {
		if !slices.Equal(rooms, []string{found.IDs[i]}) || found.Queries[i] != "4" {
			t.Errorf("a client in the rooms %q with EIO=%q", rooms, found.Queries[i])
		}
	}
	answered := answering(t, here, there)
	var answers struct {
		Answers []string
		Error   string
	}
	node.Do("ask", harness.Command{"event": "question"}, &answers)
	answered()
	if slices.Sort(answers.Answers); !slices.Equal(answers.Answers, []string{"a", "b"}) {
		t.Errorf("answers %q, %s", answers.Answers, answers.Error)
	}
	if node.Do("tell", harness.Command{"event": "question", "args": []any{"x"}}, &answers); !slices.Equal(answers.Answers, []string{"ours"}) {
		t.Errorf("answers %q, %s", answers.Answers, answers.Error)
	}
	node.Tell("tellAll", harness.Command{"event": "question", "args": []any{"y"}})
	for _, want := range []string{"x", "y"} {
		if got := testkit.Await(t, told, "event of the server"); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
}

// TestClusterStreamsToNode has a server of ours say to clients of both what there is to say.
func TestClusterStreamsToNode(t *testing.T) {
	redis := redistest.Start(t)
	ours, io := harness.StartStreamsMember(t, redis.URL())
	node, addr := harness.StartNodeStreams(t, redis, 2)
	here, there := joinCluster(t, ours.Addr), joinCluster(t, addr)

	here.says(`42["message",{"b":1,"a":[1.5,"é",12345678901234567890]}]`)
	here.hears(`42["message",{"b":1,"a":[1.5,"é",12345678901234567890]}]`)
	there.hears(`42["message",{"b":1,"a":[1.5,"é",12345678901234567000]}]`)
	emit := func(to *socketio.Target, args ...any) {
		t.Helper()
		if err := to.Emit("e", args...); err != nil {
			t.Fatal(err)
		}
	}
	io.To(here.id, there.id).Join("room")
	emit(io.To("room"), 1)
	emit(io.To("room").Except(here.id), 2)
	emit(io.To(there.id), 3)
	emit(io.To("room", "other"), []byte("\x00\xff"))
	io.To(there.id).Leave("room")
	emit(io.To("room"), 5)
	emit(io.To(), 6)
	here.hears(`42["e",1]`)
	hearsBytes(here, `451-["e",{"_placeholder":true,"num":0}]`, "\x00\xff")
	here.hears(`42["e",5]`, `42["e",6]`)
	there.hears(`42["e",1]`, `42["e",2]`, `42["e",3]`)
	hearsBytes(there, `451-["e",{"_placeholder":true,"num":0}]`, "\x00\xff")
	there.hears(`42["e",6]`)
	emit(io.To().Volatile(), 7) // nothing waits for anybody
	here.hears(`42["e",7]`)
	there.hears(`42["e",7]`)

	want := []string{here.id, there.id}
	got := io.To().Clients()
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	answered := answering(t, here, there)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Deadline)
	defer cancel()
	answers, err := io.To().Call(ctx, "question")
	answered()
	if err != nil || len(answers) != 2 {
		t.Errorf("answers %v, %v", answers, err)
	}
	values, err := io.CallServers(ctx, "told", "x")
	if err != nil || len(values) != 1 || values[0].String() != "node" {
		t.Errorf("Node answered %v, %v", values, err)
	}
	var told struct{ Told []string }
	if node.Next(&told); !slices.Equal(told.Told, []string{"x"}) {
		t.Errorf("Node was told %q", told.Told)
	}
	io.To(there.id).Disconnect()
	there.hears("41")
	io.To().Disconnect()
	here.hears("41")
}

// TestClusterStreamsPython: Python's queue goes on beside the stream, in both directions.
func TestClusterStreamsPython(t *testing.T) {
	redis := redistest.Start(t)
	first, _ := harness.StartStreamsMember(t, redis.URL(), "--channel-format", "pickle")
	second, _ := harness.StartStreamsMember(t, redis.URL(), "--channel-format", "pickle")
	flask := harness.StartFlaskServer(t, redis)
	clients := []*clusterClient{joinCluster(t, first.Addr), joinCluster(t, second.Addr), joinCluster(t, flask)}
	redis.AwaitSubscribers("flask-socketio", 3) // Flask listens once it has a client
	for i, c := range clients {
		c.says(testkit.Message(fmt.Sprint(i)))
		for _, d := range clients {
			d.hears(testkit.Message(fmt.Sprint(i)))
		}
	}
}
