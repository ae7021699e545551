//go:build unix

package cluster

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

const rooms = 10

// counters are clients behind nginx, which hands each request to the next of several servers, and a
// server apart that counts for them.
type counters struct {
	t       *testing.T
	redis   *redistest.Server
	servers []*process
	clients *testkit.Script
	count   int

	stop chan struct{} // ends the counting
	done sync.WaitGroup
	sent int // numbers so far, once it is done
}

// startCrowd starts them. What is counted is emitted every few milliseconds until end.
func startCrowd(t *testing.T, redis *redistest.Server, count, servers int) *counters {
	t.Helper()
	c := &counters{t: t, redis: redis, count: count, stop: make(chan struct{})}
	var addrs []string
	for range servers {
		port := testkit.FreePort(t)
		addrs = append(addrs, "127.0.0.1:"+port)
		c.servers = append(c.servers, startCountingServer(t, redis, port))
	}
	addr := roundRobin(t, addrs...)
	var io *socketio.Server
	harness.StartApp(t, func(app *hipflask.App) error {
		io = app.SocketIO
		return countingApp(app)
	}, "--message-queue", redis.URL(), "--cluster-adapter", "redis-streams", "--recovery", "1m")
	c.clients = testkit.StartScript(t, "counting.mjs", testkit.ScriptConfig{URL: "http://" + addr,
		Client: "socket.io-client", Mode: "default", Count: count})
	c.clients.Await(t, "counting", "joined")
	c.done.Go(func() { c.talk(io) })
	return c
}

// talk counts for everybody and for each room, until it is stopped.
func (c *counters) talk(io *socketio.Server) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	emit := func(n int) {
		err := io.Emit("all", n)
		for room := 0; room < rooms && err == nil; room++ {
			if n == -1 || n%rooms == room {
				err = io.To(fmt.Sprint("room", room)).Emit("room", number(n))
			}
		}
		if err != nil {
			c.t.Error(err)
		}
	}
	for n := 0; ; n++ {
		select {
		case <-tick.C:
			emit(n)
		case <-c.stop:
			emit(-1)
			c.sent = n
			return
		}
	}
}

// number is what a room is sent that hears every tenth.
func number(n int) int {
	if n < 0 {
		return n
	}
	return n / rooms
}

// state is what counting.mjs reports. Fresh are the clients that began anew, once or more often.
type state struct {
	Recovered, Fresh, Connected, Heard, Wrong int
	Faults                                    []string
}

// await waits for a state of the clients that they report after it was called.
func (c *counters) await(what string, is func(state) bool) {
	c.t.Helper()
	reported := strings.Count(c.clients.Stdout.String(), "\n")
	c.clients.Stdout.WaitFor(c.t, what, testkit.Deadline, func(text string) bool {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		var s state
		return len(lines) > reported+1 && json.Unmarshal([]byte(lines[len(lines)-1]), &s) == nil && is(s)
	})
}

// awaitConnected waits until all clients are connected again, as many as have come back since.
func (c *counters) awaitConnected() {
	c.t.Helper()
	c.await("return of all clients", func(s state) bool { return s.Connected == c.count })
}

// finish ends the counting and returns what the clients have seen.
func (c *counters) finish() state {
	c.t.Helper()
	c.awaitConnected()
	close(c.stop)
	c.done.Wait()
	all := c.clients.Finish(c.t)
	var s state
	all[len(all)-1].Decode(c.t, &s)
	c.t.Logf("%d clients, %d numbers: %+v", c.count, c.sent, s)
	if s.Wrong > 0 {
		c.t.Errorf("%d numbers were lost, came twice or out of order: %q", s.Wrong, s.Faults)
	}
	return s
}

// TestClusterRecoveryRollingRestart restarts servers behind nginx one after another, as a rolling
// restart does and as kill -9 does: every client comes back to its session, whichever server it
// comes to, and hears everything once and in order.
func TestClusterRecoveryRollingRestart(t *testing.T) {
	for name, how := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "kill -9": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			c := startCrowd(t, redistest.Start(t), 60, 3)
			for _, s := range c.servers {
				s.restart(how)
				c.awaitConnected()
			}
			if s := c.finish(); s.Fresh > 0 || s.Recovered < c.count {
				t.Errorf("%d clients came back to their sessions, %d did not", s.Recovered, s.Fresh)
			}
		})
	}
}

// TestClusterRecoveryThroughTrouble restarts and kills servers while Redis is frozen, cut off and
// restarted, which keeps what it has. A client that is told that it came back to its session has
// heard everything, once and in order; one that began anew knows it.
func TestClusterRecoveryThroughTrouble(t *testing.T) {
	redis := redistest.StartLasting(t)
	c := startCrowd(t, redis, 120, 3)
	for i, trouble := range []func(){
		func() { // Redis stands still while a server dies and its clients come to the others
			redis.Freeze()
			c.servers[0].end(syscall.SIGKILL)
			time.Sleep(300 * time.Millisecond) // the trouble lasts: clients come back in it
			redis.Thaw()
			c.servers[0].start()
		},
		func() { // everybody's connections to Redis break
			redis.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			redis.Do("CLIENT", "KILL", "TYPE", "pubsub")
			c.servers[1].restart(syscall.SIGTERM)
		},
		func() { // Redis is restarted
			redis.Kill()
			c.servers[2].end(syscall.SIGKILL)
			redis.Restart()
			c.servers[2].start()
		},
		func() { // two at once
			c.servers[0].end(syscall.SIGKILL)
			c.servers[1].restart(syscall.SIGTERM)
			c.servers[0].start()
		},
	} {
		trouble()
		c.awaitConnected()
		t.Logf("trouble %d is over", i+1)
	}
	if s := c.finish(); s.Recovered == 0 {
		t.Error("nobody came back to a session")
	}
}

// TestClusterRecoveryAfterRedisLostItsMemory has Redis forget everything: the clients that come
// back are new ones and know it, and go on from there.
func TestClusterRecoveryAfterRedisLostItsMemory(t *testing.T) {
	for name, forget := range map[string]func(*redistest.Server){
		"FLUSHALL": func(r *redistest.Server) { r.Do("FLUSHALL") },
		"restart":  func(r *redistest.Server) { r.Kill(); r.Restart() },
	} {
		t.Run(name, func(t *testing.T) {
			redis := redistest.Start(t)
			c := startCrowd(t, redis, 30, 3)
			c.awaitConnected() // there is something to forget
			forget(redis)
			c.servers[0].restart(syscall.SIGKILL)
			for _, s := range c.servers[1:] { // before the end, of which it would cut clients off
				s.stderr.WaitText(t, "who have to connect anew")
			}
			c.await("new beginning of all clients", func(s state) bool { return s.Fresh == c.count })
			c.finish()
		})
	}
}
