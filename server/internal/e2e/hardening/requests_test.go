package hardening

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks that need no session: on the HTTP server, its requests and its methods. Each test names
// the attack it stops. Those over WebSocket and on sessions are in websocket_test.go and
// session_test.go.

// cutOff checks that the server ends a connection, whatever it writes before that.
func cutOff(t *testing.T, conn net.Conn, within time.Duration) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(within))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open after %v", within)
	}
}

// Attack: slowloris, many connections with a header that never ends.
func TestHardeningSlowloris(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, "--read-header-timeout", "1s")
	unharmed := testkit.Bystander(t, server.Addr)
	var conns []net.Conn
	for i := range 40 {
		conn := testkit.BeginRequest(t, server.Addr, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		if i%2 == 0 {
			go drip(conn)
		}
		conns = append(conns, conn)
	}
	unharmed("forty headers that do not end")
	for _, conn := range conns {
		cutOff(t, conn, testkit.Deadline)
	}
}

// drip sends a byte now and then, until it is cut off.
func drip(conn net.Conn) {
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for range pace.C {
		if _, err := conn.Write([]byte("a")); err != nil {
			return
		}
	}
}

// Attack: headers that fill the memory, one long one or very many.
func TestHardeningHeaderBomb(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	many := make(http.Header)
	for i := range 20_000 {
		many.Set(fmt.Sprint("X-Header-", i), "value")
	}
	for name, header := range map[string]http.Header{
		"one of 1 MB":           {"X-Long": {strings.Repeat("x", 1<<20)}},
		"a cookie of 1 MB":      {"Cookie": {strings.Repeat("a=b; ", 1<<18)}},
		"20,000 of a few bytes": many,
	} {
		if got := bomb(t, addr, "/socket.io/", header); got.Status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: answered %v, want 431", name, got)
		}
	}
	unharmed("header bombs")
}

// Attack: a URL of 1 MB. One of a few kilobytes, as tokens in a query make it, is served.
func TestHardeningLongURL(t *testing.T) {
	addr := harness.Start(t).Addr
	if got := bomb(t, addr, testkit.PollingPath+"&token="+strings.Repeat("x", 1<<20), nil); got.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %v, want 431", got)
	}
	if got := testkit.Opening(t, addr, testkit.PollingPath+"&token="+strings.Repeat("x", 16<<10), nil); got.Status != http.StatusOK {
		t.Errorf("a token of 16 KB was answered %v", got)
	}
}

// bomb sends a request that the server is not to read to its end.
func bomb(t *testing.T, addr, path string, header http.Header) testkit.Answer {
	t.Helper()
	conn, err := testkit.DialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { // it stands still, or fails, once the server reads no more
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n", path, addr)
		_ = header.Write(conn)
		_, _ = io.WriteString(conn, "\r\n")
	}()
	got, err := testkit.ReadAnswer(conn, bufio.NewReader(conn), http.MethodGet)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Attack: a body that was announced and never comes, on requests that are refused: they have to be
// answered without it.
func TestHardeningBodyThatNeverComesWithARefusedRequest(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	requests := map[string]int{
		"POST /socket.io/?EIO=4&transport=polling&sid=unknown": http.StatusBadRequest,
		"POST /socket.io/?EIO=4&transport=polling":             http.StatusBadRequest,
		"GET /socket.io/?EIO=4&transport=none":                 http.StatusBadRequest,
		"PUT /socket.io/?EIO=4&transport=polling":              http.StatusMethodNotAllowed,
		"POST /nothing/here":                                   http.StatusNotFound,
		"POST /":                                               http.StatusMethodNotAllowed,
	}
	t.Run("requests", func(t *testing.T) {
		for request, want := range requests {
			for _, length := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
				t.Run(request+" "+length, func(t *testing.T) {
					t.Parallel()
					conn := testkit.BeginRequest(t, addr, request+" HTTP/1.1\r\nHost: x\r\n"+length+"\r\n\r\n")
					got, err := testkit.ReadAnswer(conn, bufio.NewReader(conn), http.MethodPost)
					if err != nil || got.Status != want {
						t.Errorf("answered %v, %v; want %d", got, err, want)
					}
				})
			}
		}
	})
	unharmed("bodies that never come")
}

// Attack: a POST over the limit, and one that announces a body of 10 GB.
func TestHardeningOversizePOST(t *testing.T) {
	server := harness.Start(t, "--max-http-buffer-size", "10000")
	unharmed := testkit.Bystander(t, server.Addr)
	p := testkit.JoinPolling(t, server.Addr, 4)
	if got := p.Post("text/plain", testkit.Message(strings.Repeat("x", 10_000))); got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %v, want 413", got)
	}
	p.Unknown()
	p = testkit.JoinPolling(t, server.Addr, 4)
	path := strings.TrimPrefix(p.URL, "http://"+server.Addr)
	conn := testkit.BeginRequest(t, server.Addr, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n42[")
	got, err := testkit.ReadAnswer(conn, bufio.NewReader(conn), http.MethodPost)
	if err != nil || got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("10 GB were answered %v, %v; want 413", got, err)
	}
	p.Unknown()
	unharmed("POSTs over the limit")
	harness.CheckLogged(t, server, "--max-http-buffer-size")
}

// Attack: HTTP request smuggling. Whatever two servers in a row could take for different requests
// is refused, or read by the length that RFC 9112 says counts.
func TestHardeningRequestSmuggling(t *testing.T) {
	addr := harness.Start(t).Addr
	const chunked = "Transfer-Encoding: chunked\r\n"
	hidden := "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, test := range map[string]struct {
		headers, body string
		statuses      []int // of all answers; one more would be the hidden request's
	}{
		"two lengths":             {"Content-Length: 1\r\nContent-Length: 34\r\n", "4" + hidden, []int{400}},
		"a length twice":          {"Content-Length: 1\r\nContent-Length: 1\r\n", "9", []int{400}},
		"a list of lengths":       {"Content-Length: 1, 34\r\n", "4" + hidden, []int{400}},
		"a signed length":         {"Content-Length: +1\r\n", "4" + hidden, []int{400}},
		"a hexadecimal length":    {"Content-Length: 0x1\r\n", "4" + hidden, []int{400}},
		"length and chunks":       {"Content-Length: 1\r\n" + chunked, "22\r\n" + hidden + "\r\n0\r\n\r\n", []int{400}},
		"chunks, then a length":   {chunked + "Content-Length: 1\r\n", "22\r\n" + hidden + "\r\n0\r\n\r\n", []int{400}},
		"space before the colon":  {"Transfer-Encoding : chunked\r\nContent-Length: 1\r\n", "4" + hidden, []int{400}},
		"space before the length": {"Content-Length : 1\r\n", "4" + hidden, []int{400}},
		"an unknown encoding":     {"Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + hidden, []int{501}},
		"two encodings":           {"Transfer-Encoding: identity\r\n" + chunked, "0\r\n\r\n" + hidden, []int{501}},
		"a folded header":         {"X-Folded: a\r\n " + chunked, hidden, []int{400, 404}},
		"a chunk size with 0x":    {chunked, "0x1\r\n4\r\n0\r\n\r\n" + hidden, []int{400}},
		"a negative chunk size":   {chunked, "-1\r\n4\r\n0\r\n\r\n" + hidden, []int{400}},
		"a chunk without its end": {chunked, "1\r\n4X0\r\n\r\n" + hidden, []int{400}},
	} {
		t.Run(name, func(t *testing.T) {
			p := testkit.JoinPolling(t, addr, 4)
			path := strings.TrimPrefix(p.URL, "http://"+addr)
			var got []int
			for _, a := range testkit.Exchange(t, addr, "POST "+path+" HTTP/1.1\r\nHost: x\r\n"+test.headers+"\r\n"+test.body) {
				got = append(got, a.Status)
			}
			if fmt.Sprint(got) != fmt.Sprint(test.statuses) {
				t.Errorf("answered %v, want %v", got, test.statuses)
			}
		})
	}
}

// Attack: HTTP/1.0, in which a connection is not kept and chunks do not exist. A poll works, a
// WebSocket is refused.
func TestHardeningHTTP10(t *testing.T) {
	addr := harness.Start(t).Addr
	got := testkit.Exchange(t, addr, "GET "+testkit.PollingPath+" HTTP/1.0\r\n\r\nGET /hidden HTTP/1.0\r\n\r\n")
	testkit.LeaveLater(t, addr, "", testkit.PollingPath, got[0])
	if len(got) != 1 || got[0].Status != http.StatusOK || !strings.HasPrefix(got[0].Body, `0{"sid":`) {
		t.Errorf("a poll was answered %v", got)
	}
	upgrade := strings.Replace(testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil), "HTTP/1.1", "HTTP/1.0", 1)
	if got := testkit.Exchange(t, addr, upgrade); len(got) != 1 || got[0].Status != http.StatusBadRequest {
		t.Errorf("a WebSocket was answered %v", got)
	}
}

// Attack: a request without a Host, with two, or for no HTTP version that is spoken.
func TestHardeningMalformedRequests(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	for _, request := range []string{
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX-Null: a\x00b\r\n\r\n",
		"GET / HTTP/3.0\r\nHost: x\r\n\r\n",
		"GET / FTP/1.1\r\nHost: x\r\n\r\n",
		"GET no-slash HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n", // a TLS greeting
	} {
		if got := testkit.Exchange(t, addr, request); len(got) != 1 || got[0].Status < 400 {
			t.Errorf("%q was answered %v", request, got)
		}
	}
	unharmed("malformed requests")
}

// Attack: HTTP/3 and WebTransport, whose library has a known vulnerability (CVE-2026-40898), are
// never offered.
func TestHardeningNoHTTP3(t *testing.T) {
	addr := harness.Start(t).Addr
	for _, path := range []string{"/", "/socket.io/socket.io.js", testkit.PollingPath, "/nothing"} {
		if got := testkit.Opening(t, addr, path, nil); got.Header.Values("Alt-Svc") != nil {
			t.Errorf("%s offers %v", path, got.Header.Values("Alt-Svc"))
		}
	}
	testkit.CheckRefusal(t, testkit.Ask(t, addr, http.MethodGet, "/socket.io/?EIO=4&transport=webtransport", nil, ""), 0)
	if got := testkit.Ask(t, addr, http.MethodConnect, "/socket.io/?EIO=4&transport=webtransport", nil, ""); got.Status != http.StatusMethodNotAllowed {
		t.Errorf("CONNECT was answered %v", got)
	}
	if udp, err := net.ListenPacket("udp", addr); err != nil {
		t.Errorf("UDP on the server's port: %v", err)
	} else {
		_ = udp.Close()
	}
}
