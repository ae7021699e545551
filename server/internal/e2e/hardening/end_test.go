package hardening

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// What holds up the end of the process. --shutdown-timeout bounds each, and whatever hangs leaves
// time for what comes after it.

// endWithin is what an end that is given a second or two has, on a busy machine. What is not
// bounded takes ten seconds, or for ever.
const endWithin = 8 * time.Second

// holdsUp is something that the end of the server waits for.
type holdsUp struct {
	args   []string
	env    map[string]string
	stdout io.Writer // nil: one that is read
	// register registers more than the chat's handlers; nil: nothing more.
	register func(app *hipflask.App) error
	redis    bool // a server of Redis' is its message queue
	// hold makes the server wait.
	hold func(t *testing.T, server *endServer)
	// log is what the log says of it; empty: nothing was cut.
	log string
}

// Attack: anything that keeps SIGTERM from ending the process.
func TestHardeningEndIsBounded(t *testing.T) {
	hang := make(chan struct{}) // closed with the test
	t.Cleanup(func() { close(hang) })
	forever := func() { <-hang }
	on := func(event string, fn any) func(*hipflask.App) error {
		return func(app *hipflask.App) error { return app.SocketIO.On(event, fn) }
	}
	for name, c := range map[string]holdsUp{
		"a handshake whose answer is not read": {args: append(hugeAnswer(), "--shutdown-timeout", "6s"), hold: unreadHandshake},
		"a handler that hangs": {register: on("hang", func(c *socketio.Context) {
			_ = c.Emit("message", "hangs") // an error shows by its absence
			forever()
		}), hold: callHang, log: "clients and their handlers"},
		"a background task that hangs": {register: func(app *hipflask.App) error {
			app.SocketIO.Go(func(context.Context) { forever() })
			return nil
		}, log: "clients and their handlers"},
		"a request whose body never ends": {hold: endlessBody, log: "requests"},
		"a response that is not read":     {hold: unreadResponse, log: "requests"},
		"a stdout that is not read":       {stdout: unread(hang), hold: chatter, log: "lines on stdout"},
		"a profile under way":             {args: []string{"--ops-addr", "0", "--ops-pprof"}, hold: longProfile},
		"a systemd that does not read":    {env: deafSystemd(t), log: ""},
		"a client that left in the middle of its upgrade": {
			args: []string{"--shutdown-timeout", "4s"}, hold: leftInUpgrade}, // is given a second, and others five

		"a Redis that hangs": {redis: true, hold: frozenRedis, log: "messages for other servers"},
		"a handler of another server's event": {redis: true, register: func(app *hipflask.App) error {
			app.SocketIO.OnServers("hang", func([]socketio.Value) (any, error) { forever(); return nil, nil })
			return nil
		}, hold: serverEvent, log: "messages for other servers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := c.start(t)
			if c.hold != nil {
				c.hold(t, server)
			}
			server.Cancel()
			select {
			case <-server.Done:
			case <-time.After(endWithin):
				t.Fatalf("the server has not ended after %v", endWithin)
			}
			log := server.Stderr.String()
			if cut := strings.Contains(log, "not everything ended in time"); cut != (c.log != "") || !strings.Contains(log, c.log) {
				t.Errorf("the log is to tell of %q that did not end, and of nothing else", c.log)
			}
		})
	}
}

// endServer is the server of a case.
type endServer struct {
	harness.Server
	redis *redistest.Server // nil unless the case wants it
}

// Attack: a client that never reads the answer to its handshake. It no longer counts towards
// --max-connections, and is counted as refused.
func TestHardeningUnreadHandshake(t *testing.T) {
	t.Parallel()
	server, ops := harness.StartOps(t, append(hugeAnswer(), "--max-connections", "1")...)
	unreadHandshake(t, &endServer{Server: *server})
	harness.AwaitMetrics(t, ops, map[string]float64{`hipflask_refusals_total{cause="unread handshake"}`: 1})
	harness.LogLine(t, server, "does not read the answer to the handshake")
	testkit.OpenWebSocket(t, server.Addr, "/").Send("a plain client is admitted, without a cookie")
	server.Stdout.WaitText(t, "a plain client is admitted")
}

// start runs the server of a case, which ends with the test if it can.
func (c *holdsUp) start(t *testing.T) *endServer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &endServer{Server: harness.Server{Stdout: testkit.NewOutput(), Stderr: testkit.NewOutput(), T: t, Cancel: cancel, Done: make(chan struct{})}}
	t.Cleanup(cancel)
	var stdout io.Writer = s.Stdout
	if c.stdout != nil {
		stdout = c.stdout
	}
	register := func(app *hipflask.App) error {
		if c.register != nil {
			if err := c.register(app); err != nil {
				return err
			}
		}
		return handlers.Register(app)
	}
	args := append([]string{"--port", "0", "--shutdown-timeout", "2s"}, c.args...)
	if c.redis {
		s.redis = redistest.Start(t)
		args = append(args, "--message-queue", s.redis.URL())
	}
	go func() {
		defer close(s.Done)
		s.Err = hipflask.Run(ctx, args, func(name string) string { return c.env[name] }, stdout, s.Stderr, register)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log:\n%s", testkit.Tail(s.Stderr.String()))
		}
	})
	address := s.Stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))
	s.Addr = address[1]
	return s
}

// hugeAnswer makes the answer to a handshake larger than all buffers on its way: an attacker leaves
// many responses before it unread.
func hugeAnswer() []string { return []string{"--cookie", strings.Repeat("c", 16<<20)} }

func unreadHandshake(t *testing.T, server *endServer) {
	conn := dialSmall(t, server.Addr)
	if _, err := io.WriteString(conn, testkit.UpgradeRequest(server.Addr, testkit.WebSocketPath, nil)); err != nil {
		t.Fatal(err)
	}
	var first [1]byte
	_ = conn.SetReadDeadline(time.Now().Add(testkit.Deadline))
	if _, err := io.ReadFull(conn, first[:]); err != nil {
		t.Fatal(err)
	}
}

// dialSmall connects with a small buffer for what is received.
func dialSmall(t *testing.T, addr string) net.Conn {
	t.Helper()
	small := net.Dialer{Timeout: testkit.Deadline, Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048)
		}), err)
	}}
	conn, err := small.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func callHang(t *testing.T, server *endServer) {
	c := testkit.JoinWebSocket(t, server.Addr)
	c.Send(`42["hang"]`)
	c.Awaits(testkit.Message("hangs"))
}

func endlessBody(t *testing.T, server *endServer) {
	p := testkit.JoinPolling(t, server.Addr, 4)
	testkit.BeginRequest(t, server.Addr, "POST "+strings.TrimPrefix(p.URL, "http://"+server.Addr)+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4")
}

func unreadResponse(t *testing.T, server *endServer) {
	conn := dialSmall(t, server.Addr)
	// Once the server is blocked it takes no more requests.
	for err := error(nil); err == nil; {
		_ = conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		_, err = io.WriteString(conn, strings.Repeat("GET /socket.io/socket.io.js HTTP/1.1\r\nHost: x\r\n\r\n", 100))
	}
}

// unread is a stdout that nobody reads until the channel is closed.
type unread <-chan struct{}

func (u unread) Write(p []byte) (int, error) {
	<-u
	return len(p), nil
}

func chatter(t *testing.T, server *endServer) { testkit.JoinWebSocket(t, server.Addr).Chats("a line") }

func longProfile(t *testing.T, server *endServer) {
	testkit.BeginRequest(t, server.Stderr.WaitMatch(t, harness.OpsAddress)[1], "GET /debug/pprof/trace?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n")
}

// deafSystemd is a socket whose queue is full.
func deafSystemd(t *testing.T) map[string]string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conn, err := net.Dial("unixgram", name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for err = nil; err == nil; _, err = conn.Write([]byte("full")) {
		_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	}
	return map[string]string{"NOTIFY_SOCKET": name}
}

// leftInUpgrade leaves after the probe's answer, when the polls have ended.
func leftInUpgrade(t *testing.T, server *endServer) {
	p := testkit.JoinPolling(t, server.Addr, 4)
	c := p.Probed()
	_ = c.Close()
	p.Client.CloseIdleConnections()
}

func frozenRedis(t *testing.T, server *endServer) {
	server.redis.Freeze()
	testkit.JoinWebSocket(t, server.Addr).Chats("for the other servers")
}

func serverEvent(t *testing.T, server *endServer) {
	server.redis.AwaitSubscribers("socket.io-request#/#", 1)
	server.redis.Publish("socket.io-request#/#", `{"uid":"u","type":6,"data":["hang"]}`)
	testkit.JoinWebSocket(t, server.Addr).Chats("and it is handled")
}
