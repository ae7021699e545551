package operations

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The famous reasons for which a client cannot connect or stay: each is provoked, counted, and said
// in the log with the setting, or the proxy's, that would help.

// opsCause is one of them.
type opsCause struct {
	name    string // in the metrics
	args    []string
	provoke func(t *testing.T, server *harness.Server)
	log     []string // parts of one line, the first of which is in no other
}

func TestOpsCausesAreExplained(t *testing.T) {
	for _, c := range append(opsRefusedRequests(), opsRefusedSessions()...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server, addr := harness.StartOps(t, c.args...)
			name := fmt.Sprintf("hipflask_refusals_total{cause=%q}", c.name)
			harness.AwaitMetrics(t, addr, map[string]float64{name: 0})
			c.provoke(t, server)
			harness.AwaitMetrics(t, addr, map[string]float64{name: 1})
			line := harness.LogLine(t, server, c.log[0])
			for _, part := range append(c.log, "level=WARN", "address=127.0.0.1:") {
				if !strings.Contains(line, part) {
					t.Errorf("%q is not in the line\n%s", part, line)
				}
			}
		})
	}
}

func opsRefusedRequests() []opsCause {
	return []opsCause{
		{"origin", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckForeignOrigin(t, testkit.Ask(t, s.Addr, http.MethodGet, testkit.PollingPath, http.Header{"Origin": {"https://chat.example.org"}}, ""))
		}, []string{"--cors-allowed-origins=https://chat.example.org", "X-Forwarded-Host"}},
		{"origin", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckForeignOrigin(t, testkit.Ask(t, s.Addr, http.MethodGet, testkit.PollingPath, testkit.Headers("Sec-Fetch-Site", "cross-site", "Referer", "https://chat.example.org/room"), ""))
		}, []string{"of another site", "--cors-allowed-origins=https://chat.example.org would", "site=cross-site"}},
		{"origin", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckForeignOrigin(t, testkit.Ask(t, s.Addr, http.MethodGet, testkit.PollingPath+"&j=0", nil, ""))
		}, []string{"of another site", "Referrer-Policy"}},
		{"host", []string{"--allowed-hosts", "127.0.0.1"}, func(t *testing.T, s *harness.Server) {
			testkit.CheckForeignHost(t, "evil.example", testkit.AskAs(t, s.Addr, "evil.example", "/", nil))
		}, []string{"host refused", "setting=--allowed-hosts", "host=evil.example", "path=/"}},
		{"protocol version", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckRefusal(t, testkit.Ask(t, s.Addr, http.MethodGet, "/socket.io/?EIO=1&transport=polling", nil, ""), 5)
		}, []string{"EIO=1", "clients 1.x to 4.x"}},
		{"transport", []string{"--transports", "websocket"}, func(t *testing.T, s *harness.Server) {
			testkit.CheckRefusal(t, testkit.Ask(t, s.Addr, http.MethodGet, testkit.PollingPath, nil, ""), 0)
		}, []string{"transport polling", "--transports"}},
		{"transport", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckRefusal(t, testkit.Exchange(t, s.Addr, testkit.UpgradeRequest(s.Addr, "/socket.io/", nil))[0], 0)
		}, []string{"no socket.io client's", "--plain-websocket-path"}},
		{"unknown session", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckRefusal(t, testkit.Ask(t, s.Addr, http.MethodGet, testkit.PollingPath+"&sid=of-another-server", nil, ""), 1)
		}, []string{"sticky sessions", "transports: ['websocket']"}},
		{"path", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckNotFound(t, testkit.Ask(t, s.Addr, http.MethodGet, "/ws/socket.io/?EIO=4&transport=polling", nil, ""))
		}, []string{"path=/ws/socket.io/", "served_at=/socket.io", "--path"}},
		{"plain path", nil, func(t *testing.T, s *harness.Server) {
			testkit.CheckNotFound(t, testkit.Exchange(t, s.Addr, testkit.UpgradeRequest(s.Addr, "/ws", nil))[0])
		}, []string{"--plain-websocket-path=/ws"}},
		{"blocked upgrade", nil, func(t *testing.T, s *harness.Server) { // as nginx passes it on when told nothing
			all := testkit.Exchange(t, s.Addr, "GET "+testkit.WebSocketPath+" HTTP/1.0\r\nHost: x\r\nConnection: close\r\n\r\n")
			testkit.CheckRefusal(t, all[0], 3)
		}, []string{"without the Upgrade header", "http=HTTP/1.0", "proxy_set_header Upgrade", "--transports=polling"}},
		{"blocked upgrade", nil, func(t *testing.T, s *harness.Server) { // a client that polls already and stays with that
			p := testkit.JoinPolling(t, s.Addr, 4)
			path := strings.Replace(strings.TrimPrefix(p.URL, "http://"+s.Addr), "polling", "websocket", 1)
			testkit.CheckRefusal(t, testkit.Ask(t, s.Addr, http.MethodGet, path, nil, ""), 3)
			p.Chats("goes on")
		}, []string{"without the Upgrade header", "http=HTTP/1.1"}},
		{"handshake", []string{"--plain-websocket-path", "/ws"}, func(t *testing.T, s *harness.Server) {
			if got := testkit.Ask(t, s.Addr, http.MethodGet, "/ws", nil, ""); got.Status != http.StatusBadRequest {
				t.Errorf("answered %v", got)
			}
		}, []string{"handshake refused", "must pass Upgrade"}},
	}
}

func opsRefusedSessions() []opsCause {
	return []opsCause{
		{"message size", []string{"--max-http-buffer-size", "1000"}, func(t *testing.T, s *harness.Server) {
			c := testkit.JoinWebSocket(t, s.Addr)
			c.Send(testkit.Message(strings.Repeat("x", 1000)))
			c.ClosedWith(1009)
		}, []string{"WebSocket message too large", "--max-http-buffer-size", "limit=1000"}},
		{"message size", []string{"--max-http-buffer-size", "1000"}, func(t *testing.T, s *harness.Server) {
			p := testkit.JoinPolling(t, s.Addr, 4)
			if got := p.Post("text/plain", testkit.Message(strings.Repeat("x", 1000))); got.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("answered %v", got)
			}
		}, []string{"POST body too large", "--max-http-buffer-size", "limit=1000"}},
		{"stuck upgrade", []string{"--upgrade-timeout", "50ms"}, func(t *testing.T, s *harness.Server) {
			p := testkit.JoinPolling(t, s.Addr, 4)
			p.Upgrading().ClosedWith(testkit.Abnormal)
			p.Chats("goes on")
		}, []string{"nothing came through", "--upgrade-timeout", "--allow-upgrades=false"}},
		{"late session", []string{"--ping-interval", "20ms", "--ping-timeout", "20ms"}, func(t *testing.T, s *harness.Server) {
			p := testkit.OpenPolling(t, s.Addr, 4)
			s.Stderr.WaitFor(t, "the timeout", testkit.Deadline, func(log string) bool { return strings.Contains(log, `reason="ping timeout"`) })
			testkit.CheckRefusal(t, p.Post("text/plain", "3"), 1) // the pong, at last
		}, []string{"ended by a ping timeout", "proxy_buffering off", "--ping-timeout"}},
		{"no connect", []string{"--connect-timeout", "20ms"}, func(t *testing.T, s *harness.Server) {
			testkit.OpenWebSocket(t, s.Addr, testkit.WebSocketPath).ClosedWith(1000)
		}, []string{"connected to no namespace", "--connect-timeout"}},
		{"broken packet", nil, func(t *testing.T, s *harness.Server) {
			c := testkit.JoinWebSocket(t, s.Addr)
			c.Send("9")
			c.ClosedWith(1002)
		}, []string{"broke the protocol or a limit"}},
		{"malformed packet", nil, func(t *testing.T, s *harness.Server) {
			c := testkit.JoinWebSocket(t, s.Addr)
			c.Send("4nonsense")
			c.Chats("goes on")
		}, []string{"malformed"}},
		{"websocket rule", nil, func(t *testing.T, s *harness.Server) {
			c := testkit.JoinWebSocket(t, s.Addr)
			c.SendBytes([]byte{testkit.FinBit | testkit.OpText, 1, 'x'}) // not masked
			c.ClosedWith(1002)
		}, []string{"WebSocket rule broken", "not masked"}},
	}
}

// A client that ends its session in good order and comes back too late with a last request is
// nothing to be told of.
func TestOpsCausesLeaveAProperEndAlone(t *testing.T) {
	server, addr := harness.StartOps(t)
	p := testkit.JoinPolling(t, server.Addr, 4)
	p.Send("1")
	p.Unknown()
	harness.AwaitMetrics(t, addr, map[string]float64{
		`hipflask_sessions_closed_total{reason="client disconnect"}`: 1,
		`hipflask_refusals_total{cause="unknown session"}`:           0,
		`hipflask_refusals_total{cause="late session"}`:              0,
	})
	server.End()
	harness.CheckQuiet(t, server.Stderr.String())
}

// A flood of one cause is counted in full and cut short in the log.
func TestOpsCausesDoNotFloodTheLog(t *testing.T) {
	server, addr := harness.StartOps(t)
	const flood = 200
	began := time.Now()
	for range flood {
		testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath+"&sid=unknown", nil, "")
	}
	harness.AwaitMetrics(t, addr, map[string]float64{`hipflask_refusals_total{cause="unknown session"}`: flood})
	most := 5 * (int(time.Since(began).Seconds()) + 2) // five a second
	server.End()
	if n := strings.Count(server.Stderr.String(), "request refused"); n == 0 || n > most {
		t.Errorf("%d of %d refusals are in the log, want 1 to %d", n, flood, most)
	}
}
