package testkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Many clients at a time: for tests of order, of upgrades, of leaks and of a cluster.

// LoadHTTP makes the HTTP client that polling clients share.
func LoadHTTP(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * Deadline}
}

// LoadClient is a Socket.IO client of ASCII texts over either transport. One goroutine reads with
// Next and another may send. It returns errors instead of failing the test.
type LoadClient struct {
	Addr string
	EIO  int // 3 or 4
	HTTP *http.Client
	SID  string

	waiting []string        // packets that a poll brought and nobody took yet
	Probe   chan *WebSocket // of the upgrade that was begun; nil before
	refused chan error

	requests atomic.Int64 // each has a URL of its own, as those of the official client

	mu sync.Mutex // held while sending: an upgrade waits for a POST
	WS *WebSocket // nil while polling
}

// OpenLoadClient opens a session and takes its OPEN packet.
func OpenLoadClient(addr string, eio int, transport string, h *http.Client) (*LoadClient, error) {
	c := &LoadClient{Addr: addr, EIO: eio, HTTP: h}
	if transport == "websocket" {
		ws, err := DialWebSocket(addr, c.Target(transport))
		if err != nil {
			return nil, err
		}
		c.WS = ws
	}
	open, err := c.Next()
	if err == nil {
		c.SID, err = OpenedSID(open)
	}
	if err != nil {
		c.Cut()
		return nil, fmt.Errorf("opening: %w", err)
	}
	return c, nil
}

// JoinLoadClient opens a session and connects to the namespace "/".
func JoinLoadClient(addr string, eio int, transport string, h *http.Client) (*LoadClient, error) {
	c, err := OpenLoadClient(addr, eio, transport, h)
	if err != nil {
		return nil, err
	}
	if eio == 4 {
		err = c.Send("40")
	}
	if err == nil {
		var got string
		if got, err = c.Next(); err == nil && !strings.HasPrefix(got, "40") {
			err = fmt.Errorf("CONNECT was answered %.200q", got)
		}
	}
	if err != nil {
		c.Cut()
		return nil, err
	}
	return c, nil
}

// Target is the path of the client's requests over a transport.
func (c *LoadClient) Target(transport string) string {
	target := fmt.Sprintf("/socket.io/?EIO=%d&transport=%s", c.EIO, transport)
	if c.SID != "" {
		target += "&sid=" + c.SID
	}
	return target
}

// Request sends a polling request, which ends with ctx.
func (c *LoadClient) Request(ctx context.Context, method, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://%s%s&t=%d", c.Addr, c.Target("polling"), c.requests.Add(1)), strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	resp, err := c.HTTP.Do(req)
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

// Send sends packets of ASCII together.
func (c *LoadClient) Send(packets ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.WS != nil {
		return c.WS.WriteBytes(TextFrames(packets...))
	}
	body := strings.Join(packets, "\x1e")
	if c.EIO == 3 {
		var b strings.Builder
		for _, p := range packets {
			fmt.Fprintf(&b, "%d:%s", len(p), p)
		}
		body = b.String()
	}
	got, err := c.Request(context.Background(), http.MethodPost, body)
	if err == nil && got != "ok" {
		err = fmt.Errorf("a POST was answered %.200q", got)
	}
	return err
}

// Next takes the next packet. It answers heartbeats on the way, and completes an upgrade that was
// begun as soon as the server and the polling are ready for it.
func (c *LoadClient) Next() (string, error) {
	for {
		if err := c.completeUpgrade(); err != nil {
			return "", err
		}
		if len(c.waiting) == 0 && c.WS != nil {
			return c.WS.Packet()
		}
		if len(c.waiting) == 0 {
			body, err := c.Request(context.Background(), http.MethodGet, "")
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
		case packet == "2" && c.EIO == 4:
			if err := c.Send("3"); err != nil {
				return "", err
			}
		case packet == "1":
			return "", errors.New("the server closed the session")
		case packet != "6":
			return packet, nil
		}
	}
}

func (c *LoadClient) split(body string) ([]string, error) {
	if c.EIO == 4 {
		return strings.Split(body, "\x1e"), nil
	}
	return BinaryPackets(body)
}

// BeginUpgrade opens a WebSocket and probes, beside the polling that goes on.
func (c *LoadClient) BeginUpgrade() {
	c.Probe, c.refused = make(chan *WebSocket, 1), make(chan error, 1)
	go func() {
		ws, err := DialWebSocket(c.Addr, c.Target("websocket"), TextFrames("2probe")...)
		if err == nil {
			err = ws.Expect("3probe")
		}
		if err != nil {
			c.refused <- fmt.Errorf("probing: %w", err)
			return
		}
		c.Probe <- ws
	}()
}

// completeUpgrade changes over if the probe was answered. No poll is out then, as it is the polling
// goroutine that calls it, and no POST, as that holds the mutex. What the polls brought is older
// than whatever the WebSocket brings.
func (c *LoadClient) completeUpgrade() error {
	select {
	case err := <-c.refused:
		return err
	case ws := <-c.Probe:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.WS = ws
		return ws.WriteBytes(TextFrames("5"))
	default:
		return nil
	}
}

// Cut ends the WebSocket's connection with a reset, if there is one.
func (c *LoadClient) Cut() {
	if c.WS != nil {
		if tcp, ok := c.WS.Conn.(interface{ SetLinger(int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.WS.Close()
	}
}

// Leave ends the session in an orderly way.
func (c *LoadClient) Leave() error {
	if err := c.Send("1"); err != nil {
		return err
	}
	if c.WS == nil {
		return nil
	}
	_, err := c.WS.End()
	return errors.Join(err, c.WS.Close())
}

// NextOf skips the heartbeats of a client that is read from late.
func (c *LoadClient) NextOf(event string) (string, error) {
	for {
		packet, err := c.Next()
		if err != nil || strings.HasPrefix(packet, `42["`+event+`"`) {
			return packet, err
		}
	}
}

// SendUnlimited is Send without a limit of time.
func (c *LoadClient) SendUnlimited(packets ...string) error {
	c.mu.Lock()
	ws := c.WS
	c.mu.Unlock()
	if ws == nil {
		return c.Send(packets...)
	}
	_ = ws.SetWriteDeadline(time.Time{})
	_, err := ws.Write(TextFrames(packets...))
	return err
}
