package hardening

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// Attacks on the log: that it fills the disk, that it takes the processor, and that it tells what
// is secret.

// startFailing starts a server whose handlers fail in all the ways there are.
func startFailing(t *testing.T, args ...string) *harness.Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &harness.Server{Stdout: testkit.NewOutput(), Stderr: testkit.NewOutput(), T: t, Cancel: cancel, Done: make(chan struct{})}
	go func() {
		defer close(s.Done)
		s.Err = hipflask.Run(ctx, append([]string{"--port", "0"}, args...), harness.NoEnv, s.Stdout, s.Stderr, registerFailing)
		s.Stdout.End()
		s.Stderr.End()
	}()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	address := s.Stderr.WaitMatch(t, regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`))
	s.URL, s.Addr = address[0], address[1]
	return s
}

func registerFailing(app *hipflask.App) error {
	s := app.SocketIO
	ended := make(chan struct{}) // with the server's background tasks
	s.Go(func(ctx context.Context) { <-ctx.Done(); close(ended) })
	own := s.Of("/own")
	own.OnError(func(*socketio.Context, string, error) { panic("the error handler as well") })
	return errors.Join(
		handlers.Register(app),
		s.On("waits", func() { fmt.Fprintln(app.Stdout, "waiting"); <-ended }),
		s.On("done", func() int { return 1 }),
		s.On("fails", func(text string) error { return errors.New("it failed: " + text) }),
		s.On("boom", func(text string) { panic("exploded: " + text) }),
		s.Of("/chat").On("fails", func() error { return errors.New("it failed") }),
		own.On("fails", func() error { return errors.New("it failed") }),
	)
}

// Attack: lines without end, by events that fail, by packets that are none, by whatever a client
// can repeat on one connection. Five lines a second are logged, at any level, and the number of the
// others is.
func TestHardeningLogFlood(t *testing.T) {
	const flood = 3000
	for _, c := range []struct{ name, join, packet, line string }{
		{"event without arguments", "", `42["message"]`, `msg="event failed"`},
		{"handler that fails", "", `42["fails","x"]`, `msg="event failed"`},
		{"handler that panics", "", `42["boom","x"]`, `msg="event failed"`},
		{"error handler that panics", "40/own,", `42/own,["fails"]`, `msg="error handler panicked"`},
		{"event that nobody handles", "", `42["nobody"]`, `msg="event ignored"`},
		{"event of another namespace", "", `42/nowhere,["x"]`, `msg="packet for a namespace that is not connected"`},
		{"malformed packet", "", `4nonsense`, `msg="packet ignored: malformed"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := startFailing(t, "--log-level", "debug")
			client := testkit.JoinWebSocket(t, server.Addr)
			if c.join != "" {
				client.Send(c.join)
			}
			began := time.Now()
			client.SendBytes(bytes.Repeat(testkit.TextFrames(c.packet), flood))
			client.Chats("after the flood")
			most := 5 * (int(time.Since(began).Seconds()) + 2)
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			log := server.Stderr.String()
			if n := strings.Count(log, c.line); n == 0 || n > most {
				t.Errorf("%d lines of %d are in the log, want 1 to %d", n, flood, most)
			}
			if !strings.Contains(log, "not_logged_before=") {
				t.Error("the log does not say how many lines are not in it")
			}
		})
	}
}

// Attack: lines that are as long as a client likes. Each value is cut, and says so.
func TestHardeningLongValuesInTheLog(t *testing.T) {
	server := startFailing(t, "--log-level", "debug")
	const longest = 8000 // of a line without a stack; the attacks' values have more
	long := strings.Repeat("ä", 10_000)
	for name, values := range map[string]string{"Origin": "http://" + strings.Repeat("a", 20_000) + ".example.org", "Host": ""} {
		header := http.Header{"Origin": {"http://evil.example.org"}}
		if values != "" {
			header.Set(name, values)
		}
		if got := testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, header, ""); got.Status != http.StatusBadRequest {
			t.Errorf("%s: answered %v", name, got)
		}
	}
	for _, path := range []string{
		"/" + strings.Repeat("a", 20_000) + "?EIO=4", "/socket.io/?EIO=" + strings.Repeat("4", 20_000) + "&transport=polling",
		"/socket.io/?EIO=4&transport=" + strings.Repeat("a", 20_000),
	} {
		testkit.Ask(t, server.Addr, http.MethodGet, path, nil, "")
	}
	client := testkit.JoinWebSocket(t, server.Addr)
	client.Send(`42["`+long+`"]`, `42["fails","`+long+`"]`, `42["boom","`+long+`"]`, `42["message","`+long+`",1]`)
	client.Chats("done")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	lines := server.Stderr.Lines()
	for _, line := range lines {
		if head, _, _ := strings.Cut(line, " stack="); len(head) > longest {
			t.Errorf("a line of %d bytes: %.200s...", len(line), line)
		}
	}
	for _, part := range []string{
		`origin="http://aaa`, `msg="socket.io client refused: nothing is served at its path" path="/aaa`, `detail="EIO=444`,
		`detail="transport aaa`, `msg="event ignored" namespace=/ event="äää`, "it failed: äää", "exploded: äää",
	} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, part) && strings.Contains(line, " bytes)") }) {
			t.Errorf("no line that was cut has %s", part)
		}
	}
}

// recorder is a proxy that keeps all that it carries.
type recorder struct {
	addr string

	mu  sync.Mutex
	all map[net.Conn]*bytes.Buffer // by who sent it
}

func startRecorder(t *testing.T, target string) *recorder {
	t.Helper()
	r := &recorder{all: make(map[net.Conn]*bytes.Buffer)}
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, io.TeeReader(from, r.record(from)))
		if half, ok := to.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
	}
	r.addr = testkit.StartProxy(t, target, carry, carry).Addr().String()
	return r
}

type record struct {
	r    *recorder
	from net.Conn
}

func (r *recorder) record(from net.Conn) record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[from] == nil {
		r.all[from] = new(bytes.Buffer)
	}
	return record{r, from}
}

func (w record) Write(p []byte) (int, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	return w.r.all[w.from].Write(p)
}

var recordedID = regexp.MustCompile(`"(?:sid|pid|sessionId)":"([^"]+)"|[?&]sid=([^& ]+)`)

// ids are all session ids, keys of recovery and ids of clients that were carried.
func (r *recorder) ids() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make(map[string]bool)
	for _, text := range r.all {
		for _, m := range recordedID.FindAllStringSubmatch(text.String(), -1) {
			ids[m[1]+m[2]] = true
		}
	}
	return ids
}

// Attack: an id of a session is read in the log, and somebody polls in its owner's place. All
// clients, over all transports and protocols, do what they can and what they must not, at the
// finest level; no id that crosses the wire is in the log.
func TestHardeningSessionIDsInTheLog(t *testing.T) {
	t.Parallel()
	testkit.NeedNode(t)
	hash, err := bcrypt.GenerateFromPassword([]byte(testkit.AdminPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	server := startFailing(t, "--log-level", "debug", "--recovery", "1m", "--max-http-buffer-size", "100000", "--max-backlog", "200000",
		"--upgrade-timeout", "1s", "--admin-user", "root", "--admin-password-hash", string(hash), "--admin-mode", "development")
	proxy := startRecorder(t, server.Addr)
	for _, client := range testkit.ClientVersions() {
		reports := testkit.RunScript(t, "matrix.mjs", testkit.ScriptConfig{
			URL: "http://" + proxy.addr, Client: client, Peer: testkit.NewestClient, Mode: "default",
			Behaviours: []string{"connect", "text", "binary", "ack", "leave"}, TextBytes: 1000, BinaryBytes: 1000,
		})
		if len(reports) == 0 {
			t.Errorf("%s reported nothing", client)
		}
	}
	testkit.RunScript(t, "admin.mjs", testkit.ScriptConfig{URL: "http://" + proxy.addr, Client: testkit.NewestClient, Mode: "default"})
	for _, eio := range []int{3, 4} {
		noisy(t, proxy.addr, eio)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	ids, log := proxy.ids(), server.Stderr.String()
	if len(ids) < 40 {
		t.Errorf("%d ids were carried, want many", len(ids))
	}
	for id := range ids {
		if strings.Contains(log, id) {
			at := strings.Index(log, id)
			t.Errorf("the log has the id %s: %.300q", id, log[max(0, at-200):])
		}
	}
	for _, line := range []string{ // the noise was there
		`msg="event failed"`, `msg="error handler panicked"`, `msg="packet ignored: malformed"`, `msg="event ignored"`,
		`msg="packet for a namespace that is not connected"`, `msg="request refused"`, `msg="admin command"`, `msg="upgrade given up`,
		`msg="connection opened"`, `msg="connection ended"`, `msg="client cut off`,
	} {
		if !strings.Contains(log, line) {
			t.Errorf("the log lacks %s", line)
		}
	}
}

// noisy does over the raw protocol what no client does.
func noisy(t *testing.T, addr string, eio int) {
	t.Helper()
	p := testkit.JoinPolling(t, addr, eio)
	p.Send("40/chat,", "40/own,", "40/nowhere,")
	p.Send(`42["message"]`, `42["fails","x"]`, `42["boom","x"]`, `42["nobody"]`, `42/chat,["fails"]`, `42/own,["fails"]`, `42/nowhere,["x"]`, `4nonsense`)
	p.Send(`427["done"]`)
	p.Awaits(`437[1]`)         // with recovery, a message has its offset behind it
	upgrading := p.Upgrading() // and goes no further
	path := strings.TrimPrefix(p.URL, "http://"+addr)
	sid := path[strings.Index(path, "sid=")+len("sid="):]
	ws := strings.Replace(path, "polling", "websocket", 1)
	testkit.Ask(t, addr, http.MethodGet, ws, nil, "")
	for _, target := range []string{path + "x", ws + "x", "/nope" + path[len("/socket.io"):], strings.Replace(path, "polling", "pigeon", 1)} {
		testkit.Ask(t, addr, http.MethodGet, target, nil, "")
		testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, target, nil))
	}
	upgrading.ClosedWith(testkit.Abnormal)

	admin := testkit.OpenWebSocket(t, addr, testkit.WebSocketPath).Joined()
	admin.Send(`40/admin,{"username":"root","password":"` + testkit.AdminPassword + `"}`)
	for _, command := range []string{"join", "leave"} {
		for _, id := range []string{sid, "/chat#" + sid, "another0server0s0id00"} {
			admin.Send(fmt.Sprintf(`42/admin,[%q,"/","room",%q]`, command, id))
		}
	}
	admin.Send(fmt.Sprintf(`42/admin,["_disconnect","/",false,%q]`, sid))
	admin.Send(`427["done"]`)
	admin.Awaits(`437[1]`)
	p.Post("text/plain", p.Payload([]string{"9"}))

	big := testkit.OpenWebSocket(t, addr, fmt.Sprintf("/socket.io/?EIO=%d&transport=websocket", eio))
	big.Send(testkit.Message(strings.Repeat("x", 200_000)))
	big.ClosedWith(1009)
}
