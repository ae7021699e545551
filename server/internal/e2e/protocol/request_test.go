package protocol

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hipflask/handlers"
	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The function of OnRequest refuses connections, with a status of its own or 403, and adds to the
// header of answers, that of a 101 too.
func TestRequestsBeforeAConnection(t *testing.T) {
	server := harness.StartApp(t, func(app *hipflask.App) error {
		app.SocketIO.OnRequest(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Add("X-Seen", r.URL.Query().Get("transport"))
			w.Header().Add("Set-Cookie", "own=1")
			why := r.Header.Get("X-Refuse")
			if why == "teapot" {
				http.Error(w, "no coffee", http.StatusTeapot)
			}
			return why == ""
		})
		return handlers.Register(app)
	}, "--cookie", "io")
	for why, want := range map[string]int{"teapot": http.StatusTeapot, "yes": http.StatusForbidden} {
		got := testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, http.Header{"X-Refuse": {why}}, "")
		if got.Status != want || got.Header.Get("X-Seen") != "polling" {
			t.Errorf("polling, refused for %s: answered %v, want %d", why, got, want)
		}
		if head := upgradeAnswer(t, server.Addr, http.Header{"X-Refuse": {why}}); !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", want)) {
			t.Errorf("a WebSocket, refused for %s: answered %q, want %d", why, head, want)
		}
	}
	got := testkit.Opening(t, server.Addr, testkit.PollingPath, nil)
	if cookies := got.Header["Set-Cookie"]; got.Status != http.StatusOK || got.Header.Get("X-Seen") != "polling" || len(cookies) != 2 {
		t.Errorf("polling: answered %v, with the header %v", got, got.Header)
	}
	head := upgradeAnswer(t, server.Addr, nil)
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || !strings.Contains(head, "X-Seen: websocket\r\n") ||
		!strings.Contains(head, "Set-Cookie: own=1\r\n") || !strings.Contains(head, "Set-Cookie: io=") {
		t.Errorf("a WebSocket was answered %q", head)
	}
	testkit.JoinWebSocket(t, server.Addr).Chats("hello")
}

// upgradeAnswer is the head of the answer to a request for a WebSocket, which comes in one.
func upgradeAnswer(t *testing.T, addr string, header http.Header) string {
	t.Helper()
	conn, err := testkit.DialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(testkit.UpgradeRequest(addr, "/socket.io/?EIO=4&transport=websocket", header))); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}
