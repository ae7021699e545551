package cluster_test

import (
	"context"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/testdata/testkit"
)

// newProxy passes connections on to a Redis, or refuses them.
func newProxy(t *testing.T, redis *redistest.Server) *testkit.Proxy {
	t.Helper()
	return testkit.StartProxy(t, redis.Addr, testkit.Copy, testkit.Copy)
}

// What waited during an outage is published only when those are back who were there.
func TestWhatWaitedIsKeptForLatecomers(t *testing.T) {
	redis := redistest.Start(t)
	early, late := newProxy(t, redis), newProxy(t, redis)
	a, b := start(t, early.URL()), start(t, late.URL())
	testkit.Eventually(t, "two servers are counted", func() bool { return a.cluster.Stats().Servers == 2 })
	there := b.join(t)
	early.Refuse()
	late.Refuse()
	for _, m := range []*member{a, b} {
		testkit.Eventually(t, "it notices", func() bool { return m.cluster.Ready() != nil })
	}
	must(t, a.Emit("in the outage"))
	early.Reopen()
	testkit.Eventually(t, "the first is back", func() bool { return a.cluster.Ready() == nil })
	must(t, a.Emit("after it"))
	if s := a.cluster.Stats(); s.Reconnects != 1 || s.Queued == 0 {
		t.Errorf("%+v", s)
	}
	late.Reopen()
	hears(t, there, "in the outage []", "after it []")
	if s := a.cluster.Stats(); s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

// A server that was away alone knows how many broadcasts it missed.
func TestMissedBroadcastsAreCounted(t *testing.T) {
	redis := redistest.Start(t)
	lone := newProxy(t, redis)
	a, b := start(t, redis.URL()), start(t, lone.URL())
	there := b.join(t)
	must(t, a.Emit("n", 0))
	hears(t, there, "n [0]")
	testkit.Eventually(t, "both channels have it", func() bool { return a.cluster.Stats().Published == 2 })
	lone.Refuse()
	testkit.Eventually(t, "it notices", func() bool { return b.cluster.Ready() != nil })
	published := a.cluster.Stats().Published
	for n := range 5 {
		must(t, a.Emit("n", n))
	}
	testkit.Eventually(t, "they are published", func() bool { return a.cluster.Stats().Published == published+10 })
	lone.Reopen()
	testkit.Eventually(t, "it is back", func() bool { return b.cluster.Ready() == nil })
	must(t, a.Emit("n", 9))
	hears(t, there, "n [9]")
	if n := b.cluster.Stats().Missed; n != 5 {
		t.Errorf("%d broadcasts counted as missed, want 5", n)
	}
}

// While Redis is away, nobody waits for what cannot come.
func TestAskingWithoutRedis(t *testing.T) {
	redis, servers := several(t, 2)
	here := servers[0].join(t)
	servers[1].join(t)
	redis.Kill()
	testkit.Eventually(t, "it notices", func() bool { return servers[0].cluster.Ready() != nil })
	if got := servers[0].To().Clients(); len(got) != 1 || got[0] != here.ID() {
		t.Errorf("clients %q, want this server's", got)
	}
	go func() { here.Receive("ask").Ack("x") }()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	answers, err := servers[0].To().Call(ctx, "ask")
	if err == nil || ctx.Err() != nil || len(answers) != 1 {
		t.Errorf("answers %v, %v", answers, err)
	}
}

// At the end what waits is published for as long as there is time, and counted else.
func TestCloseWithoutRedis(t *testing.T) {
	redis, servers := several(t, 1)
	s := servers[0]
	redis.Kill()
	testkit.Eventually(t, "it notices", func() bool { return s.cluster.Ready() != nil })
	must(t, s.Emit("x"))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.cluster.Close(ctx); err == nil || err.Error() != "2 messages for other servers were given up: Redis did not take them in time" {
		t.Errorf("closed with %v", err)
	}
	if n := s.cluster.Stats().Dropped; n != 2 {
		t.Errorf("%d messages are counted as dropped, want 2", n)
	}
}

// A user that may not publish costs the others this server's messages, and nothing else.
func TestForbiddenToPublish(t *testing.T) {
	redis := redistest.Start(t)
	redis.Do("ACL", "SETUSER", "mute", "on", ">secret", "+@all", "-publish", "allchannels")
	mute, other := start(t, "redis://mute:secret@"+redis.Addr), start(t, redis.URL())
	here := mute.join(t)
	must(t, mute.Emit("n"))
	hears(t, here, "n []")
	testkit.Eventually(t, "what is not published is counted", func() bool { return mute.cluster.Stats().Dropped == 2 })
	must(t, mute.cluster.Ready())
	must(t, other.Emit("m"))
	hears(t, here, "m []")
}
