package cluster

import (
	"context"
	"encoding/binary"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks through Redis, and by it: whoever reaches it can publish anything, and it can freeze, cut
// and refuse. Each test names what it stops.

// metric reads one of the server's metrics.
func metric(t *testing.T, ops, name string) float64 {
	t.Helper()
	for line := range strings.Lines(harness.OpsGet(t, ops, "/metrics").Body) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// Attack: a Redis that hangs, with its connections open, while the server ends. It was 9.7 seconds,
// and 14.6 when the connections were being made anew, whatever
// --shutdown-timeout said.
func TestHardeningFrozenRedisHoldsUpNoShutdown(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send to another process")
	}
	binary := harness.Build(t)
	for name, reconnecting := range map[string]bool{"frozen": false, "frozen before": true} {
		t.Run(name, func(t *testing.T) {
			redis := redistest.Start(t)
			way := testkit.StartCutter(t, redis.Addr, false, nil)
			cmd, stdout, stderr := harness.PrepareProgram(t, binary, "--port", "0", "--shutdown-timeout", "1s", "--message-queue", "redis://"+way.Addr().String())
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			s := speak(t, "s", stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1])
			redis.Freeze()
			defer redis.Thaw()
			if reconnecting {
				way.Cut()
				stderr.WaitText(t, redisAway)
			}
			if err := s.say(3); err != nil {
				t.Fatal(err)
			}
			stdout.WaitText(t, "s.2")
			s.Cut()
			stderr.WaitText(t, "connection ended")
			began := time.Now()
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("ended with %v, want exit code 0", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("ended after %v, with --shutdown-timeout 1s", took)
			}
			given := regexp.MustCompile(`6 messages for other servers were given up.*--shutdown-timeout`)
			if n := len(given.FindAllString(stderr.String(), -1)); n != 1 {
				t.Errorf("%d lines say how many messages were given up, want 1:\n%s", n, testkit.Tail(stderr.String()))
			}
		})
	}
}

// Attack: more than Redis keeps for a subscriber that does not read. Redis cuts it; what it missed
// was logged as dropped=0, and nothing named the limit.
func TestHardeningCutSubscriberSaysWhatItMissed(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	redis.Do("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
	a := harness.StartMember(t, redis)
	cmd, _, stderr := harness.PrepareProgram(t, harness.Build(t), "--port", "0", "--ops-addr", "0", "--message-queue", redis.URL())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed with the test
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	ops := stderr.WaitMatch(t, harness.OpsAddress)[1]
	there := gather(t, 1, stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1])
	s := joinCluster(t, a.Addr)
	const before, most, size = 10, 3000, 10_000 // most is more than all buffers on the way hold
	say := func(from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			text := testkit.Message(fmt.Sprintf("s.%d-%s", n, strings.Repeat("x", size)))
			s.says(text)
			s.hears(text)
		}
	}
	last := func(n int) string { return fmt.Sprintf("%d-%s", n, strings.Repeat("x", size)) }
	say(0, before)
	there.awaits("s", last(before-1))
	testkit.Freeze(t, cmd.Process)
	said := before
	for said < before+most && redis.Subscribers("socket.io-request#/#") > 1 { // until it is cut: its client hears nothing meanwhile, and waits
		say(said, said+10)
		said += 10
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	const setting = `client-output-buffer-limit pubsub`
	stderr.WaitFor(t, "line about the cut", 2*testkit.Deadline, func(text string) bool {
		return regexp.MustCompile(`level=WARN msg="Redis is back: it had cut the subscription.* missed=unknown redis_setting="` + setting).MatchString(text)
	})
	say(said, said+1)
	there.awaits("s", last(said))
	missed := said + 1 - len(there.clients[0].of("s"))
	if missed <= 0 {
		t.Fatal("nothing was missed: the test needs more messages")
	}
	stderr.WaitFor(t, "the number that was missed", 2*testkit.Deadline, func(text string) bool {
		return strings.Contains(text, fmt.Sprintf(`level=WARN msg="broadcasts of other Hipflask servers never came" missed=%d redis_setting="%s"`, missed, setting))
	})
	if n := metric(t, ops, "hipflask_cluster_missed_total"); n != float64(missed) {
		t.Errorf("the metric says %v, want %d", n, missed)
	}
}

// Attack: a message that is larger than Redis takes. It was published again for ever, and
// everything behind it waited.
func TestHardeningMessageThatRedisRefuses(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--proto-max-bulk-len", "1mb")
	a, ops := harness.StartOps(t, "--message-queue", redis.URL(), "--max-http-buffer-size", "4000000")
	b := harness.StartMember(t, redis)
	here, there := joinCluster(t, a.Addr), joinCluster(t, b.Addr)
	large := testkit.Message(strings.Repeat("x", 2<<20))
	here.says(testkit.Message("before"), large, testkit.Message("between"), large, testkit.Message("after"))
	here.hears(testkit.Message("before"), large, testkit.Message("between"), large, testkit.Message("after"))
	there.hears(testkit.Message("before"), testkit.Message("between"), testkit.Message("after"))
	a.Stderr.WaitFor(t, "line about the message", testkit.Deadline, func(text string) bool {
		return strings.Contains(text, "message given up") && strings.Contains(text, "proto-max-bulk-len")
	})
	awaitLog(t, a, "message given up", 1)
	if n := metric(t, ops, "hipflask_cluster_dropped_total"); n < 2 || n > 4 { // the last is for Python's queue
		t.Errorf("%v messages count as dropped", n)
	}
}

// heardOnRedis returns the next message on a channel.
func heardOnRedis(t *testing.T, redis *redistest.Server, channel string, say func()) []byte {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: redis.Addr})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
	defer cancel()
	sub := client.Subscribe(ctx, channel)
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	say()
	m, err := sub.ReceiveMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(m.Payload)
}

// Attack: a broadcast with the number 2^64-1 in a server's name, after which all that it really
// says looked like repetitions; and one with each of its next numbers.
func TestHardeningForgedNumbers(t *testing.T) {
	redis := redistest.Start(t)
	a := harness.StartMember(t, redis)
	b, ops := harness.StartOps(t, "--message-queue", redis.URL())
	here, there := joinCluster(t, a.Addr), joinCluster(t, b.Addr)
	says := func(text string) {
		t.Helper()
		here.says(testkit.Message(text))
		here.hears(testkit.Message(text))
	}
	seen := heardOnRedis(t, redis, "socket.io#/#", func() { says("hello") })
	there.hears(testkit.Message("hello"))
	forge := func(n uint64) {
		t.Helper()
		binary.BigEndian.PutUint64(seen[len(seen)-8:], n)
		redis.Publish("socket.io#/#", seen)
		there.hears(testkit.Message("hello"))
	}
	next := binary.BigEndian.Uint64(seen[len(seen)-8:]) + 1
	for i, n := range []uint64{next, next + 1, next + 5, next + 4000, 1 << 40, 1<<64 - 2, 1<<64 - 1, 0} {
		forge(n)
		says(fmt.Sprint("after ", i))
		there.hears(testkit.Message(fmt.Sprint("after ", i)))
	}
	if n := metric(t, ops, "hipflask_cluster_missed_total"); n > 1<<40 {
		t.Errorf("%v messages count as missed", n)
	}
}

// Attack: lists of 100,000 rooms, on Node's channels and on Flask's queue, in every place that
// takes a list. They were compared under the namespace's lock, for each client anew, and all
// clients waited for many seconds.
func TestHardeningEndlessLists(t *testing.T) {
	redis := redistest.Start(t)
	redis.Do("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0") // so that all of it comes
	ours, ops := harness.StartOps(t, "--message-queue", redis.URL())
	gather(t, 300, ours.Addr) // who is compared
	talker := joinCluster(t, ours.Addr)
	const many = 100_000
	names := make([]string, many)
	packed := binary.BigEndian.AppendUint32([]byte{0xdd}, many) // msgpack: an array 32, of fixstr
	for i := range names {
		names[i] = fmt.Sprintf("room%d", i)
		packed = append(append(packed, 0xa0|byte(len(names[i]))), names[i]...)
	}
	list := `["` + strings.Join(names, `","`) + `"]`
	node := func(rooms, except []byte) string {
		return "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa7message\xa4many\xa3nsp\xa1/\x83\xa5rooms" + string(rooms) +
			"\xa6except" + string(except) + "\xa5flags\x80"
	}
	none := []byte{0x90}
	taken := []struct{ channel, payload string }{
		{"socket.io#/#", node(packed, none)},
		{"socket.io#/#", node(none, packed)},
		{"flask-socketio", `{"method":"emit","event":"message","data":["many"],"room":` + list + `,"host_id":"x"}`},
		{"flask-socketio", `{"method":"emit","event":"message","data":["many"],"skip_sid":` + list + `,"host_id":"x"}`},
		{"socket.io-request#/#", `{"type":0,"requestId":"r","rooms":` + list + `}`},
		{"socket.io-request#/#", `{"type":5,"uid":"u","requestId":"r","opts":{"except":` + list + `}}`},
		{"socket.io-request#/#", `{"type":4,"uid":"u","opts":{"rooms":` + list + `},"close":true}`},
	}
	refused := []string{
		`{"type":2,"uid":"u","opts":{"rooms":[],"except":[]},"rooms":` + list + `}`,
		`{"type":3,"uid":"u","opts":{"rooms":[],"except":[]},"rooms":` + list + `}`,
	}
	for _, m := range taken {
		redis.Publish(m.channel, m.payload)
	}
	for _, m := range refused {
		redis.Publish("socket.io-request#/#", m)
	}
	var longest time.Duration
	start := time.Now()
	for n := 0; metric(t, ops, "hipflask_cluster_refused_total") < float64(len(refused)); n++ {
		began := time.Now()
		if began.Sub(start) > 6*testkit.Deadline {
			t.Fatalf("not all was handled after %v", 6*testkit.Deadline)
		}
		talker.says(testkit.Message(fmt.Sprint(n)))
		for {
			got, err := talker.Next()
			if err != nil {
				t.Fatal(err)
			}
			if got == testkit.Message(fmt.Sprint(n)) {
				break
			} else if got != testkit.Message("many") {
				t.Fatalf("received %.100q", got)
			}
		}
		longest = max(longest, time.Since(began))
	}
	t.Logf("nobody waited longer than %v", longest)
	if longest > 3*time.Second {
		t.Errorf("a client waited %v for its own message", longest)
	}
	if n := metric(t, ops, "hipflask_cluster_refused_total"); n != float64(len(refused)) {
		t.Errorf("%v messages were refused, want %d", n, len(refused))
	}
	ours.Stderr.WaitText(t, "rooms to join or leave") // the limit
}

// Attack: ids that every answer repeats, and names of channels that every log line does.
func TestHardeningLongNamesOnRedis(t *testing.T) {
	redis := redistest.Start(t)
	ours, ops := harness.StartOps(t, "--message-queue", redis.URL())
	joinCluster(t, ours.Addr)
	long := strings.Repeat("x", 1<<20)
	for _, m := range []string{
		`{"type":1,"uid":"` + long + `","requestId":"r"}`,
		`{"type":1,"uid":"u","requestId":"` + long + `"}`,
		`{"type":7,"uid":"u","requestId":"` + long + `","opts":{"rooms":[],"except":[]},"packet":{"type":2,"nsp":"/","data":["message"]}}`,
	} {
		redis.Publish("socket.io-request#/#", m)
	}
	for _, m := range []string{
		`{"method":"emit","event":"message","data":["x"],"callback":["` + long + `","/",1],"host_id":"x"}`,
		`{"method":"emit","event":"message","data":["x"],"callback":["s","/",1],"host_id":"` + long + `"}`,
	} {
		redis.Publish("flask-socketio", m)
	}
	redis.Publish("socket.io#"+long, "rubbish")
	harness.AwaitMetrics(t, ops, map[string]float64{"hipflask_cluster_refused_total": 6})
	if n := metric(t, ops, "hipflask_cluster_published_total"); n != 0 {
		t.Errorf("%v messages were published in answer", n)
	}
	if log := ours.Stderr.String(); strings.Contains(log, long[:1000]) {
		t.Error("the log repeats a name of any length")
	}
}

// Attack: a subscription that is cut as soon as it stands, again and again: it was opened anew at
// full speed.
func TestHardeningSubscriptionThatIsCutAgainAndAgain(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	ours := harness.StartMember(t, redis)
	began := time.Now()
	const cuts = 8
	for n := range cuts {
		for redis.Do("CLIENT", "KILL", "TYPE", "pubsub") == int64(0) {
			time.Sleep(time.Millisecond) // Redis tells nobody
		}
		awaitLog(t, ours, redisBack, n+1)
	}
	// The pauses are at least half of 50, 100, 200, 400, 800, 1000, 1000, 1000 ms.
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("%d connections within %v", cuts, took)
	}
}
