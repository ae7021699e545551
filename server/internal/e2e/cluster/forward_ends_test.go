package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// What ends, or stands still, while requests are passed on.

// active is the gauge of requests that a server has passed on and are under way.
const active = "hipflask_cluster_forwarded_active"

// polling is a poll that waits.
func polling(t *testing.T, p *testkit.Poller) (answered <-chan testkit.Answer, leave func()) {
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan testkit.Answer, 1)
	go func() {
		defer close(answers)
		resp, err := p.Client.Do(req)
		if err != nil {
			return // left, or refused: whoever awaits an answer sees that there is none
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err == nil {
			answers <- testkit.Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(body)}
		}
	}()
	return answers, leave
}

// A client that leaves while it polls has left at once.
func TestClusterForwardedClientLeaves(t *testing.T) {
	redis := redistest.Start(t)
	a := harness.StartMember(t, redis)
	b, ops := harness.StartOps(t, "--message-queue", redis.URL())
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	_, leave := polling(t, p)
	harness.AwaitMetrics(t, ops, map[string]float64{active: 1})
	leave()
	a.Stdout.WaitLines(t, "Client disconnected", 1)
	harness.AwaitMetrics(t, ops, map[string]float64{active: 0, `hipflask_cluster_forwarded_total{result="left"}`: 1})
}

// One whose first server ends has not: its poll is answered with nothing, and it asks another.
func TestClusterForwardedFirstServerEnds(t *testing.T) {
	redis := redistest.Start(t)
	a, c := harness.StartMember(t, redis), harness.StartMember(t, redis)
	b, ops := harness.StartOps(t, "--message-queue", redis.URL())
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	answers, _ := polling(t, p)
	harness.AwaitMetrics(t, ops, map[string]float64{active: 1})
	b.End()
	if got := <-answers; got.Status != http.StatusOK || got.Body != "6" {
		t.Errorf("the poll was answered %v, want a noop", got)
	}
	by(p, c.Addr).Chats("by another one")
	if strings.Contains(b.Stderr.String(), "not everything ended in time") {
		t.Error("the end was held up")
	}
}

// A server that drains answers what others pass on, and takes its address back.
func TestClusterForwardedToServerThatEnds(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis, "--server-id", "a"), harness.StartMember(t, redis)
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	answers, _ := polling(t, p)
	b.Stderr.WaitText(t, "reach this one")
	a.End()
	if got := <-answers; got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "shutting down") {
		t.Errorf("the poll was answered %v", got)
	}
	if keys := fmt.Sprint(redis.Do("KEYS", "socket.io:server:a.*")); keys != "[]" {
		t.Errorf("Redis still has %s", keys)
	}
	p.Unknown()
}

// hearer is a client that polls all the time.
type hearer struct {
	server string // that has its session, as --server-id names it
	heard  []string
	err    error
}

// Of three servers one is killed: only its own clients have to come back.
func TestClusterForwardedServerIsKilled(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	binary := harness.Build(t)
	var addrs []string
	var processes []killable
	for _, id := range []string{"a", "b", "c"} {
		addr, p := startProcess(t, binary, redis, "--trusted-proxies", "127.0.0.1", "--server-id", id)
		addrs, processes = append(addrs, addr), append(processes, p)
	}
	addr := roundRobin(t, addrs...)
	h := testkit.LoadHTTP(t)
	const clients, before, after = 30, 20, 40
	var all [clients]hearer
	var hearing sync.WaitGroup
	for i := range all {
		c, err := testkit.JoinLoadClient(addr, 4, "polling", h)
		if err != nil {
			t.Fatal(err)
		}
		all[i].server, _, _ = strings.Cut(c.SID, ".")
		hearing.Go(func() {
			for len(all[i].heard) < before+after && all[i].err == nil {
				var said string
				if said, all[i].err = c.Next(); all[i].err == nil {
					all[i].heard = append(all[i].heard, said)
				}
			}
		})
	}
	s := joinCluster(t, addrs[0])
	var said []string
	say := func(n int) {
		for range n {
			text := testkit.Message(fmt.Sprint("number ", len(said)))
			said = append(said, text)
			s.says(text)
			s.hears(text)
		}
	}
	say(before)
	processes[2].kill()
	say(after)
	hearing.Wait()
	owners := make(map[string]int)
	for i, c := range all {
		owners[c.server]++
		switch {
		case c.server == "c":
			if c.err == nil || !strings.Contains(c.err.Error(), "Session ID unknown") {
				t.Errorf("client %d, of the server that was killed: %v", i, c.err)
			}
		case c.err != nil:
			t.Errorf("client %d, of %s: after %d messages: %v", i, c.server, len(c.heard), c.err)
		default:
			testkit.CompareLines(t, c.heard, said)
		}
	}
	if len(owners) != 3 {
		t.Errorf("the clients were spread as %v", owners)
	}
	for _, p := range processes[:2] {
		if strings.Contains(p.stderr.String(), "level=ERROR") {
			t.Errorf("the log:\n%s", testkit.Tail(p.stderr.String()))
		}
	}
}

// Servers are restarted one after another behind plain round robin: each client comes back without
// a failure, and what it has sent and asks to be acknowledged is not lost.
func TestClusterForwardedRollingRestart(t *testing.T) {
	testkit.NeedNode(t)
	redis := redistest.Start(t)
	ports := [2]string{testkit.FreePort(t), testkit.FreePort(t)}
	addr := roundRobin(t, "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1])
	r := startRolling(t, "http://"+addr, "", ports, "--message-queue", redis.URL())
	for range 2 {
		r.restart(0)
		r.restart(1)
	}
	for _, f := range r.finish() {
		for _, reason := range f.Reasons {
			if !testkit.IsRestart(f.Mode, reason) {
				t.Errorf("client %d, %s: disconnected for %q", f.Who, f.Mode, f.Reasons)
			}
		}
		if len(f.Failures) > 0 {
			t.Errorf("client %d, %s: failed to connect: %q", f.Who, f.Mode, f.Failures)
		}
	}
}

// A server that is frozen costs another one a bounded number of requests, for a bounded time.
func TestClusterForwardedServerIsFrozen(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	addr, process := startProcess(t, harness.Build(t), redis)
	b, ops := harness.StartOps(t, "--message-queue", redis.URL(), "--max-open-connections", "48",
		"--ping-interval", "1s", "--ping-timeout", "1s", "--read-body-timeout", "1s")
	p := by(testkit.JoinPolling(t, addr, 4), b.Addr)
	p.Chats("before")
	testkit.Freeze(t, process.cmd.Process)
	const most, more = 16, 4 // a third of the connections
	var polls []<-chan testkit.Answer
	for range most {
		answers, _ := polling(t, p)
		polls = append(polls, answers)
	}
	harness.AwaitMetrics(t, ops, map[string]float64{active: most})
	for range more {
		if got := p.Get(nil); got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Errorf("one too many is answered %v", got)
		}
	}
	testkit.JoinPolling(t, b.Addr, 4).Chats("meanwhile")
	for _, answers := range polls {
		if got := <-answers; got.Status != http.StatusGatewayTimeout {
			t.Errorf("a poll is answered %v", got)
		}
	}
	harness.AwaitMetrics(t, ops, map[string]float64{active: 0, `hipflask_cluster_forwarded_total{result="late"}`: most,
		`hipflask_cluster_forwarded_total{result="refused"}`: more})
	harness.CheckLogged(t, b, "--max-open-connections")
	if err := process.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	by(testkit.JoinPolling(t, addr, 4), b.Addr).Chats("after")
}

// While Redis is away, a server that is known is still asked, and one that is not is not waited
// for.
func TestClusterForwardedWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis, "--message-queue-optional"), harness.StartMember(t, redis, "--message-queue-optional")
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	p.Chats("before")
	redis.Freeze()
	b.Stderr.WaitText(t, "cannot be told where this one listens") // it has tried to look again
	p.Chats("while Redis is frozen")
	begun := time.Now()
	testkit.CheckRefusal(t, testkit.Ask(t, b.Addr, http.MethodGet, testkit.PollingPath+"&sid=ABCDEFGHIJ.x", nil, ""), 1)
	if took := time.Since(begun); took > testkit.Deadline/2 {
		t.Errorf("an unknown server was looked for for %v", took)
	}
	redis.Kill()
	p.Chats("while there is no Redis")
	redis.Restart()
	b.Stderr.WaitText(t, "know again where this one listens")
	p.Chats("after it has lost its memory")
}

// Two servers have one --server-id: the log says so, and their clients do not suffer.
func TestClusterTwoServersWithOneID(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis, "--server-id", "web"), harness.StartMember(t, redis, "--server-id", "web")
	c := harness.StartMember(t, redis)
	of := []*testkit.Poller{testkit.JoinPolling(t, a.Addr, 4), testkit.JoinPolling(t, b.Addr, 4)}
	for _, server := range []*harness.Server{c, a, b} {
		for _, p := range of {
			by(p, server.Addr).Chats("by " + server.Addr)
		}
	}
	for _, s := range []*harness.Server{a, b} {
		s.Stderr.WaitText(t, `level=ERROR msg="another server has the same id: each needs one of its own"`)
	}
}
