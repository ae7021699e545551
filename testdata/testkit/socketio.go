package testkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The paths that open a session of Engine.IO 4.
const (
	WebSocketPath = "/socket.io/?EIO=4&transport=websocket"
	PollingPath   = "/socket.io/?EIO=4&transport=polling"
)

// Message is the Engine.IO packet of an event "message" with one text.
func Message(text string) string {
	quoted, _ := json.Marshal(text) // a string always marshals
	return `42["message",` + string(quoted) + `]`
}

// Packet reads the next Engine.IO packet. It answers heartbeats on the way, those of Engine.IO and
// those of WebSocket.
func (w *WebSocket) Packet() (string, error) {
	f, err := w.message()
	if err == nil && f.Op != OpText {
		err = fmt.Errorf("a frame with opcode %#x and %.100q", f.Op, f.Data)
	}
	if err != nil {
		return "", err
	}
	return string(f.Data), nil
}

// message reads the next frame that is no heartbeat.
func (w *WebSocket) message() (Frame, error) {
	for {
		f, err := w.ReadFrame()
		switch {
		case err != nil:
			return f, err
		case f.Op == OpPing:
			err = w.SendFrame(OpPong, string(f.Data))
		case f.Op == OpClose:
			return f, &ClosedError{f.Code()}
		case f.Op == OpText && string(f.Data) == "2":
			err = w.SendFrame(OpText, "3")
		default:
			return f, nil
		}
		if err != nil {
			return f, err
		}
	}
}

// Expect reads a packet and compares.
func (w *WebSocket) Expect(want string) error {
	got, err := w.Packet()
	if err == nil && got != want {
		err = fmt.Errorf("received %.200q, want %.200q", got, want)
	}
	return err
}

// SkipTo reads until this packet has come, past attachments as well, and returns how many frames
// came before it.
func (w *WebSocket) SkipTo(want string) (skipped int, err error) {
	for ; ; skipped++ {
		f, err := w.message()
		if err != nil {
			return skipped, fmt.Errorf("waiting for %.200q: %w", want, err)
		}
		if f.Op == OpText && string(f.Data) == want {
			return skipped, nil
		}
	}
}

// Join reads the OPEN packet and connects to the namespace "/".
func (w *WebSocket) Join() (sid string, err error) {
	open, err := w.Packet()
	if err != nil {
		return "", err
	}
	if sid, err = OpenedSID(open); err != nil {
		return "", err
	}
	if err = w.SendFrame(OpText, "40"); err != nil {
		return "", err
	}
	connected, err := w.Packet()
	if err == nil && !strings.HasPrefix(connected, `40{"sid":`) {
		err = fmt.Errorf("CONNECT was answered %.200q", connected)
	}
	return sid, err
}

// OpenedSID reads the session id out of an OPEN packet.
func OpenedSID(packet string) (string, error) {
	data, isOpen := strings.CutPrefix(packet, "0")
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(data), &open); !isOpen || err != nil || open.SID == "" {
		return "", fmt.Errorf("no OPEN packet: %.200q", packet)
	}
	return open.SID, nil
}

// Client is a Socket.IO client over WebSocket. Its methods fail the test.
type Client struct {
	*WebSocket
	T   testing.TB
	SID string
}

// JoinWebSocket opens a WebSocket and connects to the namespace "/".
func JoinWebSocket(t testing.TB, addr string) *Client {
	t.Helper()
	return OpenWebSocket(t, addr, WebSocketPath).Joined()
}

// JoinOver does so over a connection that is there, as a page of the origin, if there is one.
func JoinOver(t testing.TB, conn net.Conn, host, origin string) *Client {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	header := make(http.Header)
	if origin != "" {
		header.Set("Origin", origin)
	}
	w, err := ShakeHands(conn, UpgradeRequest(host, WebSocketPath, header))
	if err != nil {
		t.Fatal(err)
	}
	return (&Client{WebSocket: w, T: t}).Joined()
}

// Joined connects to the namespace "/".
func (c *Client) Joined() *Client {
	c.T.Helper()
	sid, err := c.Join()
	c.Must(err)
	c.SID = sid
	return c
}

// OpenWebSocket opens a WebSocket and reads nothing from it.
func OpenWebSocket(t testing.TB, addr, target string) *Client {
	t.Helper()
	w, err := DialWebSocket(addr, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return &Client{WebSocket: w, T: t}
}

// Must fails the test for an error.
func (c *Client) Must(err error) {
	c.T.Helper()
	if err != nil {
		c.T.Fatal(err)
	}
}

// Send sends Engine.IO packets, each as a text message, in one write.
func (c *Client) Send(packets ...string) {
	c.T.Helper()
	c.Must(c.WriteBytes(TextFrames(packets...)))
}

// SendBytes sends bytes as they are.
func (c *Client) SendBytes(p []byte) {
	c.T.Helper()
	c.Must(c.WriteBytes(p))
}

// Hears reads as many packets as are wanted, and compares.
func (c *Client) Hears(want ...string) {
	c.T.Helper()
	for _, packet := range want {
		c.Must(c.Expect(packet))
	}
}

// Awaits skips what comes before this packet.
func (c *Client) Awaits(packet string) {
	c.T.Helper()
	_, err := c.SkipTo(packet)
	c.Must(err)
}

// Chats says something and awaits it: the client, and the server for it, are well.
func (c *Client) Chats(text string) {
	c.T.Helper()
	c.Send(Message(text))
	c.Awaits(Message(text))
}

// ClosedWith reads to the end of the connection and checks the close frame's code.
func (c *Client) ClosedWith(codes ...int) {
	c.T.Helper()
	code, err := c.End()
	c.Must(err)
	if !slices.Contains(codes, code) {
		c.T.Fatalf("closed with %d, want %d", code, codes)
	}
}

// Bystander is another client, which must not notice what the test does. The function that is
// returned checks that it still chats.
func Bystander(t testing.TB, addr string) (unharmed func(after string)) {
	t.Helper()
	c := JoinWebSocket(t, addr)
	return func(after string) {
		t.Helper()
		c.Chats("unharmed after " + after)
	}
}

// Each runs fn(0) to fn(n-1), a number of them at a time, and returns their errors. Each has a
// goroutine of its own: one that fails the test with Fatal ends nothing but itself.
func Each(n, atOnce int, fn func(i int) error) error {
	running := make(chan struct{}, atOnce)
	var mu sync.Mutex
	var all []error
	var workers sync.WaitGroup
	for i := range n {
		running <- struct{}{}
		workers.Go(func() {
			defer func() { <-running }()
			if err := fn(i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, fmt.Errorf("number %d: %w", i, err))
			}
		})
	}
	workers.Wait()
	return errors.Join(all[:min(len(all), 5)]...) // the first few tell enough
}
