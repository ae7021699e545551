package parity

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// TestDisconnectReasons compares the reasons that a disconnect handler gets with the recorded ones:
// the Flask-SocketIO of Debian gives none, and the document's handler takes none.
func TestDisconnectReasons(t *testing.T) {
	file, err := os.ReadFile(testkit.Testdata("flask", "current.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Reasons map[string]string }
	if err := json.Unmarshal(file, &recorded); err != nil {
		t.Fatal(err)
	}
	causes := map[string]func(s *story){
		"41 over websocket":        func(s *story) { s.join("websocket").say("41") },
		"41 over polling":          func(s *story) { s.join("polling").say("41") },
		"1 over websocket":         func(s *story) { s.join("websocket").say("1") },
		"1 over polling":           func(s *story) { s.join("polling").say("1") },
		"41 and 1 over polling":    func(s *story) { s.join("polling").say("41", "1") },
		"a close frame":            func(s *story) { s.join("websocket").leave() },
		"a connection that breaks": func(s *story) { _ = s.join("websocket").(*wsTalker).ws.Close() },
		"a silent websocket":       func(s *story) { s.join("websocket") },
		"a silent poller":          func(s *story) { s.join("polling") },
	}
	if len(recorded.Reasons) != len(causes) {
		t.Errorf("%d causes, and %d are recorded", len(causes), len(recorded.Reasons))
	}
	for cause, play := range causes {
		t.Run(cause, func(t *testing.T) {
			t.Parallel()
			want, ok := recorded.Reasons[cause]
			if !ok {
				t.Fatal("not recorded")
			}
			if got := reasonOf(t, play); got != want {
				t.Errorf("the reason is %q, want %q", got, want)
			}
		})
	}
}

// reasonOf returns the reason for which a client is disconnected.
func reasonOf(t *testing.T, play func(s *story)) string {
	t.Helper()
	server := socketio.New(socketio.Options{PingInterval: time.Second, PingTimeout: time.Second, Logger: slog.New(slog.DiscardHandler)})
	reasons := make(chan string, 2)
	if err := server.On("disconnect", func(reason string) { reasons <- reason }); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = server.Shutdown(now) // cuts what is left of the client, and says that it had to
		web.Close()
	})
	play(&story{side: &side{addr: web.Listener.Addr().String()}, t: t, name: t.Name()})
	select {
	case reason := <-reasons:
		return reason
	case <-time.After(testkit.Deadline):
		t.Fatalf("no disconnect within %v", testkit.Deadline)
		return ""
	}
}

// TestRefusedOriginIsLogged: the log names the flag that would have allowed it.
func TestRefusedOriginIsLogged(t *testing.T) {
	const flag = "--cors-allowed-origins=https://chat.example:8443"
	for _, transport := range bothTransports() {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			server := harness.Start(t)
			s := &story{side: &side{addr: server.Addr}, t: t, name: t.Name()}
			target, header := testkit.PollingPath, map[string][]string{"Origin": {"https://chat.example:8443"}}
			if transport == "websocket" {
				target, header = testkit.WebSocketPath, withUpgrade(header)
			}
			if got := s.request(server.Addr, "GET", target, header, ""); got.Status != 400 {
				t.Errorf("answered %v", got)
			}
			server.Stderr.WaitFor(t, "the flag", testkit.Deadline, func(text string) bool { return strings.Contains(text, flag) })

			allowing := harness.Start(t, flag)
			got := s.request(allowing.Addr, "GET", target, header, "")
			testkit.LeaveLater(t, allowing.Addr, "", target, got)
			if got.Status >= 400 {
				t.Errorf("with the flag, answered %v", got)
			}
		})
	}
}
