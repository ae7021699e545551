package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Several servers that pass requests on to the one that has the session: nothing in front of them
// knows of sessions.

// roundRobin is nginx in front of three servers, as the page has it: it gives each request to the
// next one.
func roundRobin(t *testing.T, servers ...string) (addr string) {
	t.Helper()
	return startScalingNginx(t, func(listen string) string { return scalingBlock(t, listen, servers...) })
}

// startThree starts three servers behind it.
func startThree(t *testing.T, args ...string) (addr string, servers []*harness.Server) {
	t.Helper()
	redis := redistest.Start(t)
	var addrs []string
	for range 3 {
		s := harness.StartMember(t, redis, append([]string{"--trusted-proxies", "127.0.0.1"}, args...)...)
		servers, addrs = append(servers, s), append(addrs, s.Addr)
	}
	return roundRobin(t, addrs...), servers
}

// startPair starts two servers.
func startPair(t *testing.T, args ...string) (a, b *harness.Server) {
	t.Helper()
	redis := redistest.Start(t)
	return harness.StartMember(t, redis, args...), harness.StartMember(t, redis, args...)
}

// by has a client ask another server from now on.
func by(p *testkit.Poller, addr string) *testkit.Poller {
	_, rest, _ := strings.Cut(strings.TrimPrefix(p.URL, "http://"), "/")
	p.URL = "http://" + addr + "/" + rest
	return p
}

// quieten returns once every server has delivered what was said at any of them: what was said to a
// client that has left may still be on its way to another server, whose next client would hear it.
func quieten(t *testing.T, servers []*harness.Server) {
	t.Helper()
	var clients []*testkit.Client
	for _, s := range servers {
		c := testkit.JoinWebSocket(t, s.Addr)
		defer c.Close()
		clients = append(clients, c)
	}
	for i, speaker := range clients {
		last := testkit.Message(fmt.Sprint("the last of server ", i))
		speaker.Send(last)
		for _, c := range clients {
			c.Awaits(last)
		}
	}
}

// Every client version over every transport, behind plain round robin.
func TestClusterWithoutSticking(t *testing.T) {
	testkit.NeedNode(t)
	addr, servers := startThree(t)
	for _, client := range testkit.ClientVersions() {
		for _, mode := range []string{"websocket", "polling", "default"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				config := testkit.ScriptConfig{
					URL: "http://" + addr, Client: client, Peer: testkit.NewestClient, Mode: mode,
					TextBytes: 900_000, BinaryBytes: 900_000, Stepwise: true,
					Behaviours: []string{"connect", "text", "unicode", "values", "binary", "ack", "large", "pair"},
				}
				if mode == "polling" {
					config.BinaryBytes = 700_000 // a third more in base64, and the limit is 1,000,000
				}
				script := testkit.StartScript(t, "matrix.mjs", config)
				for _, behaviour := range config.Behaviours { // each has clients of its own
					script.Step(t, behaviour, func() { quieten(t, servers) })
				}
				reports := script.Finish(t)
				testkit.CheckEchoes(t, reports, 50)
				testkit.CheckAcks(t, reports)
				testkit.CheckPair(t, reports)
			})
		}
	}
	for _, s := range servers {
		harness.CheckQuiet(t, s.Stderr.String())
		if !slices.Contains(s.Stdout.Lines(), "Client connected") {
			t.Error("a server had no client")
		}
	}
}

// Python's clients, sync and asyncio, over both transports.
func TestClusterWithoutStickingPython(t *testing.T) {
	t.Parallel()
	testkit.NeedPythonClient(t)
	addr, _ := startThree(t)
	for _, kind := range []string{"sync", "asyncio"} {
		for _, transport := range []string{"polling", "websocket"} {
			ctx, cancel := context.WithTimeout(t.Context(), testkit.ScriptDeadline)
			defer cancel()
			out, err := exec.CommandContext(ctx, testkit.Python, "-B", testkit.ClientScript("polls.py"), kind, transport, "http://"+addr, "1", "17", "500").Output()
			if got := strings.Count(string(out), `"whole": true`); err != nil || got != 3 {
				t.Errorf("%s, %s: %v, %s", kind, transport, err, out)
			}
		}
	}
}

// What a client is answered through another server is what it is answered directly, coded and
// framed as it asks for it, and with the headers of CORS once.
func TestClusterForwardedAnswersAreTheSame(t *testing.T) {
	const page = "https://page.example"
	a, b := startPair(t, "--cors-allowed-origins", page)
	long := testkit.Message(strings.Repeat("long ", 1000))
	for what, c := range map[string]struct {
		version int
		query   string
		header  http.Header
	}{
		"Engine.IO 4":    {4, "", nil},
		"Engine.IO 3":    {3, "", nil},
		"base64":         {3, "&b64=1", nil},
		"gzip":           {4, "", http.Header{"Accept-Encoding": {"gzip"}}},
		"deflate":        {3, "", http.Header{"Accept-Encoding": {"deflate"}}},
		"another origin": {4, "", http.Header{"Origin": {page}, "Cookie": {"session=1"}}},
		"JSONP":          {4, "&j=7", http.Header{"Referer": {page + "/"}}},
	} {
		t.Run(what, func(t *testing.T) {
			var got [2]testkit.Answer
			for i, server := range []*harness.Server{a, b} {
				p := by(testkit.JoinPolling(t, a.Addr, c.version), server.Addr)
				p.URL += c.query
				posted := long
				if c.query == "&j=7" {
					posted = "d=" + long
				}
				contentType := "text/plain;charset=UTF-8"
				if c.query == "&j=7" {
					contentType = "application/x-www-form-urlencoded"
				}
				header := c.header.Clone()
				if header == nil {
					header = make(http.Header)
				}
				header.Set("Content-Type", contentType)
				if c.version == 3 {
					posted = p.Payload([]string{posted})
				}
				ok, err := p.Do(http.MethodPost, header, strings.NewReader(posted))
				if err != nil || ok.Body != "ok" {
					t.Fatalf("%v, %v", ok, err)
				}
				if got[i], err = p.Do(http.MethodGet, c.header, nil); err != nil {
					t.Fatal(err)
				}
				got[i].Header.Del("Date")
				for name, values := range got[i].Header {
					if len(values) != 1 {
						t.Errorf("%s: %q", name, values)
					}
				}
			}
			if got[0].Status != http.StatusOK || fmt.Sprint(got[0]) != fmt.Sprint(got[1]) {
				t.Errorf("directly:\n%.500s\nthrough another server:\n%.500s", fmt.Sprint(got[0]), fmt.Sprint(got[1]))
			}
		})
	}
}

// Bytes, an upgrade, and what is refused for the session's sake.
func TestClusterForwardedUpgrade(t *testing.T) {
	a, b := startPair(t)
	for _, version := range []int{4, 3} {
		p := by(testkit.JoinPolling(t, a.Addr, version), b.Addr)
		ws := p.Probed()
		p.Get(nil) // the noop
		ws.Send("5")
		ws.Chats("through another server")
	}
	// What follows the handshake at once, before it is answered, is not lost.
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	ws, err := testkit.DialWebSocket(b.Addr, strings.Replace(strings.TrimPrefix(p.URL, "http://"+b.Addr), "polling", "websocket", 1), testkit.TextFrames("2probe")...)
	if err == nil {
		err = ws.Expect("3probe")
	}
	if err != nil {
		t.Error(err)
	}
	p = by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	if got := p.Post("text/plain", strings.Repeat("x", 1_000_001)); got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a POST that is too long is answered %v", got)
	}
	p.Unknown()
}

// The server that has the session tells the log of the client's address, as the first one knows it:
// from a trusted proxy.
func TestClusterForwardedAddress(t *testing.T) {
	redis := redistest.Start(t)
	a, b := harness.StartMember(t, redis), harness.StartMember(t, redis, "--trusted-proxies", "127.0.0.1")
	p := by(testkit.JoinPolling(t, a.Addr, 4), b.Addr)
	p.Probed()
	header := http.Header{"X-Forwarded-For": {"203.0.113.7"}}
	target := strings.Replace(strings.TrimPrefix(p.URL, "http://"+b.Addr), "polling", "websocket", 1)
	if _, err := testkit.ShakeHands(testkit.BeginRequest(t, b.Addr, ""), testkit.UpgradeRequest(b.Addr, target, header)); err == nil || !strings.Contains(err.Error(), "answered 400") {
		t.Errorf("a second upgrade: %v", err)
	}
	a.Stderr.WaitFor(t, "the refusal", testkit.Deadline, func(log string) bool {
		return strings.Contains(log, "the session cannot be upgraded") && strings.Contains(log, "address=203.0.113.7")
	})
}

// What a client may is decided by the server that is asked first, by its own settings, and by no
// other.
func TestClusterForwardedAdmissionIsOnce(t *testing.T) {
	redis := redistest.Start(t)
	a, ops := harness.StartOps(t, "--message-queue", redis.URL(), "--allowed-hosts", "a.example", "--cors-allowed-origins", "https://a.example",
		"--max-connections-per-address", "1", "--max-handshakes-per-second", "1")
	b := harness.StartMember(t, redis, "--cors-allowed-origins", "https://b.example")
	opened := testkit.AskAs(t, a.Addr, "a.example", testkit.PollingPath, nil)
	testkit.LeaveLater(t, a.Addr, "a.example", testkit.PollingPath, opened)
	sid, err := testkit.OpenedSID(opened.Body)
	if err != nil {
		t.Fatal(err)
	}
	session := testkit.PollingPath + "&sid=" + sid
	for range 5 {
		if got := testkit.Ask(t, b.Addr, http.MethodPost, session, http.Header{"Origin": {"https://b.example"}}, "3"); got.Body != "ok" ||
			got.Header.Get("Access-Control-Allow-Origin") != "https://b.example" {
			t.Errorf("a page that may is answered %v", got)
		}
	}
	before := harness.Scrape(t, ops)
	for _, origin := range []string{"https://a.example", "https://evil.example"} {
		testkit.CheckForeignOrigin(t, testkit.Ask(t, b.Addr, http.MethodPost, session, http.Header{"Origin": {origin}}, "3"))
	}
	const served = `hipflask_cluster_forwarded_received_total{result="served"}`
	if got := harness.Scrape(t, ops)[served]; got != before[served] || got < 5 {
		t.Errorf("%v requests were passed on, then %v", before[served], got)
	}
}

// Servers that listen on Unix sockets, or speak TLS, pass requests on to each other on one machine;
// and with a URL, where the certificate is checked.
func TestClusterForwardedOverEveryKindOfAddress(t *testing.T) {
	redis := redistest.Start(t)
	certFile, keyFile, pool := testkit.SelfSigned(t)
	secret := []string{"--certfile", certFile, "--keyfile", keyFile}
	plain := harness.StartMember(t, redis)
	socket := filepath.Join(t.TempDir(), "s")
	harness.StartMember(t, redis, "--unix-socket", socket)
	secure := harness.StartMember(t, redis, secret...)
	port := testkit.FreePort(t)
	wrong := harness.StartMember(t, redis, append(secret, "--port", port, "--cluster-url", "https://127.0.0.1:"+port)...)
	off := harness.StartMember(t, redis, "--cluster-url", "off")
	tlsClient := &http.Client{Timeout: testkit.Deadline, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(tlsClient.CloseIdleConnections)
	unixClient := &http.Client{Timeout: testkit.Deadline, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(unixClient.CloseIdleConnections)
	for _, c := range []struct {
		client *http.Client
		url    string
		known  bool
	}{
		{unixClient, "http://socket", true}, {tlsClient, "https://" + secure.Addr, true},
		{tlsClient, "https://" + wrong.Addr, false}, // nobody whom this machine trusts has signed the certificate
		{http.DefaultClient, "http://" + off.Addr, false},
	} {
		resp, err := c.client.Get(c.url + testkit.PollingPath)
		sid, openErr := testkit.OpenedSID(testkit.ReadBody(t, resp, err))
		if openErr != nil {
			t.Fatal(openErr)
		}
		got := testkit.Ask(t, plain.Addr, http.MethodPost, testkit.PollingPath+"&sid="+sid, nil, "1")
		if (got.Body == "ok") != c.known {
			t.Errorf("%s: %v", c.url, got)
		}
		if !c.known {
			testkit.CheckRefusal(t, got, 1)
			resp, err := c.client.Post(c.url+testkit.PollingPath+"&sid="+sid, "text/plain", strings.NewReader("1"))
			_ = testkit.ReadBody(t, resp, err)
		}
	}
}
