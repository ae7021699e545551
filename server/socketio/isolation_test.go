package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// Two faults of the named library need handlers of their own to be seen: see
// internal/e2e/protocol/faults_test.go. These tests, too, fail against testdata/bare,
// which has the same handlers.

// isolationTarget starts a server with handlers that echo, panic and tell the auth
// payload, or names the server of HIPFLASK_TEST_TARGET.
func isolationTarget(t *testing.T) (url string) {
	t.Helper()
	if other := os.Getenv("HIPFLASK_TEST_TARGET"); other != "" {
		return strings.TrimSuffix(other, "/")
	}
	s := socketio.New(socketio.Options{Transports: []string{"polling"}, Logger: slog.New(slog.DiscardHandler)})
	auths := new(sync.Map) // of socketio.Value by client id
	handlers := map[string]any{
		"connect": func(c *socketio.Context, auth socketio.Value) { auths.Store(c.ID(), auth) },
		"message": func(v socketio.Value) error { return s.Emit("message", v) },
		"auth":    func(c *socketio.Context) any { auth, _ := auths.Load(c.ID()); return auth },
		"boom":    func() { panic("a handler with a fault") },
	}
	return serveIsolated(t, s, handlers)
}

func serveIsolated(t *testing.T, s *socketio.Server, handlers map[string]any) (url string) {
	t.Helper()
	for event, handler := range handlers {
		if err := s.On(event, handler); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Deadline)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		server.Close()
	})
	return server.URL
}

// isolatedClient is a polling client. Its methods fail the test.
type isolatedClient struct {
	t       *testing.T
	url     string
	client  *http.Client
	waiting []string
}

// dialIsolated opens a session and connects with this CONNECT packet.
func dialIsolated(t *testing.T, url, connect string) *isolatedClient {
	t.Helper()
	c := &isolatedClient{t: t, client: &http.Client{Timeout: testkit.Deadline}}
	t.Cleanup(c.client.CloseIdleConnections)
	c.url = url + "/socket.io/?EIO=4&transport=polling"
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(c.next()[1:]), &open); err != nil {
		t.Fatal(err)
	}
	c.url += "&sid=" + open.SID
	// Else a server that shuts down waits for the poll that fetches its end.
	t.Cleanup(func() { _, _ = c.request(http.MethodPost, "1") })
	c.send(connect)
	return c
}

func (c *isolatedClient) request(method, body string) (string, error) {
	req, err := http.NewRequest(method, c.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s was answered %s %q", method, resp.Status, text)
	}
	return string(text), err
}

func (c *isolatedClient) send(packet string) {
	c.t.Helper()
	if _, err := c.request(http.MethodPost, packet); err != nil {
		c.t.Fatal(err)
	}
}

// next takes the next packet, and polls when there is none.
func (c *isolatedClient) next() string {
	c.t.Helper()
	if len(c.waiting) == 0 {
		body, err := c.request(http.MethodGet, "")
		if err != nil {
			c.t.Fatal(err)
		}
		c.waiting = strings.Split(body, "\x1e")
	}
	packet := c.waiting[0]
	c.waiting = c.waiting[1:]
	return packet
}

func (c *isolatedClient) hears(prefixes ...string) {
	c.t.Helper()
	for _, prefix := range prefixes {
		if got := c.next(); !strings.HasPrefix(got, prefix) {
			c.t.Fatalf("received %.200q, want %q", got, prefix)
		}
	}
}

// Fault: a panic in any handler ends the process. Here it costs the one event: the
// next ones of the same client are handled, and another client notices nothing.
func TestFaultPanicInAHandlerEndsTheProcess(t *testing.T) {
	url := isolationTarget(t)
	other, culprit := dialIsolated(t, url, "40"), dialIsolated(t, url, "40")
	other.hears("40")
	culprit.hears("40")
	culprit.send(`42["boom"]`)
	culprit.send(`421["boom"]`) // never acknowledged
	culprit.send(`422["message","afterwards"]`)
	culprit.hears(`42["message","afterwards"]`, `432[]`)
	other.hears(`42["message","afterwards"]`)
}

// Fault: Handshake().Auth is nil, not {}, without auth.
func TestFaultHandshakeWithoutAuthIsNil(t *testing.T) {
	url := isolationTarget(t)
	for connect, want := range map[string]string{"40": `{}`, "40{}": `{}`, `40{"token":"x"}`: `{"token":"x"}`} {
		c := dialIsolated(t, url, connect)
		c.hears("40")
		c.send(`421["auth"]`)
		c.hears(`431[` + want + `]`)
	}
}

// A panic in a connect handler refuses that client, one in a disconnect handler
// costs nothing more: the server goes on.
func TestPanicInConnectAndDisconnectHandlers(t *testing.T) {
	s := socketio.New(socketio.Options{Transports: []string{"polling"}, Logger: slog.New(slog.DiscardHandler)})
	left := make(chan string, 1)
	url := serveIsolated(t, s, map[string]any{
		"connect": func(auth map[string]any) {
			if auth["panic"] == true {
				panic("in connect")
			}
		},
		"disconnect": func(reason string) {
			left <- reason
			panic("in disconnect")
		},
	})
	dialIsolated(t, url, `40{"panic":true}`).hears(`44{"message":"Connection rejected by server"}`)
	for range 2 {
		c := dialIsolated(t, url, "40")
		c.hears("40")
		c.send("41")
		select {
		case reason := <-left:
			if reason != "client disconnect" {
				t.Errorf("the reason was %q", reason)
			}
		case <-time.After(testkit.Deadline):
			t.Fatal("the disconnect handler was not called")
		}
	}
}
