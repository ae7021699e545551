package hardening

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The process stands still for longer than any client may be silent (SIGSTOP, a virtual machine's
// pause), while the clients go on: what they send lies in the kernel.

const (
	// pongDelay is how far away the clients are. Of two thirds of them nothing is expected just
	// now, from the others a pong.
	pongDelay = 200 * time.Millisecond
	// pingEvery is how often clients of Engine.IO 3 send their heartbeat.
	pingEvery = 200 * time.Millisecond
	// frozen is longer than the time limits of the test's server, all of them together.
	frozen = 3500 * time.Millisecond
)

// beating is a client that keeps its heartbeat, until it falls silent.
type beating struct {
	kind   string
	silent atomic.Bool
	sent   atomic.Int64 // heartbeats

	mu  sync.Mutex
	err error // how it ended
}

// start has it join and go on until it is dropped, or the test is over.
func (b *beating) start(run func(b *beating) error) {
	go func() {
		err := run(b)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.err = errors.Join(errDropped, err)
	}()
}

var errDropped = errors.New("dropped")

// beats sends a heartbeat, unless the client is silent.
func (b *beating) beats(send func() error) error {
	if b.silent.Load() {
		return nil
	}
	b.sent.Add(1)
	return send()
}

func (b *beating) ended() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// beatTimes waits until all have sent so many more heartbeats.
func beatTimes(t *testing.T, clients []*beating, n int64) {
	t.Helper()
	begun := make([]int64, len(clients))
	for i, b := range clients {
		begun[i] = b.sent.Load()
	}
	awaitBeats(t, func() (waits string) {
		for i, b := range clients {
			if err := b.ended(); err != nil {
				t.Fatalf("a client by %s: %v", b.kind, err)
			}
			if b.sent.Load() < begun[i]+n {
				return "a client by " + b.kind + " has no heartbeat any more"
			}
		}
		return ""
	})
}

// awaitBeats waits until there is nothing that is waited for.
func awaitBeats(t *testing.T, waits func() string) {
	t.Helper()
	// The clients' counts, which no channel tells of.
	for deadline := time.Now().Add(testkit.Deadline); ; time.Sleep(10 * time.Millisecond) {
		what := waits()
		if what == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// beatingKinds are clients of both transports and of all protocols.
func beatingKinds(addr string) map[string]func(*beating) error {
	polling := func(version int, keepAlive bool) func(*beating) error {
		return func(b *beating) error {
			transport := &http.Transport{DisableKeepAlives: !keepAlive}
			defer transport.CloseIdleConnections()
			p := &beatingPoller{b, version, fmt.Sprintf("http://%s/socket.io/?EIO=%d&transport=polling", addr, version),
				&http.Client{Transport: transport, Timeout: testkit.Deadline}}
			return p.run()
		}
	}
	overWS := func(version int) func(*beating) error {
		return func(b *beating) error { return beatWS(b, addr, version) }
	}
	return map[string]func(*beating) error{
		"Engine.IO 4, WebSocket":                 overWS(4),
		"Engine.IO 3, WebSocket":                 overWS(3),
		"plain WebSocket":                        overWS(0),
		"Engine.IO 4, polling":                   polling(4, true),
		"Engine.IO 3, polling":                   polling(3, true),
		"Engine.IO 4, polling, new connections":  polling(4, false),
		"Engine.IO 3, polling, new connections ": polling(3, false),
	}
}

// beatWS is a client over WebSocket; version 0 is a plain one.
func beatWS(b *beating, addr string, version int) error {
	path := strings.Replace(testkit.WebSocketPath, "EIO=4", fmt.Sprint("EIO=", version), 1)
	if version == 0 {
		path = "/"
	}
	w, err := testkit.DialWebSocket(addr, path)
	if err != nil {
		return err
	}
	defer w.Close()
	switch version {
	case 4:
		err = w.SendFrame(testkit.OpText, "40")
	case 3:
		defer every(pingEvery, func() error { return b.beats(func() error { return w.SendFrame(testkit.OpText, "2") }) })()
	}
	for err == nil {
		var f testkit.Frame
		f, err = w.ReadFrame()
		answer := byte(testkit.OpText)
		switch {
		case err != nil:
		case f.Op == testkit.OpClose:
			err = &testkit.ClosedError{Code: f.Code()}
		case f.Op == testkit.OpPing:
			answer = testkit.OpPong
			fallthrough
		case string(f.Data) == "2":
			time.Sleep(pongDelay) // as a client far away answers
			err = b.beats(func() error { return w.SendFrame(answer, strings.Replace(string(f.Data), "2", "3", 1)) })
		}
	}
	return err
}

// every calls send again and again, until that fails or is stopped.
func every(pause time.Duration, send func() error) (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-over:
				return
			}
			if send() != nil {
				return // whoever reads learns why
			}
		}
	}()
	return func() {
		close(over)
		<-done
	}
}

// beatingPoller polls without a pause.
type beatingPoller struct {
	*beating
	version int
	url     string
	client  *http.Client
}

func (p *beatingPoller) do(method, body string) (string, error) {
	req, err := http.NewRequest(method, p.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	resp, err := p.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s was answered %d %s", method, resp.StatusCode, text)
	}
	return string(text), err
}

func (p *beatingPoller) post(body string) error {
	_, err := p.do(http.MethodPost, body)
	return err
}

func (p *beatingPoller) run() error {
	open, err := p.do(http.MethodGet, "")
	_, rest, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	p.url += "&sid=" + sid
	switch {
	case err != nil:
	case p.version == 4:
		err = p.post("40")
	default:
		defer every(pingEvery, func() error { return p.beats(func() error { return p.post("1:2") }) })()
	}
	for err == nil {
		var got string
		got, err = p.do(http.MethodGet, "")
		// A ping may come behind what others have said.
		if err == nil && p.version == 4 && slices.Contains(strings.Split(got, "\x1e"), "2") {
			time.Sleep(pongDelay) // as a client far away answers
			err = p.beats(func() error { return p.post("3") })
		}
	}
	return err
}

// TestHardeningFreeze: nobody is dropped for a freeze of the process, and who is silent afterwards
// is found out all the same.
func TestHardeningFreeze(t *testing.T) {
	const each = 12
	cmd, _, stderr := harness.StartServer(t, "--port", "0", "--ping-interval", "400ms", "--ping-timeout", "2s",
		"--connect-timeout", "2s", "--upgrade-timeout", "2s", "--read-header-timeout", "2s", "--read-body-timeout", "2s")
	addr := stderr.WaitMatch(t, regexp.MustCompile(`url=http://(\S+)`))[1]
	var clients, silent []*beating
	for kind, run := range beatingKinds(addr) {
		for i := range each + 1 {
			b := &beating{kind: kind}
			b.start(run)
			clients = append(clients, b)
			if i == 0 {
				silent = append(silent, b)
			}
			time.Sleep(5 * time.Millisecond) // not all in the same phase
		}
	}
	beatTimes(t, clients, 2)

	// What else has a time limit, which is not to be over before the freeze.
	late := testkit.OpenWebSocket(t, addr, testkit.WebSocketPath) // and does not ask for a namespace yet
	if _, err := late.Packet(); err != nil {
		t.Fatal(err)
	}
	upgrades := testkit.JoinPolling(t, addr, 4)
	probe := upgrades.Probed()
	header := testkit.BeginRequest(t, addr, "GET / HTTP/1.1\r\nHost: x")
	posts := testkit.JoinPolling(t, addr, 4)
	body := testkit.BeginRequest(t, addr, "POST "+strings.TrimPrefix(posts.URL, "http://"+addr)+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
	seen := testkit.JoinWebSocket(t, addr)
	seen.Chats("the server has seen them all")
	seen.Close()

	testkit.Freeze(t, cmd.Process)
	goOn := sync.OnceFunc(func() { _ = cmd.Process.Signal(syscall.SIGCONT) })
	defer goOn()
	time.Sleep(frozen) // longer than the heartbeat allows: what the attack is
	late.Send("40")
	probe.Send("5")
	for conn, rest := range map[net.Conn]string{header: "\r\n\r\n", body: "3"} {
		if _, err := io.WriteString(conn, rest); err != nil {
			t.Fatal(err)
		}
	}
	goOn()

	if got, err := late.Packet(); err != nil || !strings.HasPrefix(got, "40") {
		t.Errorf("the client that had not asked for a namespace got %q, %v", got, err)
	}
	probe.Chats("upgraded")
	for _, conn := range []net.Conn{header, body} {
		if got, err := testkit.ReadAnswer(conn, bufio.NewReader(conn), http.MethodPost); err != nil || got.Status != http.StatusOK {
			t.Errorf("a request that was under way was answered %v, %v", got, err)
		}
	}
	beatTimes(t, clients, 3)
	for _, b := range silent {
		b.silent.Store(true)
	}
	awaitBeats(t, func() (waits string) {
		for _, b := range silent {
			if b.ended() == nil {
				return "a client by " + b.kind + " is silent, and nobody finds that out"
			}
		}
		return ""
	})
}
