package hardening

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks by clients that take their time: to say something, to end it, or to read what they have
// asked for. Each holds a connection for as long as it is let, and is not let for long. A header
// that does not end is in requests_test.go, and clients that never read in websocket_test.go.

// Attack: connections on which nothing is ever said, not even a TLS greeting.
func TestHardeningSilentConnections(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := testkit.SelfSigned(t)
	for name, args := range map[string][]string{"plain": nil, "TLS": {"--certfile", certFile, "--keyfile", keyFile}} {
		t.Run(name, func(t *testing.T) {
			addr := harness.Start(t, append(args, "--read-header-timeout", "1s")...).Addr
			var conns []net.Conn
			for range 20 {
				conns = append(conns, testkit.BeginRequest(t, addr, ""))
			}
			for _, conn := range conns {
				cutOff(t, conn, testkit.Deadline)
			}
		})
	}
}

// Attack: a body that never comes, or comes a byte at a time, posted to a session. It is waited
// for, but neither without end nor by anybody else.
func TestHardeningSlowBody(t *testing.T) {
	t.Parallel()
	addr := harness.Start(t, "--read-body-timeout", "1s").Addr
	unharmed := testkit.Bystander(t, addr)
	t.Run("bodies", func(t *testing.T) { // which returns when all of them have ended
		for name, framing := range map[string]string{"with a length": "Content-Length: 1000000\r\n\r\n42[", "in chunks": "Transfer-Encoding: chunked\r\n\r\nfffff\r\n42["} {
			for _, drips := range []bool{false, true} {
				t.Run(fmt.Sprint(name, ", dripping ", drips), func(t *testing.T) {
					t.Parallel()
					p := testkit.JoinPolling(t, addr, 4)
					conn := testkit.BeginRequest(t, addr, "POST "+strings.TrimPrefix(p.URL, "http://"+addr)+" HTTP/1.1\r\nHost: x\r\n"+framing)
					if drips {
						go drip(conn)
					}
					cutOff(t, conn, testkit.Deadline)
					p.Unknown()
				})
			}
		}
	})
	unharmed("slow bodies")
}

// Attack: a WebSocket message that comes a byte at a time. Behind it no pong can come, so that the
// heartbeat ends it.
func TestHardeningSlowFrame(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, "--ping-interval", "500ms", "--ping-timeout", "500ms")
	for _, frame := range [][]byte{
		testkit.MaskedFrame(testkit.FinBit|testkit.OpText, strings.Repeat("x", 60_000))[:8],
		testkit.MaskedFrame(testkit.FinBit|testkit.OpText, strings.Repeat("x", 60_000))[:3], // in the middle of its header
		testkit.MaskedFrame(testkit.OpText, "the first of many fragments"),
	} {
		c := testkit.JoinWebSocket(t, server.Addr)
		c.SendBytes(frame)
		cutOff(t, c.Conn, testkit.Deadline)
	}
	server.Stdout.WaitLines(t, "Client disconnected", 3)
}

// Attack: a response that is read a byte at a time, to hold it in the server's memory.
func TestHardeningSlowReading(t *testing.T) {
	t.Parallel()
	addr := harness.Start(t, "--ping-interval", "500ms", "--ping-timeout", "500ms", "--read-body-timeout", "500ms").Addr
	// With small buffers on the way, or the kernel would take all of it at once.
	conn := dialSmall(t, addr)
	const most = 100 // requests, one after another on one connection
	for range most {
		if _, err := io.WriteString(conn, "GET /socket.io/socket.io.esm.min.js.map HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(2 * testkit.Deadline))
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	var b [1]byte
	for range pace.C {
		_, err := conn.Read(b[:])
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the connection is still open")
		}
		if err != nil {
			break
		}
	}
	testkit.JoinWebSocket(t, addr).Chats("and the server is there")
}

// What the server says of itself: not its name, nor its version, nor those of what it is made of;
// and every response says what it is, so that no browser guesses.
func TestHardeningHeaders(t *testing.T) {
	addr := harness.Start(t).Addr
	for _, a := range []struct{ method, path string }{
		{http.MethodGet, "/"}, {http.MethodGet, "/app.js"}, {http.MethodGet, "/socket.io/socket.io.js"},
		{http.MethodGet, testkit.PollingPath}, {http.MethodGet, testkit.PollingPath + "&sid=unknown"}, {http.MethodGet, "/nothing"},
		{http.MethodGet, "/socket.io/nothing"}, {http.MethodDelete, "/"}, {http.MethodDelete, "/socket.io/"}, {http.MethodOptions, testkit.PollingPath},
	} {
		got := testkit.Ask(t, addr, a.method, a.path, nil, "")
		testkit.LeaveLater(t, addr, "", a.path, got)
		for _, name := range []string{"Server", "X-Powered-By", "Via", "X-Runtime"} {
			if got.Header.Values(name) != nil {
				t.Errorf("%s %s: the response has %s: %v", a.method, a.path, name, got.Header.Values(name))
			}
		}
		for _, word := range []string{"hipflask", "gin", "golang", "Go-"} {
			if got.Status >= 400 && strings.Contains(got.Body, word) {
				t.Errorf("%s %s: %q", a.method, a.path, got.Body)
			}
		}
		testkit.CheckHeader(t, got, "X-Content-Type-Options", "nosniff")
	}
	upgraded := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil))[0]
	if len(upgraded.Header) != 3 { // Upgrade, Connection, Sec-WebSocket-Accept
		t.Errorf("a WebSocket was answered with %v", upgraded.Header)
	}
}
