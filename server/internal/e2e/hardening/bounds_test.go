package hardening

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks by many clients together: what each holds is allowed, and all of it would be too much.
// Memory is measured in the server's process.

// startLimited starts the server as a program, with a limit on open files unless that is 0, and
// returns the addresses of clients and of operators.
func startLimited(t *testing.T, files int, args ...string) (cmd *exec.Cmd, addr, ops string, stderr *testkit.Output) {
	t.Helper()
	line := `exec "$0" "$@"`
	if files > 0 {
		line = fmt.Sprintf("ulimit -n %d && %s", files, line)
	}
	args = append([]string{"-c", line, harness.Build(t), "--port", "0", "--ops-addr", "0"}, args...)
	cmd, _, stderr = harness.StartProgram(t, "sh", args...)
	addr = stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1]
	return cmd, addr, stderr.WaitMatch(t, harness.OpsAddress)[1], stderr
}

// resident is how much memory a process takes, in MiB.
func resident(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a process' memory is read from /proc")
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// nineOfTen is an event that announces ten attachments, and nine of them of 750 KB, as bodies of
// POSTs.
func nineOfTen() []string {
	var b strings.Builder
	b.WriteString(`4510-["message"`)
	for i := range 10 {
		fmt.Fprintf(&b, `,{"_placeholder":true,"num":%d}`, i)
	}
	b.WriteString("]")
	bodies := []string{b.String()}
	for range 9 {
		bodies = append(bodies, "b"+strings.Repeat("AAAA", 250_000-1))
	}
	return bodies
}

// Attack: sessions that announce attachments and never send the last one. All of them together hold
// no more than a bound, and the rest of the server goes on.
func TestHardeningAttachmentsThatNeverCome(t *testing.T) {
	cmd, addr, ops, stderr := startLimited(t, 0, "--max-memory-for-clients", "64MiB")
	unharmed := testkit.Bystander(t, addr)
	bodies := nineOfTen()
	if err := testkit.Each(40, 2, func(i int) error { // without a bound they hold 270 MB and more
		p := testkit.OpenPolling(t, addr, 4)
		for _, body := range append([]string{"40"}, bodies...) {
			// One that is refused is told by the next request.
			if got, err := p.Do(http.MethodPost, nil, strings.NewReader(body)); err != nil || got.Status == http.StatusBadRequest {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	unharmed("attachments that never come")
	stderr.WaitMatch(t, regexp.MustCompile(`all clients together hold too much.* limit=67108864 setting=--max-memory-for-clients`))
	m := harness.Scrape(t, ops)
	if held := m["hipflask_client_memory_bytes"]; held > 32<<20 || held < 16<<20 {
		t.Errorf("%v bytes are held, want about half of 64 MiB", held)
	}
	if m[`hipflask_refusals_total{cause="memory"}`] < 30 {
		t.Errorf("refused: %v, want most of 40", m[`hipflask_refusals_total{cause="memory"}`])
	}
	mib := resident(t, cmd)
	if mib > 200 {
		t.Errorf("the server takes %d MiB", mib)
	}
	t.Logf("the server takes %d MiB", mib)
}

// The same, by one client that the bound has room for: it has its time.
func TestHardeningAttachmentsInTime(t *testing.T) {
	server, ops := harness.StartOps(t, "--attachment-timeout", "300ms")
	p := testkit.JoinPolling(t, server.Addr, 4)
	p.Send(`451-["message",{"_placeholder":true,"num":0}]`)
	p.Awaits("1")
	server.Stderr.WaitMatch(t, regexp.MustCompile(`attachments of a packet did not come in time.* limit=300ms setting=--attachment-timeout`))
	w := testkit.JoinWebSocket(t, server.Addr)
	for range 3 { // each has its own time
		w.Send(`451-["message",{"_placeholder":true,"num":0}]`)
		w.SendBytes(testkit.MaskedFrame(testkit.FinBit|testkit.OpBinary, "whole"))
		w.Awaits(`451-["message",{"_placeholder":true,"num":0}]`)
		if f, err := w.ReadFrame(); err != nil || string(f.Data) != "whole" {
			t.Fatalf("the attachment came back as %q, %v", f.Data, err)
		}
	}
	w.Send(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	w.SendBytes(testkit.MaskedFrame(testkit.FinBit|testkit.OpBinary, "the first of two"))
	cutOff(t, w.Conn, testkit.Deadline)
	if refused := harness.Scrape(t, ops)[`hipflask_refusals_total{cause="attachments"}`]; refused != 2 {
		t.Errorf("%v were refused, want 2", refused)
	}
	for deadline := time.Now().Add(testkit.Deadline); harness.Scrape(t, ops)["hipflask_client_memory_bytes"] != 0; {
		if time.Now().After(deadline) {
			t.Fatal("what the sessions held was not given back")
		}
	}
	testkit.JoinWebSocket(t, server.Addr).Chats("after attachments that came too late")
}

// Attack: messages that never end: over WebSockets whose clients answer pings meanwhile, over those
// that are to take over a polling session, and in bodies of POSTs.
func TestHardeningMessagesThatNeverEnd(t *testing.T) {
	part := strings.Repeat("4", 900_000)
	for name, begin := range map[string]func(t *testing.T, addr string) net.Conn{
		"WebSocket": func(t *testing.T, addr string) net.Conn {
			return testkit.BeginRequest(t, addr, testkit.UpgradeRequest(addr, "/", nil))
		},
		"upgrade": func(t *testing.T, addr string) net.Conn {
			return testkit.OpenPolling(t, addr, 4).Upgrading().Conn
		},
		"POST": func(t *testing.T, addr string) net.Conn {
			_, target, _ := strings.Cut(strings.TrimPrefix(testkit.OpenPolling(t, addr, 4).URL, "http://"), "/")
			return testkit.BeginRequest(t, addr, fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\n", target, addr))
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, ops := harness.StartOps(t, "--max-memory-for-clients", "16MiB")
			unharmed := testkit.Bystander(t, server.Addr)
			const clients = 30
			sent := []byte(part)
			if name != "POST" {
				sent = testkit.MaskedFrame(testkit.OpText, part)
			}
			var conns []net.Conn
			for range clients {
				conn := begin(t, server.Addr)
				_, _ = conn.Write(sent) // it fails where the client is refused
				conns = append(conns, conn)
			}
			server.Stderr.WaitMatch(t, regexp.MustCompile(`all clients together hold too much.* setting=--max-memory-for-clients`))
			unharmed("messages that never end")
			testkit.JoinPolling(t, server.Addr, 4).Chats("while others fill the memory")
			awaitMetric(t, ops, "a refusal of all but 9", func(m map[string]float64) bool {
				return m[`hipflask_refusals_total{cause="memory"}`] >= clients-9
			})
			if held := harness.Scrape(t, ops)["hipflask_client_memory_bytes"]; held > 8<<20 || held < 3<<20 {
				t.Errorf("%v bytes are held, want about half of 16 MiB", held)
			}
			for _, conn := range conns {
				_ = conn.Close()
			}
			awaitMetric(t, ops, "all given back", func(m map[string]float64) bool { return m["hipflask_client_memory_bytes"] == 0 })
		})
	}
}

// awaitMetric scrapes until the metrics are as wanted.
func awaitMetric(t *testing.T, ops, want string, match func(map[string]float64) bool) {
	t.Helper()
	for deadline := time.Now().Add(testkit.Deadline); !match(harness.Scrape(t, ops)); {
		if time.Now().After(deadline) {
			t.Fatalf("no %s: %v bytes held, %v refused", want, harness.Scrape(t, ops)["hipflask_client_memory_bytes"],
				harness.Scrape(t, ops)[`hipflask_refusals_total{cause="memory"}`])
		}
	}
}

// Attack: sessions whose opening request has headers of 56 KB, which cost no file.
func TestHardeningLongHeadersOfSessions(t *testing.T) {
	cmd, addr, _, _ := startLimited(t, 0)
	unharmed := testkit.Bystander(t, addr)
	const sessions = 2000
	before := resident(t, cmd)
	header := http.Header{"Cookie": {"a=b"}, "X-Long": {strings.Repeat("x", 56_000)}}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}, Timeout: testkit.Deadline}
	defer client.CloseIdleConnections()
	if err := testkit.Each(sessions, 4, func(int) error {
		req, err := http.NewRequest(http.MethodGet, "http://"+addr+testkit.PollingPath, nil)
		if err != nil {
			return err
		}
		req.Header = header
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	mib := resident(t, cmd) - before
	if mib > 100 { // it was 180, and more with garbage
		t.Errorf("%d sessions take %d MiB", sessions, mib)
	}
	t.Logf("%d sessions take %d MiB", sessions, mib)
	unharmed("long headers")
}

// Attack: connections that are idle, or say nothing, use up the files. They make room for who wants
// something, and operators are not shut out.
func TestHardeningIdleConnections(t *testing.T) {
	for name, request := range map[string]string{
		"after an answer": "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "silent": "", "in a header": "GET / HTTP/1.1\r\nHost:",
	} {
		t.Run(name, func(t *testing.T) {
			_, addr, ops, stderr := startLimited(t, 300)
			stderr.WaitMatch(t, regexp.MustCompile(`limits for all clients.* websockets=220 open_connections=236 .*files=300`))
			unharmed := testkit.Bystander(t, addr)
			for range 400 {
				conn := testkit.BeginRequest(t, addr, request)
				if strings.HasSuffix(request, "\r\n\r\n") {
					if _, err := conn.Read(make([]byte, 1)); err != nil {
						t.Fatal(err)
					}
				}
			}
			testkit.JoinWebSocket(t, addr).Chats("there is room")
			harness.CheckOps(t, ops, "/healthz", http.StatusOK, "alive")
			unharmed("idle connections")
			stderr.WaitMatch(t, regexp.MustCompile(`connection closed to make room.* limit=236 setting=--max-open-connections`))
			if m := harness.Scrape(t, ops); m["hipflask_open_connections"] > 240 || m[`hipflask_refusals_total{cause="idle connections"}`] < 100 {
				t.Errorf("%v are open, %v were closed", m["hipflask_open_connections"], m[`hipflask_refusals_total{cause="idle connections"}`])
			}
		})
	}
}

// Attack: WebSockets use up the files. From a number on they are refused with an answer, and
// whoever polls, asks for the page or looks after the server is served.
func TestHardeningWebSocketsAndFiles(t *testing.T) {
	_, addr, ops, stderr := startLimited(t, 128)
	poller := testkit.JoinPolling(t, addr, 4)
	limit := 0
	if _, err := fmt.Sscan(stderr.WaitMatch(t, regexp.MustCompile(` websockets=(\d+) `))[1], &limit); err != nil {
		t.Fatal(err)
	}
	for range limit {
		testkit.JoinWebSocket(t, addr)
	}
	for range 100 {
		got := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil))[0]
		if got.Status != http.StatusServiceUnavailable {
			t.Fatalf("one too many was answered %v", got)
		}
	}
	poller.Chats("polling goes on")
	harness.CheckOps(t, ops, "/healthz", http.StatusOK, "alive")
	// A session that polls cannot go over, and stays as it is.
	upgrade := strings.TrimPrefix(strings.Replace(poller.URL, "transport=polling", "transport=websocket", 1), "http://"+addr)
	if got := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, upgrade, nil))[0]; got.Status != http.StatusServiceUnavailable {
		t.Errorf("an upgrade was answered %v", got)
	}
	poller.Chats("still there")
	stderr.WaitMatch(t, regexp.MustCompile(`one too many.* setting=--max-connections .*hint="each WebSocket is an open file`))
}

// Attack: the address for health and metrics has connections of its own, and those are bounded too.
func TestHardeningOpsConnections(t *testing.T) {
	_, addr, ops, _ := startLimited(t, 128)
	var conns []net.Conn
	for range 150 {
		conns = append(conns, testkit.BeginRequest(t, ops, ""))
	}
	for _, conn := range conns[:100] {
		cutOff(t, conn, testkit.Deadline)
	}
	harness.CheckOps(t, ops, "/healthz", http.StatusOK, "alive")
	testkit.JoinWebSocket(t, addr).Chats("clients are served")
}

// An address may have so many connections, if that was asked for; not the machine's own.
func TestHardeningConnectionsOfOneAddress(t *testing.T) {
	addr := harness.Start(t, "--max-open-connections-per-address", "1").Addr
	first := testkit.JoinWebSocket(t, addr)
	testkit.JoinWebSocket(t, addr).Chats("a second of the loopback interface")
	first.Chats("and the first")
}

// Attack: requests to a route whose handler takes the connection over and panics then. Nobody else
// closes such a connection, and it would count among the open ones for good.
func TestHardeningPanicAfterHijack(t *testing.T) {
	server := harness.StartApp(t, func(app *hipflask.App) error {
		app.Router.GET("/taken", func(c *gin.Context) {
			if _, _, err := c.Writer.Hijack(); err != nil {
				t.Error(err)
			}
			panic("with a connection of its own")
		})
		return nil
	}, "--ops-addr", "0")
	ops := server.Stderr.WaitMatch(t, harness.OpsAddress)[1]
	for range 3 {
		cutOff(t, testkit.BeginRequest(t, server.Addr, "GET /taken HTTP/1.1\r\nHost: "+server.Addr+"\r\n\r\n"), testkit.Deadline)
	}
	server.Stderr.WaitText(t, "with a connection of its own")
	awaitMetric(t, ops, "open connection less", func(m map[string]float64) bool { return m["hipflask_open_connections"] == 0 })
}
