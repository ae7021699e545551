package operations

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// endedLine is the log's line of a connection that ended.
type endedLine struct {
	Msg, Level, Address, Transport, Protocol, Client, Reason, Connection, Setting string

	FirstTransport string  `json:"first_transport"`
	Seconds        float64 `json:"duration_seconds"`
	MessagesIn     int     `json:"messages_in"`
	MessagesOut    int     `json:"messages_out"`
	BytesIn        int     `json:"bytes_in"`
	BytesOut       int     `json:"bytes_out"`
}

// endedLines waits for the lines of so many connections.
func endedLines(t *testing.T, server *harness.Server, want int) (all []endedLine) {
	t.Helper()
	server.Stderr.WaitFor(t, "lines of connections", testkit.Deadline, func(log string) bool {
		all = nil
		for text := range strings.Lines(log) {
			var line endedLine
			if strings.HasSuffix(text, "\n") && strings.Contains(text, `"connection ended"`) {
				if err := json.Unmarshal([]byte(text), &line); err != nil {
					t.Fatalf("%v in %s", err, text)
				}
				all = append(all, line)
			}
		}
		return len(all) >= want
	})
	return all
}

// checkEnded waits for the number-th connection's line and compares it. Bytes that were sent are
// compared where they are wanted.
func checkEnded(t *testing.T, server *harness.Server, number int, want endedLine) {
	t.Helper()
	got := endedLines(t, server, number)[number-1]
	if host, _, err := net.SplitHostPort(got.Address); err != nil || host != "127.0.0.1" {
		t.Errorf("address %q", got.Address)
	}
	if got.Seconds < 0 || got.Seconds > 60 || len(got.Connection) != 12 {
		t.Errorf("the line is %+v", got)
	}
	got.Address, got.Seconds, got.Connection = "", 0, ""
	if want.BytesOut == 0 {
		got.BytesOut = 0
	}
	want.Msg, want.Level = "connection ended", "INFO"
	if got != want {
		t.Errorf("the line is\n%+v, want\n%+v", got, want)
	}
}

// Each connection has one line in the log when it has ended, with what it was.
func TestOpsLogHasALineForEachConnection(t *testing.T) {
	server := harness.Start(t, "--log-format", "json")

	ws := testkit.OpenWebSocket(t, server.Addr, testkit.WebSocketPath)
	heard := 0
	ws.Send("40", testkit.Message("hello"))
	for range 3 { // OPEN, CONNECT, the event
		packet, err := ws.Packet()
		ws.Must(err)
		heard += 2 + len(packet) // a short frame's header
	}
	ws.SendBytes(testkit.CloseFrame(1000))
	checkEnded(t, server, 1, endedLine{
		Transport: "websocket", FirstTransport: "websocket", Protocol: "4", Client: "socket.io", Reason: "transport close",
		MessagesIn: 2, MessagesOut: 2, BytesIn: 6 + len("40") + 6 + len(testkit.Message("hello")), BytesOut: heard,
	})

	plain := harness.JoinPlain(t, server, 2)
	plain.Must(plain.SendFrame(testkit.OpText, "hello"))
	testkit.HearsPlain(plain, "1 hello")
	_ = plain.Close()
	checkEnded(t, server, 2, endedLine{
		Transport: "websocket", FirstTransport: "websocket", Protocol: "plain", Client: "plain", Reason: "transport close",
		MessagesIn: 1, MessagesOut: 1, BytesIn: 6 + len("hello"), BytesOut: 2 + len("hello"),
	})

	testkit.JoinPolling(t, server.Addr, 3).Send("1")
	checkEnded(t, server, 3, endedLine{
		Transport: "polling", FirstTransport: "polling", Protocol: "3", Client: "socket.io", Reason: "client disconnect",
		MessagesOut: 1, BytesIn: len("1:1"),
	})

	polling := testkit.JoinPolling(t, server.Addr, 4)
	upgraded := polling.Probed()
	polling.Get(nil)
	upgraded.Send("5")
	upgraded.Chats("over there")
	upgraded.Send("1")
	checkEnded(t, server, 4, endedLine{
		Transport: "websocket", FirstTransport: "polling", Protocol: "4", Client: "socket.io", Reason: "client disconnect",
		MessagesIn: 2, MessagesOut: 2, BytesIn: len("40") + 6 + len(testkit.Message("over there")) + 6 + len("1"),
	})

	testkit.JoinWebSocket(t, server.Addr)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	checkEnded(t, server, 5, endedLine{
		Transport: "websocket", FirstTransport: "websocket", Protocol: "4", Client: "socket.io", Reason: "server shutting down",
		MessagesIn: 1, MessagesOut: 1, BytesIn: 6 + len("40"),
	})
}

// Session ids are secrets: whoever has one can poll in its owner's place. No line has one, not of a
// connection, not of what was refused, not at the finest level.
func TestOpsLogKeepsSessionIDsSecret(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, "--log-level", "debug", "--max-http-buffer-size", "1000")
	broken, tooLong, polling := testkit.JoinWebSocket(t, server.Addr), testkit.JoinWebSocket(t, server.Addr), testkit.JoinPolling(t, server.Addr, 4)
	polling.Send("4nonsense", "42/nowhere,[\"x\"]")
	polling.Send("1")
	broken.Send("9")
	broken.ClosedWith(1002)
	tooLong.Send(testkit.Message(strings.Repeat("x", 1000)))
	tooLong.ClosedWith(1009)
	server.End()
	harness.LogLine(t, server, "connection opened")
	log := logged(t, server, `msg="connection ended"`, 3)
	for _, sid := range []string{broken.SID, tooLong.SID, polling.URL[strings.Index(polling.URL, "sid=")+4:]} {
		if strings.Contains(log, sid) {
			t.Errorf("the log has the session id %s:\n%s", sid, log)
		}
	}
}

// logged waits until the log has a part so often, and returns it.
func logged(t *testing.T, server *harness.Server, part string, times int) (log string) {
	t.Helper()
	server.Stderr.WaitFor(t, part, testkit.Deadline, func(text string) bool {
		log = text
		return strings.Count(text, part) >= times
	})
	return log
}

// A client that is not heard of any more has the setting named that was its limit.
func TestOpsLogNamesThePingTimeout(t *testing.T) {
	server := harness.Start(t, "--log-format", "json", "--ping-interval", "20ms", "--ping-timeout", "20ms")
	testkit.OpenWebSocket(t, server.Addr, testkit.WebSocketPath)
	if got := endedLines(t, server, 1)[0]; got.Reason != "ping timeout" || got.Setting != "--ping-timeout" {
		t.Errorf("the line is %+v", got)
	}
}
