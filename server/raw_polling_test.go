package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// poller is a Socket.IO client over polling, Engine.IO 4 or 3. It polls when it is
// told to, over connections of its own.
type poller struct {
	t       *testing.T
	url     string // with the sid, once there is one
	version int
	client  *http.Client
	waiting []string // packets that a poll brought and nobody took yet
}

// openPolling opens a session, perhaps with more in the query, and takes its OPEN
// packet.
func openPolling(t *testing.T, addr string, version int, query ...string) *poller {
	t.Helper()
	// Compression is for the tests to ask for, in a header.
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	p := &poller{
		t: t, version: version,
		url:    fmt.Sprintf("http://%s/socket.io/?EIO=%d&transport=polling", addr, version) + strings.Join(query, ""),
		client: &http.Client{Transport: transport, Timeout: patience},
	}
	sid, err := openedSID(p.next())
	if err != nil {
		t.Fatal(err)
	}
	p.url += "&sid=" + sid
	p.leaveLater()
	return p
}

// leaveLater ends the session with the test: a server that shuts down would wait
// for the poll that fetches its goodbye.
func (p *poller) leaveLater() {
	p.t.Cleanup(func() { _, _ = p.do(http.MethodPost, nil, strings.NewReader(p.payload([]string{"1"}))) })
}

// opening asks for a path and returns the answer. A session that this opens ends
// with the test.
func opening(t *testing.T, addr, path string, header http.Header) answer {
	t.Helper()
	got := ask(t, addr, http.MethodGet, path, header, "")
	leaveLater(t, addr, path, got)
	return got
}

// leaveLater ends the session that an answer opened, if it did, with the test.
func leaveLater(t *testing.T, addr, path string, opened answer) {
	t.Helper()
	if _, packet, found := strings.Cut(opened.body, `{"sid":"`); found {
		sid, _, _ := strings.Cut(packet, `"`)
		p := &poller{t: t, version: 4, client: &http.Client{Timeout: patience}, url: "http://" + addr + path + "&sid=" + sid}
		if !strings.HasPrefix(opened.body, "0{") && !strings.HasPrefix(opened.body, "___eio") {
			p.version = 3
		}
		p.leaveLater()
	}
}

// joinPolling opens a session and connects to the namespace "/".
func joinPolling(t *testing.T, addr string, version int, query ...string) *poller {
	t.Helper()
	p := openPolling(t, addr, version, query...)
	if version == 4 {
		p.send("40")
	}
	if got := p.next(); !strings.HasPrefix(got, "40") {
		t.Fatalf("CONNECT was answered %.200q", got)
	}
	return p
}

// do sends a request of this session.
func (p *poller) do(method string, header http.Header, body io.Reader) (answer, error) {
	req, err := http.NewRequest(method, p.url, body)
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}

// get polls.
func (p *poller) get(header http.Header) answer {
	p.t.Helper()
	got, err := p.do(http.MethodGet, header, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// post sends a body as it is.
func (p *poller) post(contentType, body string) answer {
	p.t.Helper()
	got, err := p.do(http.MethodPost, http.Header{"Content-Type": {contentType}}, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// send sends packets in one payload.
func (p *poller) send(packets ...string) {
	p.t.Helper()
	if got := p.post("text/plain;charset=UTF-8", p.payload(packets)); got.status != http.StatusOK || got.body != "ok" {
		p.t.Fatalf("a POST was answered %v", got)
	}
}

func (p *poller) payload(packets []string) string {
	if p.version == 4 {
		return strings.Join(packets, "\x1e")
	}
	var b strings.Builder
	for _, packet := range packets {
		fmt.Fprintf(&b, "%d:%s", len(utf16.Encode([]rune(packet))), packet)
	}
	return b.String()
}

// packets splits a payload.
func (p *poller) packets(body string) ([]string, error) {
	if p.version == 4 {
		return strings.Split(body, "\x1e"), nil
	}
	var all []string
	if body != "" && body[0] <= 1 {
		return binaryPackets(body)
	}
	for body != "" {
		length, rest, _ := strings.Cut(body, ":")
		units := utf16.Encode([]rune(rest))
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || n > len(units) {
			return nil, fmt.Errorf("bad payload %.200q", body)
		}
		all = append(all, string(utf16.Decode(units[:n])))
		body = string(utf16.Decode(units[n:]))
	}
	return all, nil
}

// binaryPackets splits a payload of bytes, as Engine.IO 3 has it: text as it is, binary
// with its type in front, as over a WebSocket.
func binaryPackets(body string) ([]string, error) {
	var all []string
	for body != "" {
		digits, rest, found := strings.Cut(body[1:], "\xff")
		n := 0
		for _, d := range []byte(digits) {
			n = 10*n + int(d)
		}
		if !found || n > len(rest) {
			return nil, fmt.Errorf("bad payload %.200q", body)
		}
		all = append(all, rest[:n])
		body = rest[n:]
	}
	return all, nil
}

// next takes the next packet, and polls when there is none. It answers heartbeats.
func (p *poller) next() string {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		for len(p.waiting) > 0 {
			packet := p.waiting[0]
			p.waiting = p.waiting[1:]
			switch {
			case packet == "2" && p.version == 4:
				p.send("3")
			case packet != "6": // a noop
				return packet
			}
		}
		got := p.get(nil)
		packets, err := p.packets(got.body)
		if got.status != http.StatusOK || err != nil {
			p.t.Fatalf("a poll was answered %v: %v", got, err)
		}
		p.waiting = packets
	}
	p.t.Fatal("nothing but heartbeats and noops came")
	return ""
}

// hears takes as many packets as are wanted, and compares.
func (p *poller) hears(want ...string) {
	p.t.Helper()
	for _, packet := range want {
		if got := p.next(); got != packet {
			p.t.Fatalf("received %.200q, want %.200q", got, packet)
		}
	}
}

// awaits skips what comes before this packet.
func (p *poller) awaits(packet string) {
	p.t.Helper()
	for p.next() != packet {
	}
}

// chats says something and awaits it.
func (p *poller) chats(text string) {
	p.t.Helper()
	p.send(message(text))
	p.awaits(message(text))
}

// unknown checks that the session is gone.
func (p *poller) unknown() {
	p.t.Helper()
	checkRefusal(p.t, p.get(nil), 1)
}
