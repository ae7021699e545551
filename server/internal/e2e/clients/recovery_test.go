package clients

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// cuts is how often TestRecovery cuts connections.
const cuts = 14

// budgets make cuts in handshakes, in what was missed, and in bursts; the first when the client has
// connected.
func budgets() []int {
	list := []int{2000}
	for i := 1; i < cuts; i++ {
		list = append(list, []int{900, 150, 2500, 430, 5000, 720}[i%6]+i*7)
	}
	return list
}

// With --recovery a client that is cut off again and again, in the middle of bursts and of
// reconnecting, hears what it missed, each once and in order: when the server sees the cut, and
// when it does not.
func TestRecovery(t *testing.T) {
	testkit.NeedNode(t)
	for _, mode := range []string{"websocket", "polling", "default"} {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, silent %v", mode, silent), func(t *testing.T) {
				t.Parallel()
				testRecovery(t, mode, "", silent)
			})
		}
	}
}

func testRecovery(t *testing.T, mode, parser string, silent bool) {
	const count = 3000
	// The end would wait longer for connections of which nobody told the server that they were cut.
	server := harness.Start(t, "--recovery", "1m", "--shutdown-timeout", "2s")
	proxy := testkit.StartCutter(t, server.Addr, silent, budgets())
	reports := testkit.RunScript(t, "recovery.mjs", testkit.ScriptConfig{
		URL: "http://" + proxy.Addr().String(), NextURL: server.URL, Client: testkit.NewestClient, Parser: parser, Mode: mode, Count: count,
	})
	var seen struct {
		Heard               []string
		Connects, Recovered int
	}
	testkit.FindReport(t, reports, "recovery", "heard", &seen)
	var want []string
	for i := range count {
		want = append(want, fmt.Sprintf("m%d", i))
	}
	testkit.CompareLines(t, seen.Heard, want)
	if left := proxy.Left(); left > 0 {
		t.Errorf("%d of %d cuts were not made", left, cuts)
	}
	// Some cuts come before it is connected again.
	if seen.Recovered != seen.Connects-1 || seen.Recovered < cuts/4 {
		t.Errorf("connected %d times, to its session %d times", seen.Connects, seen.Recovered)
	}
	onlyTwoAtOnce(t, server)
}

// onlyTwoAtOnce checks that a client's disconnect was handled before its next connect: there is the
// talker, and the listener once.
func onlyTwoAtOnce(t *testing.T, server *harness.Server) {
	t.Helper()
	_ = server.Stop()
	connected := 0
	for _, line := range server.Stdout.Lines() {
		switch line {
		case "Client connected":
			connected++
		case "Client disconnected":
			connected--
		}
		if connected > 2 || connected < 0 {
			t.Errorf("%d clients at once", connected)
			return
		}
	}
	if connected != 0 {
		t.Errorf("%d clients are left", connected)
	}
}

// The protocol, byte for byte: the server has not noticed that the connection is dead.
func TestRecoveryTakesOver(t *testing.T) {
	server := harness.Start(t, "--recovery", "1m")
	open := func() (w *testkit.WebSocket) {
		w, err := testkit.DialWebSocket(server.Addr, testkit.WebSocketPath)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.Close() })
		if _, err := w.Packet(); err != nil {
			t.Fatal(err)
		}
		return w
	}
	read := func(w *testkit.WebSocket) string {
		p, err := w.Packet()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	send := func(w *testkit.WebSocket, packet string) {
		if err := w.SendFrame(testkit.OpText, packet); err != nil {
			t.Fatal(err)
		}
	}
	dead, talker := open(), open()
	send(dead, "40")
	answer := read(dead)
	var told struct{ SID, PID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(answer, "40")), &told); err != nil || told.PID == "" || told.PID == told.SID {
		t.Fatalf("CONNECT was answered %s", answer)
	}
	send(talker, "40")
	read(talker)
	var offsets []string
	for _, text := range []string{"one", "two", "three"} {
		send(talker, testkit.Message(text))
		var event []string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(read(talker), "42")), &event); err != nil || len(event) != 3 || event[1] != text {
			t.Fatalf("received %q", event)
		}
		offsets = append(offsets, event[2])
	}
	// It has read nothing but the first.
	client := open()
	send(client, fmt.Sprintf(`40{"pid":%q,"offset":%q,"token":"as before"}`, told.PID, offsets[0]))
	var got []string
	for range 3 {
		got = append(got, read(client))
	}
	want := []string{
		answer, fmt.Sprintf(`42["message","two",%q]`, offsets[1]), fmt.Sprintf(`42["message","three",%q]`, offsets[2]),
	}
	if !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
	if code, err := dead.End(); err != nil || code != 1000 {
		t.Errorf("the old connection ended with %d, %v", code, err)
	}
}

// A polling client whose request was cut off closes its session, and then comes back. What its
// disconnect handler is told stays what Flask-SocketIO tells it.
func TestRecoveryAfterClose(t *testing.T) {
	server := harness.Start(t, "--recovery", "1m")
	client := testkit.OpenPolling(t, server.Addr, 4)
	client.Send("40")
	answer := client.Next()
	var told struct{ PID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(answer, "40")), &told); err != nil {
		t.Fatalf("CONNECT was answered %s", answer)
	}
	client.Send("1")
	server.Stdout.WaitLines(t, "Client disconnected", 1)
	again := testkit.OpenPolling(t, server.Addr, 4)
	again.Send(fmt.Sprintf(`40{"pid":%q}`, told.PID))
	again.Hears(answer)
}
