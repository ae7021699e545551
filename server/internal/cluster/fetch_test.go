package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// readable is a client as text, for comparing.
func readable(s socketio.Socket) string {
	slices.Sort(s.Rooms)
	bytes, _ := s.Data["n"].Bytes()
	return fmt.Sprint(s.ID, s.Rooms, s.Auth, s.Address, s.Transport, s.Since.UnixMilli(), s.Data, bytes)
}

// Each server finds the same clients in the same words.
func TestClientsAreTheSameFromEverywhere(t *testing.T) {
	_, servers := several(t, 3)
	want := make(map[string]bool)
	for i, s := range servers {
		must(t, s.On("show", func(c *socketio.Context, name string) {
			c.SetData("name", name)
			c.SetData("big", socketio.Args{uint64(1) << 60, map[string]any{"é": nil}})
			c.Join("room")
		}))
		c := socketiotest.Connect(t, s.Server, socketiotest.Options{Auth: map[string]any{"i": i, "a": "<"}})
		c.Call("show", fmt.Sprint("name ", i))
		want[c.ID()] = true
		s.join(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Deadline)
	defer cancel()
	var seen []string
	for _, s := range servers {
		all, err := s.To("room").Sockets(ctx)
		must(t, err)
		var texts []string
		for _, found := range all {
			if !want[found.ID] {
				t.Errorf("found %+v", found)
			}
			texts = append(texts, readable(found))
		}
		slices.Sort(texts)
		if seen != nil && !reflect.DeepEqual(texts, seen) {
			t.Errorf("one server finds %q, another %q", texts, seen)
		}
		seen = texts
		for what, test := range map[string]struct {
			of   *socketio.Target
			want int
		}{
			"all": {s.To(), 6}, "a room": {s.To("room"), 3}, "others": {s.Except("room"), 3},
			"here": {s.To().Local(), 2}, "nobody": {s.To("nobody"), 0}, "nobody that is left": {s.To("room").Except("room"), 0},
		} {
			list, err := test.of.Sockets(ctx)
			n, counted := test.of.Count(ctx)
			if len(list) != test.want || n != test.want || err != nil || counted != nil {
				t.Errorf("%s: %d clients, %v, counted %d, %v", what, len(list), err, n, counted)
			}
		}
	}
	if len(seen) != len(want) {
		t.Errorf("found %q", seen)
	}
}

// mute takes part in a cluster as servers of these names would, and never answers.
func mute(t *testing.T, redisServer *redistest.Server, names ...string) {
	t.Helper()
	options, err := redis.ParseURL(redisServer.URL())
	must(t, err)
	for _, name := range names {
		client := redis.NewClient(options)
		subscription := client.Subscribe(t.Context(), "socket.io-request#/#", "socket.io-response#/#", "socket.io-response#/#"+name+"#")
		for range 3 {
			_, err := subscription.Receive(t.Context())
			must(t, err)
		}
		t.Cleanup(func() {
			_ = subscription.Close()
			_ = client.Close()
		})
	}
}

// Who does not answer in time is named, and what others have answered is returned.
func TestServersThatDoNotAnswerAreNamed(t *testing.T) {
	redisServer, servers := several(t, 2)
	here, there := servers[0].join(t), servers[1].join(t)
	mute(t, redisServer, "hipflask-SILENT", "node01")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	all, err := servers[0].To().Sockets(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 of 3 other servers did not answer (hipflask-SILENT, node01)") {
		t.Errorf("error %v", err)
	}
	ids := make(map[string]bool)
	for _, s := range all {
		ids[s.ID] = true
	}
	if len(all) != 2 || !ids[here.ID()] || !ids[there.ID()] {
		t.Errorf("found %+v", all)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if n, err := servers[0].To().Count(ctx); n != 2 || err == nil || !strings.Contains(err.Error(), "hipflask-SILENT") {
		t.Errorf("counted %d, %v", n, err)
	}
	if n, err := servers[0].To().Local().Count(t.Context()); n != 1 || err != nil {
		t.Errorf("counted %d here, %v", n, err)
	}
}

// While Redis is away nobody is waited for.
func TestClientsWhileRedisIsAway(t *testing.T) {
	redisServer, servers := several(t, 2)
	servers[0].join(t)
	redisServer.Kill()
	testkit.Eventually(t, "the outage is noticed", func() bool { return servers[0].cluster.Ready() != nil })
	begun := time.Now()
	all, err := servers[0].To().Sockets(t.Context())
	if len(all) != 1 || err == nil || !strings.Contains(err.Error(), "Redis is away") || time.Since(begun) > testkit.Deadline {
		t.Errorf("found %+v, %v", all, err)
	}
}

// What other servers' handlers send to a client is told to its listener; the listener for a
// namespace is told of what its own server's handlers emit.
func TestOutgoingEventsOverTheCluster(t *testing.T) {
	_, servers := several(t, 2)
	toOne, toAll := make(chan string, 10), make(chan string, 10)
	must(t, servers[0].On("connect", func(c *socketio.Context) {
		c.OnOutgoing(func(event string, args []socketio.Value) { toOne <- fmt.Sprint(event, args) })
	}))
	servers[0].OnOutgoing(func(_ *socketio.Target, event string, args []socketio.Value) { toAll <- fmt.Sprint(event, args) })
	c := servers[0].join(t)
	must(t, servers[1].To(c.ID()).Emit("from there", 1, []byte{2}))
	c.Receive("from there")
	must(t, servers[0].Emit("from here"))
	for _, want := range []string{`from there[1 b'\x02']`, "from here[]"} {
		if got := testkit.Await(t, toOne, "event for the client"); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	if got := testkit.Await(t, toAll, "event for everybody"); got != "from here[]" || len(toAll) > 0 {
		t.Errorf("told %q, and %d more", got, len(toAll))
	}
}
