package operations

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The configurations in server/deploy, as they stand but for names, ports and paths.

// deployed is the text of a file in server/deploy with replacements, pairs of old and new. An old
// that is not there fails the test: the file has changed.
func deployed(t *testing.T, name string, replace ...string) string {
	t.Helper()
	content, err := os.ReadFile(testkit.InModule("server", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("deploy/%s does not hold %q", name, replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	return text
}

func TestDeployNginx(t *testing.T) {
	server := harness.Start(t)
	certFile, keyFile, pool := testkit.SelfSigned(t)
	plain, secure := "127.0.0.1:"+testkit.FreePort(t), "127.0.0.1:"+testkit.FreePort(t)
	testkit.StartNginx(t, deployed(t, "nginx.conf",
		"127.0.0.1:5000", server.Addr,
		"listen 80;", "listen "+plain+";",
		"listen 443 ssl;", "listen "+secure+" ssl;",
		"/etc/letsencrypt/live/chat.example.org/fullchain.pem", certFile,
		"/etc/letsencrypt/live/chat.example.org/privkey.pem", keyFile))
	checkProxied(t, secure, certFile, pool)

	got := testkit.Ask(t, plain, http.MethodGet, "/page?x=1", http.Header{"Connection": {"close"}}, "")
	if want := "https://127.0.0.1/page?x=1"; got.Status != http.StatusMovedPermanently || got.Header.Get("Location") != want {
		t.Errorf("without TLS: answered %v, want 301 to %s", got, want)
	}
}

func TestDeployCaddy(t *testing.T) {
	server := harness.Start(t)
	certFile, keyFile, pool := testkit.SelfSigned(t)
	secure := "127.0.0.1:" + testkit.FreePort(t)
	startCaddy(t, deployed(t, "Caddyfile",
		"127.0.0.1:5000", server.Addr,
		"chat.example.org {", "https://"+secure+" {\ntls "+certFile+" "+keyFile))
	checkProxied(t, secure, certFile, pool)
}

// startCaddy runs Caddy with these sites until the test is over. It listens when this returns.
func startCaddy(t *testing.T, sites string) {
	t.Helper()
	if _, err := exec.LookPath("caddy"); err != nil {
		testkit.Absent(t, "needs caddy")
	}
	home := t.TempDir()
	file := filepath.Join(home, "Caddyfile")
	if err := os.WriteFile(file, []byte("{\nadmin off\nauto_https off\n}\n"+sites), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _, log := harness.PrepareProgram(t, "caddy", "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // what it has to say stands in its log
		if t.Failed() {
			t.Logf("caddy said:\n%s", testkit.Tail(log.String()))
		}
	})
	waitCount(t, log, "serving initial configuration", 1)
}

// outside is a browser in front of a proxy: it trusts the proxy's certificate and speaks HTTP/2
// where it may.
type outside struct {
	t      *testing.T
	addr   string
	pool   *x509.CertPool
	client *http.Client
}

// send makes a request as a page of the origin.
func (o *outside) send(method, target, origin, payload string) (status int, text string) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, "https://"+o.addr+target, strings.NewReader(payload))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Origin", origin)
	resp, err := o.client.Do(req)
	text = testkit.ReadBody(o.t, resp, err)
	return resp.StatusCode, text
}

func (o *outside) dial() net.Conn {
	o.t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: testkit.Deadline}, "tcp", o.addr, &tls.Config{RootCAs: o.pool})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// checkProxied checks all that a proxy has to let through, and that it does not open what is
// closed.
func checkProxied(t *testing.T, addr, certFile string, pool *x509.CertPool) {
	t.Helper()
	client := &http.Client{Timeout: testkit.Deadline, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
	}}
	t.Cleanup(client.CloseIdleConnections)
	o := &outside{t, addr, pool, client}
	o.checkOwnPages()
	o.checkForeignPages()

	// The official client begins with polling and goes over to WebSocket, and long messages pass.
	t.Setenv("NODE_EXTRA_CA_CERTS", certFile)
	reports := testkit.RunScript(t, "matrix.mjs", testkit.ScriptConfig{
		URL: "https://" + addr, Client: testkit.NewestClient, Peer: testkit.NewestClient, Mode: "default", Behaviours: []string{"connect", "text", "large"},
		TextBytes: 900_000, BinaryBytes: 900_000,
	})
	testkit.CheckConnect(t, reports, "default")
}

// checkOwnPages: they may connect, whichever the transport, and hear each other.
func (o *outside) checkOwnPages() {
	o.t.Helper()
	origin := "https://" + o.addr
	webSocket := testkit.JoinOver(o.t, o.dial(), o.addr, origin)
	_, opened := o.send(http.MethodGet, testkit.PollingPath, origin, "")
	sid, err := testkit.OpenedSID(opened)
	if err != nil {
		o.t.Fatal(err)
	}
	session := testkit.PollingPath + "&sid=" + sid
	o.send(http.MethodPost, session, origin, "40")
	if _, got := o.send(http.MethodGet, session, origin, ""); !strings.HasPrefix(got, "40{") {
		o.t.Fatalf("CONNECT was answered with %q", got)
	}
	webSocket.Chats("from the WebSocket")
	if _, got := o.send(http.MethodGet, session, origin, ""); got != testkit.Message("from the WebSocket") {
		o.t.Errorf("the polling client heard %q", got)
	}
	o.send(http.MethodPost, session, origin, testkit.Message("from polling"))
	webSocket.Awaits(testkit.Message("from polling"))
	o.send(http.MethodPost, session, origin, "1")
}

// checkForeignPages: they stay outside.
func (o *outside) checkForeignPages() {
	o.t.Helper()
	const foreign = "https://evil.example"
	if status, text := o.send(http.MethodGet, testkit.PollingPath, foreign, ""); status != http.StatusBadRequest {
		o.t.Errorf("a foreign origin was answered %d %q", status, text)
	}
	_, err := testkit.ShakeHands(o.dial(), testkit.UpgradeRequest(o.addr, testkit.WebSocketPath, http.Header{"Origin": {foreign}}))
	if err == nil || !strings.Contains(err.Error(), "answered 400") {
		o.t.Errorf("a foreign WebSocket: %v, want that it is answered 400", err)
	}
}
