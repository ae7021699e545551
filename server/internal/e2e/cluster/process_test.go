//go:build unix

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"
	"testing"
	"time"

	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// processArgs is the variable in which a process of this test finds the server's arguments.
const processArgs = "HIPFLASK_TEST_SERVER"

// TestServerProcess is no test: it is the server that startCountingServer starts, as a process of
// its own that can be killed.
func TestServerProcess(t *testing.T) {
	var args []string
	if text := os.Getenv(processArgs); text == "" || json.Unmarshal([]byte(text), &args) != nil {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := hipflask.Run(ctx, args, func(string) string { return "" }, os.Stdout, os.Stderr, countingApp); err != nil {
		t.Fatal(err)
	}
}

// countingApp is what counting.mjs talks to.
func countingApp(app *hipflask.App) error {
	return errors.Join(
		app.SocketIO.On("rooms", func(c *socketio.Context) ([]string, any) { return c.Rooms(), c.Data("client") }),
		app.SocketIO.On("join", func(c *socketio.Context, room string, client int) {
			c.SetData("client", client)
			c.Join(room)
		}),
	)
}

// process is a server that can be killed.
type process struct {
	t      *testing.T
	args   []string
	cmd    *exec.Cmd
	stderr *testkit.Output
	ended  chan struct{}
}

// startCountingServer starts a server of a cluster with a stream, on a port. Its heartbeat is a
// quick one: npm's client stops polling for an upgrade, and if the WebSocket breaks then, as it
// does when the server dies that it goes through, it neither polls again nor notices that before it
// misses a ping.
func startCountingServer(t *testing.T, redis *redistest.Server, port string, args ...string) *process {
	t.Helper()
	p := &process{t: t, args: append([]string{"--port", port, "--message-queue", redis.URL(), "--cluster-adapter", "redis-streams",
		"--recovery", "1m", "--shutdown-timeout", "5s", "--ping-interval", "4s", "--ping-timeout", "4s"}, args...)}
	p.start()
	return p
}

func (p *process) start() {
	p.t.Helper()
	text, err := json.Marshal(p.args)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*testkit.ScriptDeadline)
	p.cmd = exec.CommandContext(ctx, os.Args[0], "-test.run=^TestServerProcess$")
	p.cmd.Env = append(os.Environ(), processArgs+"="+string(text))
	p.stderr, p.ended = testkit.NewOutput(), make(chan struct{})
	p.cmd.Stderr = p.stderr
	if err := p.cmd.Start(); err != nil {
		cancel()
		p.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, stderr *testkit.Output, ended chan struct{}) {
		defer close(ended)
		_ = cmd.Wait() // killed, or told to end
		stderr.End()
	}(p.cmd, p.stderr, p.ended)
	p.t.Cleanup(func() {
		cancel()
		<-p.ended
		if p.t.Failed() {
			p.t.Logf("the log of the server with %q:\n%s", p.args[:2], testkit.Tail(p.stderr.String()))
		}
	})
	p.stderr.WaitMatch(p.t, regexp.MustCompile(`url=http://\S+`))
}

// end ends the server with a signal, and waits until it is gone.
func (p *process) end(how os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(how); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(testkit.Deadline):
		p.t.Fatalf("the server did not end within %v of %v", testkit.Deadline, how)
	}
}

// restart ends the server with a signal and starts another one in its place.
func (p *process) restart(how os.Signal) {
	p.t.Helper()
	p.end(how)
	p.start()
}
