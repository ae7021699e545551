package operations

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// connectionsAre has the gauges of all kinds of connections, those not given being 0.
func connectionsAre(given map[string]float64) map[string]float64 {
	all := make(map[string]float64)
	for _, labels := range []string{
		`{client="socket.io",protocol="4",transport="polling"}`, `{client="socket.io",protocol="4",transport="websocket"}`,
		`{client="socket.io",protocol="3",transport="polling"}`, `{client="socket.io",protocol="3",transport="websocket"}`,
		`{client="plain",protocol="plain",transport="websocket"}`,
	} {
		all["hipflask_connections"+labels] = given[labels]
	}
	return all
}

func merged(a, b map[string]float64) map[string]float64 {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func TestOpsMetricsCountKnownTraffic(t *testing.T) {
	server, addr := harness.StartOps(t)
	harness.AwaitMetrics(t, addr, connectionsAre(nil))
	ws, p4, p3 := testkit.JoinWebSocket(t, server.Addr), testkit.JoinPolling(t, server.Addr, 4), testkit.JoinPolling(t, server.Addr, 3)
	plain := harness.JoinPlain(t, server, 4)
	heard := func(text string) {
		ws.Hears(testkit.Message(text))
		p4.Hears(testkit.Message(text))
		p3.Hears(testkit.Message(text))
		testkit.HearsPlain(plain, "1 "+text)
	}
	ws.Send(testkit.Message("a"))
	heard("a")
	plain.Must(plain.SendFrame(testkit.OpText, "b"))
	heard("b")
	ws.Send(`42["nobody listens",1]`, `42["message"]`) // the second without its argument
	harness.AwaitMetrics(t, addr, merged(connectionsAre(map[string]float64{
		`{client="socket.io",protocol="4",transport="polling"}`:   1,
		`{client="socket.io",protocol="3",transport="polling"}`:   1,
		`{client="socket.io",protocol="4",transport="websocket"}`: 1,
		`{client="plain",protocol="plain",transport="websocket"}`: 1,
	}), map[string]float64{
		// CONNECT of two, the other clients are connected without, and three events.
		`hipflask_messages_received_total{client="socket.io"}`: 5,
		`hipflask_messages_received_total{client="plain"}`:     1,
		`hipflask_messages_sent_total{client="socket.io"}`:     9, // the answers to CONNECT, and twice a broadcast
		`hipflask_messages_sent_total{client="plain"}`:         2,
		`hipflask_received_bytes_total{client="plain"}`:        2 + 4 + 1,
		`hipflask_sent_bytes_total{client="plain"}`:            2 * (2 + 1),

		`hipflask_handler_duration_seconds{event="message",namespace="/"}`:                      3,
		`hipflask_handler_duration_seconds{event="connect",namespace="/"}`:                      4,
		`hipflask_handler_duration_seconds{event="other",namespace="/"}`:                        1,
		`hipflask_handler_failures_total{event="message",kind="error",namespace="/"}`:           1,
		`hipflask_handler_failures_total{event="message",kind="panic",namespace="/"}`:           0,
		`hipflask_sessions_opened_total{client="socket.io",protocol="4",transport="polling"}`:   1,
		`hipflask_sessions_opened_total{client="socket.io",protocol="3",transport="polling"}`:   1,
		`hipflask_sessions_opened_total{client="socket.io",protocol="4",transport="websocket"}`: 1,
		`hipflask_sessions_opened_total{client="plain",protocol="plain",transport="websocket"}`: 1,
		`hipflask_sessions_closed_total{reason="transport close"}`:                              0,
		`hipflask_receive_queue_packets`:                                                        0,
		`hipflask_send_queue_bytes`:                                                             0,
		`hipflask_stalled_clients`:                                                              0,
	}))

	ws.SendBytes(testkit.CloseFrame(1000))
	_ = plain.Close()
	p4.Send("1")
	p3.Send("1")
	harness.AwaitMetrics(t, addr, merged(connectionsAre(nil), map[string]float64{ // what they were sent stays counted
		`hipflask_messages_received_total{client="socket.io"}`:                5,
		`hipflask_messages_sent_total{client="socket.io"}`:                    9,
		`hipflask_messages_sent_total{client="plain"}`:                        2,
		`hipflask_sessions_closed_total{reason="transport close"}`:            2,
		`hipflask_sessions_closed_total{reason="client disconnect"}`:          2,
		`hipflask_handler_duration_seconds{event="disconnect",namespace="/"}`: 4,
	}))
}

// A client that upgrades is one session, which moves from one transport to another; attachments
// belong to their message.
func TestOpsMetricsFollowAnUpgrade(t *testing.T) {
	server, addr := harness.StartOps(t)
	p := testkit.JoinPolling(t, server.Addr, 4)
	ws := p.Probed()
	if got := p.Get(nil).Body; got != "6" {
		t.Fatalf("the poll was answered %q", got)
	}
	ws.Send("5")
	ws.Chats("over there")
	ws.Send(`451-["message",{"_placeholder":true,"num":0}]`)
	ws.Must(ws.SendFrame(testkit.OpBinary, "xyz"))
	ws.Hears(`451-["message",{"_placeholder":true,"num":0}]`)
	if f, err := ws.ReadFrame(); err != nil || f.Op != testkit.OpBinary || string(f.Data) != "xyz" {
		t.Fatalf("the attachment came back as %v, %v", f, err)
	}
	harness.AwaitMetrics(t, addr, merged(connectionsAre(map[string]float64{`{client="socket.io",protocol="4",transport="websocket"}`: 1}), map[string]float64{
		`hipflask_sessions_opened_total{client="socket.io",protocol="4",transport="polling"}`:   1,
		`hipflask_sessions_opened_total{client="socket.io",protocol="4",transport="websocket"}`: 0,
		`hipflask_upgrades_total{result="done"}`:                                                1,
		`hipflask_upgrades_total{result="failed"}`:                                              0,
		`hipflask_messages_received_total{client="socket.io"}`:                                  3,
		`hipflask_messages_sent_total{client="socket.io"}`:                                      3,
	}))
}

// A client that stops reading is seen while it only falls behind, and counted when it is dropped.
func TestOpsMetricsShowASlowClient(t *testing.T) {
	server, addr := harness.StartOps(t, "--max-backlog", "4MiB")
	testkit.JoinWebSocket(t, server.Addr) // reads nothing from now on
	speaker := testkit.JoinWebSocket(t, server.Addr)
	text := strings.Repeat("slow ", 20_000)
	said := 0
	say := func() {
		if said++; said > 1000 { // of 100 kB: more than two kernels keep for a connection
			t.Fatal("the slow client is not noticed")
		}
		speaker.Chats(text)
	}
	// For a moment the kernel may seem to take no more before it really does.
	m := harness.Scrape(t, addr)
	for ; m["hipflask_stalled_clients"] == 0 || m["hipflask_send_queue_bytes"] < float64(len(text)); m = harness.Scrape(t, addr) {
		say()
	}
	if m["hipflask_stalled_clients"] != 1 || m["hipflask_slow_clients_dropped_total"] != 0 {
		t.Errorf("%v clients are behind and %v are dropped, want one that is behind", m["hipflask_stalled_clients"], m["hipflask_slow_clients_dropped_total"])
	}
	for harness.Scrape(t, addr)["hipflask_slow_clients_dropped_total"] == 0 {
		say()
	}
	harness.AwaitMetrics(t, addr, map[string]float64{
		"hipflask_stalled_clients": 0, "hipflask_send_queue_bytes": 0, "hipflask_slow_clients_dropped_total": 1,
		`hipflask_sessions_closed_total{reason="transport error"}`: 1,
	})
}

// The names and the form are what Prometheus' own linter wants.
func TestOpsMetricsForm(t *testing.T) {
	server, addr := harness.StartOps(t)
	testkit.JoinWebSocket(t, server.Addr).Chats("so that handlers were measured")
	harness.AwaitMetrics(t, addr, map[string]float64{`hipflask_handler_duration_seconds{event="message",namespace="/"}`: 1})
	got := harness.OpsGet(t, addr, "/metrics")
	if kind := got.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("Content-Type %q", kind)
	}
	problems, err := promlint.New(strings.NewReader(got.Body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, line := range []string{"hipflask_build_info{", "go_goroutines ", `hipflask_refusals_total{cause="origin"} 0`} {
		if !strings.Contains(got.Body, "\n"+line) {
			t.Errorf("%s is not there", line)
		}
	}
}

// Clients cannot make the metrics grow: names that they make up are "other".
func TestOpsMetricsAreBounded(t *testing.T) {
	server, addr := harness.StartOps(t)
	c := testkit.JoinWebSocket(t, server.Addr)
	c.Chats("one series")
	harness.AwaitMetrics(t, addr, map[string]float64{`hipflask_handler_duration_seconds{event="message",namespace="/"}`: 1})
	before := len(harness.Scrape(t, addr))
	for i := range 20 {
		c.Send(fmt.Sprintf(`42["event %d"]`, i), fmt.Sprintf("40/namespace%d", i), fmt.Sprintf(`42/namespace%d,["x"]`, i))
		testkit.Ask(t, server.Addr, http.MethodGet, fmt.Sprintf("/socket.io/?EIO=4&transport=t%d&sid=s%d", i, i), nil, "")
	}
	harness.AwaitMetrics(t, addr, map[string]float64{
		`hipflask_handler_duration_seconds{event="other",namespace="/"}`: 20,
		`hipflask_refusals_total{cause="transport"}`:                     20,
	})
	// "other" is one, with its two kinds of failures.
	if after := len(harness.Scrape(t, addr)); after != before+3 {
		t.Errorf("%d metrics have become %d", before, after)
	}
}
