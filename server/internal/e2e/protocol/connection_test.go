package protocol

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// asker sends requests over one connection, or each over one of its own.
type asker struct {
	t      *testing.T
	addr   string
	target string // with the session's id
	keeps  bool
	conn   net.Conn // nil before the first
	r      *bufio.Reader
}

// ask sends a request, in whose target S stands for the session's, and returns what is answered, but
// for what differs each time.
func (a *asker) ask(method, target, body string, lines ...string) string {
	a.t.Helper()
	if a.conn == nil || !a.keeps {
		a.conn = testkit.BeginRequest(a.t, a.addr, "")
		a.r = bufio.NewReader(a.conn)
	}
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n", method, strings.Replace(target, "S", a.target, 1))
	if method == http.MethodPost {
		request += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := io.WriteString(a.conn, request+strings.Join(append(lines, "", ""), "\r\n")+body); err != nil {
		a.t.Fatal(err)
	}
	answer, err := http.ReadResponse(a.r, nil)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, target, err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	answer.Header.Del("Date")
	if answer.Close { // the next request needs another connection
		a.conn = nil
	}
	return fmt.Sprint(answer.Status, answer.Header, string(text))
}

// What a request of a session is answered does not depend on whether its connection is new, or has
// brought other requests of the session before.
func TestAnswersOverOneConnection(t *testing.T) {
	const origin = "Origin: https://example.com"
	var askers []*asker
	for _, keeps := range []bool{true, false} {
		// Each has a server, since all clients would get what one says.
		addr := harness.Start(t, "--cors-allowed-origins", "https://example.com").Addr
		p := testkit.OpenPolling(t, addr, 4)
		askers = append(askers, &asker{t: t, addr: addr, target: strings.TrimPrefix(p.URL, "http://"+addr), keeps: keeps})
	}
	said := func(text string) string { return `42["message","` + text + `"]` }
	for _, test := range []struct {
		method, target, body string
		lines                []string
	}{
		{method: "POST", target: "S", body: "40/none,"},
		{method: "GET", target: "S"}, // which says that there is none
		{method: "POST", target: "S", body: "40/none,", lines: []string{origin}},
		{method: "GET", target: "S", lines: []string{origin}},
		{method: "POST", target: "S", body: "40/" + strings.Repeat("none", 1000) + ",", lines: []string{"Accept-Encoding: gzip"}},
		{method: "GET", target: "S", lines: []string{"Accept-Encoding: gzip"}},
		{method: "GET", target: "S", lines: []string{"Origin: https://other.example"}},
		{method: "POST", target: "S", lines: []string{"Origin: null"}},
		{method: "POST", target: "S", body: "40/none,"},
		{method: "GET", target: "S&j=1", lines: []string{"Referer: http://localhost/"}},
		{method: "GET", target: "Sx"},
		{method: "GET", target: "S&transport=none"},
		{method: "OPTIONS", target: "S", lines: []string{origin}},
		{method: "PUT", target: "S"},
		{method: "GET", target: "/socket.io/?EIO=4&transport=none"},
		{method: "GET", target: "/nothing"},
		{method: "POST", target: "S", body: said("too early")},
		{method: "GET", target: "S"},
	} {
		over, alone := askers[0].ask(test.method, test.target, test.body, test.lines...), askers[1].ask(test.method, test.target, test.body, test.lines...)
		if over != alone {
			t.Errorf("%s %s %q is answered\n%s over a connection that is kept, and\n%s over a new one", test.method, test.target, test.lines, over, alone)
		}
	}
}

// A WebSocket can follow polls over their connection, and a page, and polls both of them.
func TestAllOverOneConnection(t *testing.T) {
	server := harness.Start(t)
	p := testkit.OpenPolling(t, server.Addr, 4)
	target := strings.TrimPrefix(p.URL, "http://"+server.Addr)
	a := &asker{t: t, addr: server.Addr, target: target, keeps: true}
	for range 2 {
		if got := a.ask("POST", "S", "2"); !strings.HasSuffix(got, "ok") {
			t.Fatal(got)
		}
		if got := a.ask("GET", "/", ""); !strings.HasPrefix(got, "200") {
			t.Fatal(got)
		}
	}
	if got := a.ask("POST", "S", "40"); !strings.HasSuffix(got, "ok") {
		t.Fatal(got)
	}
	if got := a.ask("GET", "S", ""); !strings.Contains(got, `40{"sid"`) {
		t.Fatal(got)
	}
	conn := a.conn
	if _, err := io.WriteString(conn, "GET "+strings.Replace(target, "polling", "websocket", 1)+" HTTP/1.1\r\nHost: localhost\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.ReadResponse(a.r, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", answer, err)
	}
	frame := func(text string) string {
		return "\x81" + string([]byte{0x80 | byte(len(text))}) + "\x00\x00\x00\x00" + text
	}
	if _, err := io.WriteString(conn, frame("2probe")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x81\x063probe", "\x81\x13" + `42["message","late"]`} {
		got := make([]byte, len(want))
		if want[2] == '4' {
			if _, err := io.WriteString(conn, frame("5")+frame(`42["message","late"]`)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.ReadFull(a.r, got); err != nil || string(got[2:]) != want[2:] {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
}
