package cluster

import (
	"net"
	"slices"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestClusterRedisOutOfMemory: Redis publishes all the same, and says so to nobody.
func TestClusterRedisOutOfMemory(t *testing.T) {
	redis := redistest.Start(t, "--maxmemory-policy", "noeviction")
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	there := gather(t, 2, b.Addr)
	s := speak(t, "s", a.Addr)
	redis.Do("CONFIG", "SET", "maxmemory", "1")
	if err := s.say(300); err != nil {
		t.Fatal(err)
	}
	there.awaits("s", s.last())
	for _, c := range there.clients {
		if got := c.of("s"); !slices.Equal(got, numbers(300)) {
			t.Errorf("heard %d of 300 messages, or in another order", len(got))
		}
	}
}

// TestClusterSlowRedis puts a proxy in front of Redis that delays both ways.
func TestClusterSlowRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	later := func(to, from net.Conn) { passLater(to, from, 150*time.Millisecond) }
	slow := testkit.StartProxy(t, redis.Addr, later, later).URL()
	a := harness.Start(t, "--message-queue", slow)
	b := harness.Start(t, "--message-queue", slow)
	here, there := gather(t, 2, a.Addr), gather(t, 2, b.Addr)
	s := speak(t, "s", a.Addr)
	if err := s.say(2000); err != nil {
		t.Fatal(err)
	}
	here.awaits("s", s.last())
	there.awaits("s", s.last())
	for _, c := range there.clients {
		if got := c.of("s"); !slices.Equal(got, numbers(2000)) {
			t.Errorf("heard %d of 2000 messages, or in another order", len(got))
		}
	}
}

// TestClusterFrozenRedis: a Redis that hangs holds up nobody's own clients.
func TestClusterFrozenRedis(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	here, there := gather(t, 2, a.Addr), gather(t, 2, b.Addr)
	s := speak(t, "s", a.Addr)
	redis.Freeze()
	if err := s.say(500); err != nil {
		t.Fatal(err)
	}
	here.awaits("s", s.last())
	redis.Thaw()
	there.awaits("s", s.last())
	for _, c := range slices.Concat(here.clients, there.clients) {
		if got := c.of("s"); !slices.Equal(got, numbers(500)) {
			t.Errorf("heard %d of 500 messages, or in another order", len(got))
		}
	}
}

// TestClusterConnectionsAreCut: when only the connections break, nothing is lost among those who
// were connected all the time.
func TestClusterConnectionsAreCut(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis)
	there := gather(t, 2, b.Addr)
	s := speak(t, "s", a.Addr)
	for range 20 {
		if err := s.say(50); err != nil {
			t.Fatal(err)
		}
		redis.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") // not the subscribers
	}
	there.awaits("s", s.last())
	for _, c := range there.clients {
		if got := c.of("s"); !slices.Equal(got, numbers(1000)) {
			t.Errorf("heard %d of 1000 messages, or in another order", len(got))
		}
	}
	redis.Do("CLIENT", "KILL", "TYPE", "pubsub")
	awaitLog(t, b, redisBack, 1)
	if err := s.say(1); err != nil {
		t.Fatal(err)
	}
	there.awaits("s", s.last())
}

// passLater is a testkit.Carry that keeps each piece for the delay.
func passLater(out, in net.Conn, delay time.Duration) {
	type piece struct {
		due  time.Time
		data []byte
	}
	pieces := make(chan piece, 10_000)
	go func() {
		defer close(pieces)
		for {
			buffer := make([]byte, 64<<10)
			n, err := in.Read(buffer)
			if n > 0 {
				pieces <- piece{time.Now().Add(delay), buffer[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due)) // the delay of the network
		_, _ = out.Write(p.data)      // one that fails ends the reading as well
	}
	_ = in.Close()
	_ = out.Close()
}
