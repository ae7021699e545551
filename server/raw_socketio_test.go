package main

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

const (
	websocketPath = "/socket.io/?EIO=4&transport=websocket"
	pollingPath   = "/socket.io/?EIO=4&transport=polling"
)

// message is the Engine.IO packet of an event "message" with one text.
func message(text string) string {
	quoted, _ := json.Marshal(text) // a string always marshals
	return `42["message",` + string(quoted) + `]`
}

// packet reads the next Engine.IO packet. It answers heartbeats on the way, those of
// Engine.IO and those of WebSocket.
func (w *rawWS) packet() (string, error) {
	for {
		f, err := w.read()
		switch {
		case err != nil:
			return "", err
		case f.op == opPing:
			err = w.frame(opPong, string(f.data))
		case f.op == opClose:
			return "", &closedError{f.code()}
		case f.op != opText:
			return "", fmt.Errorf("a frame with opcode %#x and %.100q", f.op, f.data)
		case string(f.data) == "2":
			err = w.frame(opText, "3")
		default:
			return string(f.data), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// expect reads a packet and compares.
func (w *rawWS) expect(want string) error {
	got, err := w.packet()
	if err == nil && got != want {
		err = fmt.Errorf("received %.200q, want %.200q", got, want)
	}
	return err
}

// skipTo reads until this packet has come, and says how many came before it.
func (w *rawWS) skipTo(want string) (skipped int, err error) {
	for ; ; skipped++ {
		got, err := w.packet()
		if err != nil {
			return skipped, fmt.Errorf("waiting for %.200q: %w", want, err)
		}
		if got == want {
			return skipped, nil
		}
	}
}

// join reads the OPEN packet and connects to the namespace "/".
func (w *rawWS) join() (sid string, err error) {
	open, err := w.packet()
	if err != nil {
		return "", err
	}
	if sid, err = openedSID(open); err != nil {
		return "", err
	}
	if err = w.frame(opText, "40"); err != nil {
		return "", err
	}
	connected, err := w.packet()
	if err == nil && !strings.HasPrefix(connected, `40{"sid":`) {
		err = fmt.Errorf("CONNECT was answered %.200q", connected)
	}
	return sid, err
}

// openedSID reads the session id out of an OPEN packet.
func openedSID(packet string) (string, error) {
	data, isOpen := strings.CutPrefix(packet, "0")
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(data), &open); !isOpen || err != nil || open.SID == "" {
		return "", fmt.Errorf("no OPEN packet: %.200q", packet)
	}
	return open.SID, nil
}

// wsClient is a Socket.IO client over WebSocket. Its methods fail the test.
type wsClient struct {
	*rawWS
	t   *testing.T
	sid string
}

// joinWS opens a WebSocket and connects to the namespace "/".
func joinWS(t *testing.T, addr string) *wsClient {
	t.Helper()
	return openWS(t, addr, websocketPath).joined()
}

// joinOver does so over a connection that is there, as a page of the origin, if there is one.
func joinOver(t *testing.T, conn net.Conn, host, origin string) *wsClient {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	header := make(http.Header)
	if origin != "" {
		header.Set("Origin", origin)
	}
	w, err := shakeHands(conn, upgradeRequest(host, websocketPath, header))
	if err != nil {
		t.Fatal(err)
	}
	return (&wsClient{rawWS: w, t: t}).joined()
}

// joined connects to the namespace "/".
func (c *wsClient) joined() *wsClient {
	c.t.Helper()
	sid, err := c.join()
	c.must(err)
	c.sid = sid
	return c
}

// openWS opens a WebSocket and reads nothing from it.
func openWS(t *testing.T, addr, target string) *wsClient {
	t.Helper()
	w, err := dialWS(addr, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return &wsClient{rawWS: w, t: t}
}

func (c *wsClient) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// send sends Engine.IO packets, each as a text message, in one write.
func (c *wsClient) send(packets ...string) {
	c.t.Helper()
	c.must(c.raw(textFrames(packets...)))
}

// sendBytes sends bytes as they are.
func (c *wsClient) sendBytes(p []byte) {
	c.t.Helper()
	c.must(c.raw(p))
}

// hears reads as many packets as are wanted, and compares.
func (c *wsClient) hears(want ...string) {
	c.t.Helper()
	for _, packet := range want {
		c.must(c.expect(packet))
	}
}

// awaits skips what comes before this packet.
func (c *wsClient) awaits(packet string) {
	c.t.Helper()
	_, err := c.skipTo(packet)
	c.must(err)
}

// chats says something and awaits it: the client, and the server for it, are well.
func (c *wsClient) chats(text string) {
	c.t.Helper()
	c.send(message(text))
	c.awaits(message(text))
}

// closedWith reads to the end of the connection and checks the close frame's code.
func (c *wsClient) closedWith(codes ...int) {
	c.t.Helper()
	code, err := c.end()
	c.must(err)
	if !slices.Contains(codes, code) {
		c.t.Fatalf("closed with %d, want %d", code, codes)
	}
}

// bystander is another client, which must not notice what the test does. The
// function that is returned checks that it still chats.
func bystander(t *testing.T, addr string) (unharmed func(after string)) {
	t.Helper()
	c := joinWS(t, addr)
	return func(after string) {
		t.Helper()
		c.chats("unharmed after " + after)
	}
}

// each runs fn(0) to fn(n-1), a number of them at a time, and returns their errors.
func each(n, atOnce int, fn func(i int) error) error {
	indexes := make(chan int)
	var mu sync.Mutex
	var all []error
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range indexes {
				if err := fn(i); err != nil {
					mu.Lock()
					all = append(all, fmt.Errorf("number %d: %w", i, err))
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		indexes <- i
	}
	close(indexes)
	workers.Wait()
	return errors.Join(all[:min(len(all), 5)]...) // the first few tell enough
}
