package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// Poller is a Socket.IO client over polling, Engine.IO 4 or 3. It polls when it is told to, over
// connections of its own.
type Poller struct {
	T       testing.TB
	URL     string // with the sid, once there is one
	Host    string // of its requests; empty: the URL's
	Version int
	Client  *http.Client
	Waiting []string // packets that a poll brought and nobody took yet
}

// OpenPolling opens a session, perhaps with more in the query, and takes its OPEN packet.
func OpenPolling(t testing.TB, addr string, version int, query ...string) *Poller {
	t.Helper()
	// Compression is for the tests to ask for, in a header.
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	p := &Poller{
		T: t, Version: version,
		URL:    fmt.Sprintf("http://%s/socket.io/?EIO=%d&transport=polling", addr, version) + strings.Join(query, ""),
		Client: &http.Client{Transport: transport, Timeout: Deadline},
	}
	sid, err := OpenedSID(p.Next())
	if err != nil {
		t.Fatal(err)
	}
	p.URL += "&sid=" + sid
	p.leaveLater()
	return p
}

// leaveLater ends the session with the test, by the URL that it has now: a server that shuts down
// would wait for the poll that fetches its end, for five seconds.
func (p *Poller) leaveLater() {
	leaves := *p
	p.T.Cleanup(func() { leaves.Leave() })
}

// Leave ends the session, if it is still there. A test that stops its server itself calls it.
func (p *Poller) Leave() {
	_, _ = p.Do(http.MethodPost, nil, strings.NewReader(p.Payload([]string{"1"})))
}

// Opening asks for a path and returns the answer. A session that this opens ends with the test.
func Opening(t testing.TB, addr, path string, header http.Header) Answer {
	t.Helper()
	got := Ask(t, addr, http.MethodGet, path, header, "")
	LeaveLater(t, addr, "", path, got)
	return got
}

// LeaveLater ends the session that an answer opened, if it did, with the test. Host may be empty,
// for the address.
func LeaveLater(t testing.TB, addr, host, path string, opened Answer) {
	t.Helper()
	// In a script of JSONP the quotes are escaped, and a POST would have to be a form.
	if _, packet, found := strings.Cut(strings.ReplaceAll(opened.Body, `\"`, `"`), `{"sid":"`); found {
		sid, _, _ := strings.Cut(packet, `"`)
		path = strings.Replace(path, "&j=0", "", 1)
		p := &Poller{T: t, Version: 4, Client: &http.Client{Timeout: Deadline}, URL: "http://" + addr + path + "&sid=" + sid, Host: host}
		if strings.Contains(path, "EIO=3") {
			p.Version = 3
		}
		p.leaveLater()
	}
}

// JoinPolling opens a session and connects to the namespace "/".
func JoinPolling(t testing.TB, addr string, version int, query ...string) *Poller {
	t.Helper()
	p := OpenPolling(t, addr, version, query...)
	if version == 4 {
		p.Send("40")
	}
	if got := p.Next(); !strings.HasPrefix(got, "40") {
		t.Fatalf("CONNECT was answered %.200q", got)
	}
	return p
}

// Do sends a request of this session.
func (p *Poller) Do(method string, header http.Header, body io.Reader) (Answer, error) {
	req, err := http.NewRequest(method, p.URL, body)
	if err != nil {
		return Answer{}, err
	}
	req.Host = p.Host
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := p.Client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return Answer{resp.StatusCode, resp.Header, string(text)}, err
}

// Get polls.
func (p *Poller) Get(header http.Header) Answer {
	p.T.Helper()
	got, err := p.Do(http.MethodGet, header, nil)
	if err != nil {
		p.T.Fatal(err)
	}
	return got
}

// Post sends a body as it is.
func (p *Poller) Post(contentType, body string) Answer {
	p.T.Helper()
	got, err := p.Do(http.MethodPost, http.Header{"Content-Type": {contentType}}, strings.NewReader(body))
	if err != nil {
		p.T.Fatal(err)
	}
	return got
}

// Send sends packets in one payload.
func (p *Poller) Send(packets ...string) {
	p.T.Helper()
	if got := p.Post("text/plain;charset=UTF-8", p.Payload(packets)); got.Status != http.StatusOK || got.Body != "ok" {
		p.T.Fatalf("a POST was answered %v", got)
	}
}

// Payload is the body that sends packets.
func (p *Poller) Payload(packets []string) string {
	if p.Version == 4 {
		return strings.Join(packets, "\x1e")
	}
	var b strings.Builder
	for _, packet := range packets {
		fmt.Fprintf(&b, "%d:%s", len(utf16.Encode([]rune(packet))), packet)
	}
	return b.String()
}

// Packets splits a payload.
func (p *Poller) Packets(body string) ([]string, error) {
	if p.Version == 4 {
		return strings.Split(body, "\x1e"), nil
	}
	var all []string
	if body != "" && body[0] <= 1 {
		return BinaryPackets(body)
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

// BinaryPackets splits a payload of bytes, as Engine.IO 3 has it: text as it is, binary with its
// type in front, as over a WebSocket.
func BinaryPackets(body string) ([]string, error) {
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

// Next takes the next packet, and polls when there is none. It answers heartbeats.
func (p *Poller) Next() string {
	p.T.Helper()
	for deadline := time.Now().Add(Deadline); time.Now().Before(deadline); {
		for len(p.Waiting) > 0 {
			packet := p.Waiting[0]
			p.Waiting = p.Waiting[1:]
			switch {
			case packet == "2" && p.Version == 4:
				p.Send("3")
			case packet != "6": // a noop
				return packet
			}
		}
		got := p.Get(nil)
		packets, err := p.Packets(got.Body)
		if got.Status != http.StatusOK || err != nil {
			p.T.Fatalf("a poll was answered %v: %v", got, err)
		}
		p.Waiting = packets
	}
	p.T.Fatal("nothing but heartbeats and noops came")
	return ""
}

// Hears takes as many packets as are wanted, and compares.
func (p *Poller) Hears(want ...string) {
	p.T.Helper()
	for _, packet := range want {
		if got := p.Next(); got != packet {
			p.T.Fatalf("received %.200q, want %.200q", got, packet)
		}
	}
}

// Awaits skips what comes before this packet.
func (p *Poller) Awaits(packet string) {
	p.T.Helper()
	for p.Next() != packet {
	}
}

// Chats says something and awaits it.
func (p *Poller) Chats(text string) {
	p.T.Helper()
	p.Send(Message(text))
	p.Awaits(Message(text))
}

// TurnedAway polls for the last time, at a server that goes down.
func (p *Poller) TurnedAway() {
	p.T.Helper()
	if got := p.Get(nil); got.Status != http.StatusBadRequest || got.Body != `{"code":4,"message":"The server is shutting down"}` {
		p.T.Errorf("the last poll was answered %v", got)
	}
}

// Unknown checks that the session is gone.
func (p *Poller) Unknown() {
	p.T.Helper()
	CheckRefusal(p.T, p.Get(nil), 1)
}

// Upgrading opens a WebSocket for a polling session. With the text of a packet it sends that.
func (p *Poller) Upgrading(packets ...string) *Client {
	p.T.Helper()
	addr, path, _ := strings.Cut(strings.TrimPrefix(p.URL, "http://"), "/")
	c := OpenWebSocket(p.T, addr, "/"+strings.Replace(path, "polling", "websocket", 1))
	c.Send(packets...)
	return c
}

// Probed opens a WebSocket for a polling session and has its probe answered.
func (p *Poller) Probed() *Client {
	p.T.Helper()
	c := p.Upgrading("2probe")
	c.Hears("3probe")
	return c
}

// UpgradeRefused asks for a WebSocket for a polling session, and returns the refusal.
func (p *Poller) UpgradeRefused() Answer {
	p.T.Helper()
	addr, path, _ := strings.Cut(strings.TrimPrefix(p.URL, "http://"), "/")
	return Exchange(p.T, addr, UpgradeRequest(addr, "/"+strings.Replace(path, "polling", "websocket", 1), nil))[0]
}

// Placeholders stand in an event for n attachments, separated by commas.
func Placeholders(n int) string {
	list := make([]json.RawMessage, n)
	for i := range list {
		list[i] = fmt.Appendf(nil, `{"_placeholder":true,"num":%d}`, i)
	}
	text, _ := json.Marshal(list) // valid JSON always marshals
	return strings.Trim(string(text), "[]")
}
