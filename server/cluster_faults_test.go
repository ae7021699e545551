package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
)

// awaitLog waits until a server has logged a line n times.
func awaitLog(t *testing.T, s *testServer, line string, n int) {
	t.Helper()
	s.Stderr.waitFor(t, strconv.Itoa(n)+" lines "+line, 2*patience, func(text string) bool {
		return strings.Count(text, line) >= n
	})
}

const (
	redisAway = "Redis is away"
	redisBack = "Redis is back"
)

// inOrder fails the test unless what a client heard of a sender is in order and
// without repetitions.
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

// TestClusterRedisRestartsUnderLoad kills Redis twice while six speakers talk. A
// server's own clients hear everything; those of the others hear nothing twice and
// everything in order, and what is said while Redis is away comes later.
func TestClusterRedisRestartsUnderLoad(t *testing.T) {
	redis := redistest.Start(t)
	var members []*testServer
	var addrs []string
	for range 3 {
		m := startMember(t, redis)
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
	for _, s := range speakers {
		all.awaits(s.name, s.last())
	}
	for i, c := range all.clients {
		for _, s := range speakers {
			heard := c.of(s.name)
			inOrder(t, heard)
			if c.addr == s.addr && !slices.Equal(heard, numbers(s.next)) {
				t.Errorf("client %d heard %d of %d messages of its own server's %s", i, len(heard), s.next, s.name)
			}
		}
	}
}

// TestClusterChatsOnWithoutRedis: what is said in an outage reaches the server's own
// clients at once, and those of the other servers once Redis is back: all of it.
func TestClusterChatsOnWithoutRedis(t *testing.T) {
	redis := redistest.Start(t)
	a, ops := startOps(t, "--message-queue", redis.URL())
	b := startMember(t, redis)
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
	if got := opsGet(t, ops, "/readyz"); got.status != http.StatusServiceUnavailable || !strings.HasPrefix(got.body, "redis: ") {
		t.Errorf("readiness without Redis: %d %q", got.status, got.body)
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
	checkAnswer(t, ops, "/readyz", http.StatusOK, "ready")
	metrics := opsGet(t, ops, "/metrics").body
	for _, line := range []string{"hipflask_cluster_servers 2", "hipflask_cluster_reconnects_total 1", "hipflask_cluster_dropped_total 0",
		"hipflask_cluster_queue_bytes 0"} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

// TestClusterMembersDieUnderLoad kills a Hipflask process and a Node server while the
// others go on: nobody misses a message of those who live.
func TestClusterMembersDieUnderLoad(t *testing.T) {
	needNode(t)
	redis := redistest.Start(t)
	a, b := startMember(t, redis), startMember(t, redis)
	_, node := startNodeServer(t, redis)
	binary := buildServer(t)
	victim, process := startProcess(t, binary, redis)
	all := gather(t, 10, a.Addr, b.Addr)
	s, r := speak(t, "s", a.Addr), speak(t, "r", b.Addr)
	doomed := speak(t, "doomed", victim)
	lost := speak(t, "lost", node)
	for round := range 20 {
		if err := s.say(20); err != nil {
			t.Fatal(err)
		}
		if err := r.say(20); err != nil {
			t.Fatal(err)
		}
		_ = doomed.say(5) // it may be dead
		_ = lost.say(5)
		switch round {
		case 7:
			process.kill()
		case 12:
			_ = lost.send("1")
		}
	}
	all.awaits("s", s.last())
	all.awaits("r", r.last())
	for _, c := range all.clients {
		if got := c.of("s"); !slices.Equal(got, numbers(400)) {
			t.Errorf("heard %d of 400 messages, or in another order", len(got))
		}
		if got := c.of("r"); !slices.Equal(got, numbers(400)) {
			t.Errorf("heard %d of 400 messages, or in another order", len(got))
		}
		inOrder(t, c.of("doomed"))
		inOrder(t, c.of("lost"))
	}
	// One that starts anew takes part at once.
	again, _ := startProcess(t, binary, redis)
	newcomer := gather(t, 1, again)
	if err := s.say(1); err != nil {
		t.Fatal(err)
	}
	newcomer.awaits("s", s.last())
}

// killable is a server in a process of its own.
type killable struct{ kill func() }

func buildServer(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hipflask")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// startProcess starts the server as a process.
func startProcess(t *testing.T, binary string, redis *redistest.Server) (addr string, p killable) {
	t.Helper()
	cmd := exec.Command(binary, "--port", "0", "--message-queue", redis.URL())
	stderr := newOutput()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // killed, whatever else
	}()
	kill := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	t.Cleanup(kill)
	return stderr.waitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1], killable{kill}
}

// TestClusterForeignRubbish publishes what nobody understands on every channel.
func TestClusterForeignRubbish(t *testing.T) {
	redis := redistest.Start(t)
	ours := startMember(t, redis)
	c := joinCluster(t, ours.Addr)
	rubbish := []string{"", "{", "null", "[]", "{}", "\x80\x04.", "cos\nsystem\n(S'true'\ntR.", "\x93\x01\x02\x03", "\xdf\xff\xff\xff\xff",
		"\x94\xa9hipflask-\xc0\xcf\x00\x00\x00\x00", `{"type":7}`, `{"type":99,"uid":"x","requestId":"y"}`, `{"type":2,"opts":{"rooms":[[]]}}`,
		`{"method":"emit"}`, `{"method":"emit","event":"disconnect","data":[]}`, `{"method":5}`, strings.Repeat("[", 100_000)}
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
	c.hears(message("hello"))
	log := ours.Stderr.String()
	if n := strings.Count(log, "refused"); n == 0 || n > 10 {
		t.Errorf("%d lines about what was refused, want a few", n)
	}
	if strings.Contains(log, "panic") {
		t.Error("something panicked")
	}
}

// TestClusterRedisOutOfMemory: Redis publishes all the same, and says so to nobody.
func TestClusterRedisOutOfMemory(t *testing.T) {
	redis := redistest.Start(t, "--maxmemory-policy", "noeviction")
	a, b := startMember(t, redis), startMember(t, redis)
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
	redis := redistest.Start(t)
	slow := delayed(t, redis.Addr, 150*time.Millisecond)
	a := startServer(t, "--message-queue", "redis://"+slow)
	b := startServer(t, "--message-queue", "redis://"+slow)
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
	a, b := startMember(t, redis), startMember(t, redis)
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

// TestClusterConnectionsAreCut: when only the connections break, nothing is lost
// among those who were connected all the time.
func TestClusterConnectionsAreCut(t *testing.T) {
	redis := redistest.Start(t)
	a, b := startMember(t, redis), startMember(t, redis)
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

// delayed listens and passes on what comes to an address, and back, so much later.
func delayed(t *testing.T, addr string, delay time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var work sync.WaitGroup
	work.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				_ = in.Close()
				continue
			}
			mu.Lock()
			open = append(open, in, out)
			mu.Unlock()
			work.Go(func() { passLater(in, out, delay) })
			work.Go(func() { passLater(out, in, delay) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		work.Wait()
	})
	return l.Addr().String()
}

// passLater writes to out what comes from in, in order, each piece after the delay.
func passLater(in, out net.Conn, delay time.Duration) {
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
		time.Sleep(time.Until(p.due))
		_, _ = out.Write(p.data) // one that fails ends the reading as well
	}
	_ = in.Close()
	_ = out.Close()
}
