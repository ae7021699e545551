package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// Many clients at a time: what the tests of order, of upgrades and of leaks share.

// loadLines is a server's stdout that counts the lines instead of keeping them.
type loadLines struct {
	mu                      sync.Mutex
	connected, disconnected int
	messages                map[string]int // how often each was handled
	rest                    []byte         // of a line that is not complete
}

func (l *loadLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, complete := bytes.Cut(l.rest, []byte("\n"))
		if !complete {
			l.rest = bytes.Clone(l.rest)
			return len(p), nil
		}
		l.rest = rest
		switch text := string(line); text {
		case "Client connected":
			l.connected++
		case "Client disconnected":
			l.disconnected++
		default:
			if l.messages != nil {
				l.messages[strings.TrimPrefix(text, "Received message: ")]++
			}
		}
	}
}

func (l *loadLines) counts() (connected, disconnected int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.connected, l.disconnected
}

// loadServer runs the server as startServer does, with a stdout of the test's.
func loadServer(t *testing.T, stdout io.Writer, args ...string) (addr string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stderr := testkit.NewOutput()
	stderr.Most = 64 << 10 // a test that watches the heap must not fill it with a line a connection
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"--port", "0"}, args...), noEnv, stdout, stderr)
		stderr.End()
		done <- err
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
			if strings.Contains(stderr.String(), "not everything ended in time") {
				t.Error("the server was cut short")
			}
		case <-time.After(2 * testkit.Patience):
			t.Errorf("the server did not stop within %v", 2*testkit.Patience)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", testkit.Tail(stderr.String()))
		}
	})
	t.Cleanup(stop)
	return stderr.WaitMatch(t, regexp.MustCompile(`https?://([^\s"/]+:\d+)`))[1], stop
}

// loadHTTP makes what polling clients share.
func loadHTTP(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * testkit.Patience}
}

// loadSeed is for what a test leaves to chance: HIPFLASK_TEST_SEED, or a new one.
func loadSeed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("HIPFLASK_TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HIPFLASK_TEST_SEED=%d", seed)
	return seed
}

// loadClient is a Socket.IO client over either transport. One goroutine reads with
// next and another may send. It reports errors instead of failing the test.
type loadClient struct {
	addr    string
	eio     int
	http    *http.Client
	sid     string
	waiting []string // packets that a poll brought and nobody took yet
	probe   chan *testkit.WebSocket
	refused chan error

	requests atomic.Int64 // each has a URL of its own, as those of the official client

	mu sync.Mutex         // held while sending: an upgrade waits for a POST
	ws *testkit.WebSocket // nil while polling
}

// loadOpen opens a session and takes its OPEN packet.
func loadOpen(addr string, eio int, transport string, h *http.Client) (*loadClient, error) {
	c := &loadClient{addr: addr, eio: eio, http: h}
	if transport == "websocket" {
		ws, err := testkit.DialWebSocket(addr, c.target(transport))
		if err != nil {
			return nil, err
		}
		c.ws = ws
	}
	open, err := c.next()
	if err == nil {
		c.sid, err = testkit.OpenedSID(open)
	}
	if err != nil {
		c.cut()
		return nil, fmt.Errorf("opening: %w", err)
	}
	return c, nil
}

// loadJoin opens a session and connects to the namespace "/".
func loadJoin(addr string, eio int, transport string, h *http.Client) (*loadClient, error) {
	c, err := loadOpen(addr, eio, transport, h)
	if err != nil {
		return nil, err
	}
	if eio == 4 {
		err = c.send("40")
	}
	if err == nil {
		var got string
		if got, err = c.next(); err == nil && !strings.HasPrefix(got, "40") {
			err = fmt.Errorf("CONNECT was answered %.200q", got)
		}
	}
	if err != nil {
		c.cut()
		return nil, err
	}
	return c, nil
}

func (c *loadClient) target(transport string) string {
	target := fmt.Sprintf("/socket.io/?EIO=%d&transport=%s", c.eio, transport)
	if c.sid != "" {
		target += "&sid=" + c.sid
	}
	return target
}

// request sends a polling request, which ends with ctx.
func (c *loadClient) request(ctx context.Context, method, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://%s%s&t=%d", c.addr, c.target("polling"), c.requests.Add(1)), strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s was answered %d %.200q", method, resp.StatusCode, text)
	}
	return string(text), err
}

// send sends packets of ASCII together.
func (c *loadClient) send(packets ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws != nil {
		return c.ws.WriteBytes(testkit.TextFrames(packets...))
	}
	body := strings.Join(packets, "\x1e")
	if c.eio == 3 {
		var b strings.Builder
		for _, p := range packets {
			fmt.Fprintf(&b, "%d:%s", len(p), p)
		}
		body = b.String()
	}
	got, err := c.request(context.Background(), http.MethodPost, body)
	if err == nil && got != "ok" {
		err = fmt.Errorf("a POST was answered %.200q", got)
	}
	return err
}

// next takes the next packet. It answers heartbeats on the way, and completes an
// upgrade that was begun as soon as the server and the polling are ready for it.
func (c *loadClient) next() (string, error) {
	for {
		if err := c.completeUpgrade(); err != nil {
			return "", err
		}
		if len(c.waiting) == 0 && c.ws != nil {
			return c.ws.Packet()
		}
		if len(c.waiting) == 0 {
			body, err := c.request(context.Background(), http.MethodGet, "")
			if err == nil {
				c.waiting, err = c.split(body)
			}
			if err != nil {
				return "", err
			}
		}
		packet := c.waiting[0]
		c.waiting = c.waiting[1:]
		switch {
		case packet == "2" && c.eio == 4:
			if err := c.send("3"); err != nil {
				return "", err
			}
		case packet == "1":
			return "", errors.New("the server closed the session")
		case packet != "6":
			return packet, nil
		}
	}
}

func (c *loadClient) split(body string) ([]string, error) {
	if c.eio == 4 {
		return strings.Split(body, "\x1e"), nil
	}
	return testkit.BinaryPackets(body)
}

// beginUpgrade opens a WebSocket and probes, beside the polling that goes on.
func (c *loadClient) beginUpgrade() {
	c.probe, c.refused = make(chan *testkit.WebSocket, 1), make(chan error, 1)
	go func() {
		ws, err := testkit.DialWebSocket(c.addr, c.target("websocket"), testkit.TextFrames("2probe")...)
		if err == nil {
			err = ws.Expect("3probe")
		}
		if err != nil {
			c.refused <- fmt.Errorf("probing: %w", err)
			return
		}
		c.probe <- ws
	}()
}

// completeUpgrade changes over if the probe was answered. No poll is out then, as it
// is the polling goroutine that calls it, and no POST, as that holds the mutex. What
// the polls brought is older than whatever the WebSocket brings.
func (c *loadClient) completeUpgrade() error {
	select {
	case err := <-c.refused:
		return err
	case ws := <-c.probe:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ws = ws
		return ws.WriteBytes(testkit.TextFrames("5"))
	default:
		return nil
	}
}

// cut ends the WebSocket's connection with a reset, if there is one.
func (c *loadClient) cut() {
	if c.ws != nil {
		if tcp, ok := c.ws.Conn.(interface{ SetLinger(int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.ws.Close()
	}
}

// leave ends the session in an orderly way.
func (c *loadClient) leave() error {
	if err := c.send("1"); err != nil {
		return err
	}
	if c.ws == nil {
		return nil
	}
	_, err := c.ws.End()
	return errors.Join(err, c.ws.Close())
}

// loadText is the text of a message: who sent it, its number, and something to make
// it longer.
func loadText(sender, number, padding int) string {
	return fmt.Sprintf("%d.%d.%s", sender, number, strings.Repeat("x", padding))
}

// loadRead reads who sent a message and its number out of the packet.
func loadRead(packet string) (sender, number int, ok bool) {
	text, isMessage := strings.CutPrefix(packet, `42["message","`)
	parts := strings.SplitN(text, ".", 3)
	if !isMessage || len(parts) != 3 {
		return 0, 0, false
	}
	sender, err1 := strconv.Atoi(parts[0])
	number, err2 := strconv.Atoi(parts[1])
	return sender, number, err1 == nil && err2 == nil
}
