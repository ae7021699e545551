package cluster

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// hearAll fails the test unless every client has heard n messages of each speaker, each once and in
// order.
func hearAll(t *testing.T, all *crowd, speakers ...*speaker) {
	t.Helper()
	for _, s := range speakers {
		all.awaits(s.name, s.last())
	}
	for i, c := range all.clients {
		for _, s := range speakers {
			if got := c.of(s.name); !slices.Equal(got, numbers(s.next)) {
				wrong := 0
				for wrong < min(len(got), s.next) && got[wrong] == fmt.Sprint(wrong) {
					wrong++
				}
				t.Errorf("client %d heard %d of %d messages of %s, from %d on others: %.200q", i, len(got), s.next, s.name, wrong, got[wrong:])
			}
		}
	}
}

// saying says so many more messages of each speaker.
func saying(t *testing.T, n int, speakers ...*speaker) {
	t.Helper()
	for _, s := range speakers {
		if err := s.say(n); err != nil {
			t.Fatal(err)
		}
	}
}

// TestClusterStreamsConnectionsAreCut cuts all connections to Redis again and again while servers
// write and read: nothing is lost, nothing comes twice, and the order is one, also for the clients
// of a Node server.
func TestClusterStreamsConnectionsAreCut(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	a, _ := harness.StartStreamsMember(t, redis.URL())
	b, _ := harness.StartStreamsMember(t, redis.URL())
	_, node := harness.StartNodeStreams(t, redis, 3)
	ours, theirs := gather(t, 2, a.Addr, b.Addr), gather(t, 1, node)
	s, r := speak(t, "s", a.Addr), speak(t, "r", b.Addr)
	for range 30 {
		saying(t, 30, s, r)
		redis.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	}
	saying(t, 1, s, r)
	hearAll(t, ours, s, r)
	for _, c := range theirs.clients { // Node loses entries when its own connection breaks, and its order
		for _, s := range []*speaker{s, r} {
			heard := c.of(s.name)
			if slices.Sort(heard); len(slices.Compact(heard)) < len(c.of(s.name)) {
				t.Errorf("a client of Node heard something of %s twice", s.name)
			}
		}
	}
	order := func(c *listenerClient) (all []string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return slices.Clone(c.order)
	}
	for _, c := range ours.clients[1:] {
		if !slices.Equal(order(c), order(ours.clients[0])) {
			t.Error("two clients heard the two speakers in different orders")
		}
	}
}

// TestClusterStreamsRedisFreezes: what is emitted waits, also where connections break because Redis
// does not answer, and comes once.
func TestClusterStreamsRedisFreezes(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	a, _ := harness.StartStreamsMember(t, redis.URL()+"?socket_timeout=0.5")
	b, _ := harness.StartStreamsMember(t, redis.URL()+"?socket_timeout=0.5")
	all := gather(t, 2, a.Addr, b.Addr)
	s, r := speak(t, "s", a.Addr), speak(t, "r", b.Addr)
	for outage := 1; outage <= 3; outage++ {
		saying(t, 100, s, r)
		redis.Freeze()
		saying(t, 100, s, r)
		awaitLog(t, a, redisAway, outage)
		awaitLog(t, b, redisAway, outage)
		saying(t, 100, s, r)
		redis.Thaw()
		awaitLog(t, a, redisBack, outage)
		awaitLog(t, b, redisBack, outage)
	}
	hearAll(t, all, s, r)
}

// TestClusterStreamsRedisRestarts kills Redis twice under load. It keeps what it had, and nobody
// loses anything.
func TestClusterStreamsRedisRestarts(t *testing.T) {
	t.Parallel()
	redis := redistest.StartLasting(t)
	a, _ := harness.StartStreamsMember(t, redis.URL())
	b, _ := harness.StartStreamsMember(t, redis.URL())
	all := gather(t, 2, a.Addr, b.Addr)
	s, r := speak(t, "s", a.Addr), speak(t, "r", b.Addr)
	for outage := 1; outage <= 2; outage++ {
		saying(t, 300, s, r)
		redis.Kill()
		saying(t, 300, s, r)
		awaitLog(t, a, redisAway, outage)
		awaitLog(t, b, redisAway, outage)
		redis.Restart()
		awaitLog(t, a, redisBack, outage)
		awaitLog(t, b, redisBack, outage)
	}
	saying(t, 1, s, r)
	hearAll(t, all, s, r)
}

// TestClusterStreamsRedisForgets: with its memory Redis loses what may not have been read. That is
// said, clients have to come back, and all goes on.
func TestClusterStreamsRedisForgets(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	a, _ := harness.StartStreamsMember(t, redis.URL())
	b, _ := harness.StartStreamsMember(t, redis.URL())
	before := gather(t, 2, a.Addr, b.Addr)
	s := speak(t, "s", a.Addr)
	saying(t, 10, s)
	before.awaits("s", s.last())
	redis.Kill()
	awaitLog(t, a, redisAway, 1)
	awaitLog(t, b, redisAway, 1)
	redis.Restart()
	awaitLog(t, a, "are lost", 1)
	awaitLog(t, b, "are lost", 1)
	before.wait.Wait() // until all are cut off
	after := gather(t, 2, a.Addr, b.Addr)
	r := speak(t, "r", b.Addr)
	saying(t, 100, r)
	hearAll(t, after, r)
}

// TestClusterStreamsRedisOutOfMemory: emits wait until Redis takes them again.
func TestClusterStreamsRedisOutOfMemory(t *testing.T) {
	redis := redistest.Start(t, "--maxmemory-policy", "noeviction")
	a, _ := harness.StartStreamsMember(t, redis.URL())
	b, _ := harness.StartStreamsMember(t, redis.URL())
	all := gather(t, 2, a.Addr, b.Addr)
	s := speak(t, "s", a.Addr)
	saying(t, 10, s)
	all.awaits("s", s.last())
	redis.Do("CONFIG", "SET", "maxmemory", "1")
	saying(t, 300, s)
	awaitLog(t, a, "OOM", 1)
	redis.Do("CONFIG", "SET", "maxmemory", "0")
	hearAll(t, all, s)
}

// TestClusterStreamsUnfitRedis: a Redis that cannot do it is an error at the start.
func TestClusterStreamsUnfitRedis(t *testing.T) {
	old := redistest.Start(t, "--rename-command", "XINFO", "", "--rename-command", "XADD", "", "--rename-command", "XREAD", "")
	taken := redistest.Start(t)
	taken.Do("SET", "socket.io", "x")
	for why, redis := range map[string]*redistest.Server{"knows no streams": old, "holds something else": taken} {
		for _, optional := range []bool{false, true} {
			args := []string{"--port", "0", "--message-queue", redis.URL(), "--cluster-adapter", "redis-streams", fmt.Sprintf("--message-queue-optional=%v", optional)}
			stderr := testkit.NewOutput()
			err := hipflask.Run(t.Context(), args, harness.NoEnv, testkit.NewOutput(), stderr, func(*hipflask.App) error { return nil })
			if err == nil || hipflask.ExitCode(err) != 2 || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "--cluster-adapter") {
				t.Errorf("optional %v: %v, exit code %d; want %q", optional, err, hipflask.ExitCode(err), why)
			}
		}
	}
}

// TestHardeningClusterStreamRubbish writes what nobody understands into the stream, and publishes
// it: it is ignored, in a few lines.
func TestHardeningClusterStreamRubbish(t *testing.T) {
	redis := redistest.Start(t)
	ours, _ := harness.StartStreamsMember(t, redis.URL())
	c := joinCluster(t, ours.Addr)
	const good = `{"packet":{"type":2,"data":["message","hello"]},"opts":{"rooms":[],"except":[],"flags":{}}}`
	began := time.Now()
	redis.Do("XADD", "socket.io", "*", "x", "y")
	for _, typ := range []string{"", "1", "2", "3", "4", "5", "6", "7", "13", "99", "-1", "x"} {
		for _, data := range []string{"", "{", "{}", "[]", "null", "?", "gqY=", "wQ==", `{"packet":{"type":2,"data":["disconnect"]}}`, strings.Repeat("[", 100_000),
			`{"packet":` + strings.Repeat("[", 100_000), `{"opts":{"rooms":[[]]},"rooms":["a"]}`, strings.Repeat("A", 100_000)} {
			for _, nsp := range []string{"/", "/nowhere", "", "x"} {
				redis.Do("XADD", "socket.io", "*", "uid", "u", "nsp", nsp, "type", typ, "data", data)
			}
			redis.Do("XADD", "socket.io", "*", "nsp", "/", "type", typ)
			redis.Publish("socket.io#/#", data)
			redis.Publish("socket.io#/#", "\x81\xa4type"+data)
		}
	}
	redis.Do("XADD", "socket.io", "*", "uid", "u", "nsp", "/", "type", "3", "data", good, "more", "of it")
	c.hears(testkit.Message("hello"))
	c.Cut() // or the server would wait for it
	ours.End()
	log := ours.Stderr.String()
	most := 2 * 5 * (int(time.Since(began).Seconds()) + 2) // of either cause five a second
	if n := strings.Count(log, "ignored") + strings.Count(log, "refused"); n == 0 || n > most {
		t.Errorf("%d lines about what was ignored, want 1 to %d", n, most)
	}
	if strings.Contains(log, "panic") || len(log) > 500*(most+10) {
		t.Errorf("the log has %d bytes", len(log))
	}
}

// TestHardeningClusterStreamEnds: whoever writes the last id there is makes it impossible to write
// another. That is said, and the server's own work goes on.
func TestHardeningClusterStreamEnds(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	ours, io := harness.StartStreamsMember(t, redis.URL()+"?socket_timeout=1") // it looks twice a second
	c := joinCluster(t, ours.Addr)
	redis.Do("XADD", "socket.io", "18446744073709551615-18446744073709551615", "x", "y")
	c.says(testkit.Message("lost"))
	awaitLog(t, ours, "entry given up", 1)
	if err := io.To().Local().Emit("local"); err != nil {
		t.Fatal(err)
	}
	c.hears(`42["local"]`)
	redis.Do("DEL", "socket.io")
	awaitLog(t, ours, "are lost", 1)
	next := joinCluster(t, ours.Addr)
	next.says(testkit.Message("again"))
	next.hears(testkit.Message("again"))
}

// TestClusterStreamsLeastRights: a user with the rights that SCALING.md lists is enough, as is one
// that may not end its own connections.
func TestClusterStreamsLeastRights(t *testing.T) {
	redis := redistest.Start(t)
	text, err := os.ReadFile(testkit.InModule("server", "SCALING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "ACL SETUSER streams ")
	line, _, found := strings.Cut(rest, "\n")
	if !found {
		t.Fatal("SCALING.md lists no rights for the stream")
	}
	for name, rights := range map[string]string{"whole": line, "less": strings.ReplaceAll(line, "+client|kill +client|info", "")} {
		args := []any{"ACL", "SETUSER", name}
		for _, right := range strings.Fields(rights) {
			args = append(args, right)
		}
		redis.Do(args...)
		ours, _ := harness.StartStreamsMember(t, "redis://"+name+":SECRET@"+redis.Addr)
		c := joinCluster(t, ours.Addr)
		c.says(testkit.Message(name), testkit.Message("again"))
		c.hears(testkit.Message(name), testkit.Message("again"))
		c.Cut()
		ours.End()
		harness.CheckQuiet(t, ours.Stderr.String())
	}
}

// TestClusterStreamsMetrics: what goes through the stream is counted.
func TestClusterStreamsMetrics(t *testing.T) {
	redis := redistest.Start(t)
	s, ops := harness.StartOps(t, "--message-queue", redis.URL(), "--cluster-adapter", "redis-streams")
	c := joinCluster(t, s.Addr)
	c.says(testkit.Message("a"), testkit.Message("b"))
	c.hears(testkit.Message("a"), testkit.Message("b"))
	for _, line := range []string{"written_total 2", "read_total 2", "holes_total 0", "waiting 0", "waiting_bytes 0"} {
		testkit.Eventually(t, "the metrics have "+line, func() bool { // they are counted a moment later
			return strings.Contains(harness.OpsGet(t, ops, "/metrics").Body, "hipflask_cluster_stream_"+line+"\n")
		})
	}
}
