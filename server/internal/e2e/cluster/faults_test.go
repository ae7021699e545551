package cluster

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// awaitLog waits until a server has logged a line n times.
func awaitLog(t *testing.T, s *harness.Server, line string, n int) {
	t.Helper()
	s.Stderr.WaitFor(t, strconv.Itoa(n)+" lines "+line, 2*testkit.Deadline, func(text string) bool {
		return strings.Count(text, line) >= n
	})
}

const (
	redisAway = "Redis is away"
	redisBack = "Redis is back"
)

// inOrder fails the test unless what a client heard of a sender is in order and without
// repetitions.
func inOrder(t *testing.T, heard []string) {
	t.Helper()
	last := -1
	for _, text := range heard {
		n, err := strconv.Atoi(text)
		if err != nil || n <= last {
			t.Fatalf("%q after %d: twice, or in another order", text, last)
		}
		last = n
	}
}

// TestClusterRedisRestartsUnderLoad kills Redis twice while six speakers talk. A server's own
// clients hear everything; those of the others hear nothing twice and everything in order, and
// afterwards all is as before.
func TestClusterRedisRestartsUnderLoad(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	var members []*harness.Server
	var addrs []string
	for range 3 {
		m := harness.StartMember(t, redis)
		members, addrs = append(members, m), append(addrs, m.Addr)
	}
	all := gather(t, 10, addrs...)
	var speakers []*speaker
	for i := range 6 {
		speakers = append(speakers, speak(t, fmt.Sprint("s", i), addrs[i%3]))
	}
	stop := make(chan struct{})
	var talk sync.WaitGroup
	for _, s := range speakers {
		talk.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.say(10); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(5 * time.Millisecond) // so much a speaker: it is not about throughput
			}
		})
	}
	for outage := 1; outage <= 2; outage++ {
		redis.Kill()
		for _, m := range members {
			awaitLog(t, m, redisAway, outage)
		}
		redis.Restart()
		for _, m := range members {
			awaitLog(t, m, redisBack, outage)
		}
	}
	close(stop)
	talk.Wait()
	for _, s := range speakers { // now that all are back
		if err := s.say(1); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range speakers {
		all.awaits(s.name, s.last())
	}
	for i, c := range all.clients {
		for _, s := range speakers {
			heard := c.of(s.name)
			inOrder(t, heard)
			if c.Addr == s.Addr && !slices.Equal(heard, numbers(s.next)) {
				t.Errorf("client %d heard %d of %d messages of its own server's %s", i, len(heard), s.next, s.name)
			}
		}
	}
}

// TestClusterChatsOnWithoutRedis: what is said in an outage reaches the server's own clients at
// once, and those of the other servers once Redis is back: all of it.
func TestClusterChatsOnWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	a, ops := harness.StartOps(t, "--message-queue", redis.URL())
	b := harness.StartMember(t, redis)
	here, there := gather(t, 3, a.Addr), gather(t, 3, b.Addr)
	s := speak(t, "s", a.Addr)
	say := func() {
		t.Helper()
		if err := s.say(200); err != nil {
			t.Fatal(err)
		}
	}
	say()
	there.awaits("s", s.last())
	// Both servers are counted, so that each waits for the other to come back.
	awaitLog(t, a, "servers=2", 1)
	awaitLog(t, b, "servers=2", 1)
	redis.Kill()
	awaitLog(t, a, redisAway, 1)
	awaitLog(t, b, redisAway, 1)
	if got := harness.OpsGet(t, ops, "/readyz"); got.Status != http.StatusServiceUnavailable || !strings.HasPrefix(got.Body, "redis: ") {
		t.Errorf("readiness without Redis: %d %q", got.Status, got.Body)
	}
	say()
	here.awaits("s", s.last())
	for _, c := range there.clients {
		if got := len(c.of("s")); got != 200 {
			t.Fatalf("%d messages heard while Redis was away, want the 200 from before", got)
		}
	}
	redis.Restart()
	say()
	there.awaits("s", s.last())
	for _, c := range slices.Concat(here.clients, there.clients) {
		if got := c.of("s"); !slices.Equal(got, numbers(600)) {
			t.Errorf("heard %d of 600 messages, or in another order", len(got))
		}
	}
	// Redis hands a message on before it answers whoever published it.
	awaitLog(t, a, redisBack, 1)
	harness.CheckOps(t, ops, "/readyz", http.StatusOK, "ready")
	harness.AwaitMetrics(t, ops, map[string]float64{"hipflask_cluster_servers": 2, "hipflask_cluster_reconnects_total": 1,
		"hipflask_cluster_dropped_total": 0, "hipflask_cluster_queue_bytes": 0})
}

// TestClusterForeignRubbish publishes what nobody understands on every channel.
func TestClusterForeignRubbish(t *testing.T) {
	redis := redistest.Start(t)
	ours := harness.StartMember(t, redis)
	c := joinCluster(t, ours.Addr)
	rubbish := []string{"", "{", "null", "[]", "{}", "\x80\x04.", "cos\nsystem\n(S'true'\ntR.", "\x93\x01\x02\x03", "\xdf\xff\xff\xff\xff",
		"\x94\xa9hipflask-\xc0\xcf\x00\x00\x00\x00", `{"type":7}`, `{"type":99,"uid":"x","requestId":"y"}`, `{"type":2,"opts":{"rooms":[[]]}}`,
		`{"method":"emit"}`, `{"method":"emit","event":"disconnect","data":[]}`, `{"method":5}`, strings.Repeat("[", 100_000)}
	began := time.Now()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := make([]byte, random.IntN(60))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		rubbish = append(rubbish, string(b))
	}
	for _, channel := range []string{"socket.io#/#", "socket.io#/#" + c.id + "#", "socket.io#", "socket.io#/nowhere#x#", "socket.io-request#/#",
		"socket.io-response#/#", "flask-socketio"} {
		for _, r := range rubbish {
			redis.Publish(channel, r)
		}
	}
	const good = "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa7message\xa5hello\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80"
	redis.Publish("socket.io#/#", good)
	c.hears(testkit.Message("hello"))
	c.Cut() // or the server would wait for it
	ours.End()
	log := ours.Stderr.String()
	if n, most := strings.Count(log, "refused"), 5*(int(time.Since(began).Seconds())+2); n == 0 || n > most { // five a second
		t.Errorf("%d lines about what was refused, want 1 to %d", n, most)
	}
	if strings.Contains(log, "panic") {
		t.Error("something panicked")
	}
}
