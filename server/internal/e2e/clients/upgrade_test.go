package clients

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Upgrades as clients of other languages make them, see testdata/wire: the session goes on over the
// WebSocket, nothing is lost of what was said before or comes behind.
func TestUpgradesOfOtherClients(t *testing.T) {
	addr := harness.Start(t).Addr
	speaker := testkit.JoinWebSocket(t, addr)
	for name, packets := range map[string][]string{
		"5 without a probe":         {"5"},
		"5 with something behind":   {"5upgrade"},
		"52, as some libraries do":  {"52"},
		"a probe, then 5":           {"2probe", "5"},
		"two probes, then 5":        {"2probe", "2probe", "5"},
		"a probe, then 5 and more":  {"2probe", "5ok"},
		"5 and a message in one go": {"5", testkit.Message("behind")},
	} {
		for _, version := range []int{4, 3} {
			p := testkit.JoinPolling(t, addr, version)
			speaker.Chats(name)
			c := p.Upgrading(packets...)
			for _, packet := range packets {
				if packet == "2probe" {
					c.Hears("3probe")
				}
			}
			c.Hears(testkit.Message(name))
			if packets[len(packets)-1] == testkit.Message("behind") {
				c.Hears(testkit.Message("behind"))
				speaker.Awaits(testkit.Message("behind"))
			}
			testkit.CheckRefusal(t, p.Get(nil), 3)
			c.Send(testkit.Message("by " + name))
			c.Hears(testkit.Message("by " + name))
			speaker.Awaits(testkit.Message("by " + name))
			c.Send("1")
		}
	}
}

// Whatever is refused of an upgrade leaves a line in the log, and the session polls on.
func TestRefusedUpgradesAreLogged(t *testing.T) {
	for _, c := range []struct {
		name, log string
		args      []string
		begin     func(t *testing.T, p *testkit.Poller)
	}{
		{"nonsense", "neither 2probe nor 5 came", nil, func(t *testing.T, p *testkit.Poller) { p.Upgrading("nonsense").ClosedWith(testkit.Abnormal) }},
		{"a message", "neither 2probe nor 5 came", nil, func(t *testing.T, p *testkit.Poller) {
			p.Upgrading(testkit.Message("early")).ClosedWith(testkit.Abnormal)
		}},
		{"a broken frame", "not masked", nil, func(t *testing.T, p *testkit.Poller) {
			ws := p.Upgrading()
			ws.SendBytes([]byte{testkit.FinBit | testkit.OpText, 1, '5'})
			ws.ClosedWith(testkit.Abnormal)
		}},
		{"nothing", "nothing came through", []string{"--upgrade-timeout", "50ms"}, func(t *testing.T, p *testkit.Poller) {
			p.Upgrading().ClosedWith(testkit.Abnormal)
		}},
		{"a probe and no 5", "5 did not follow", []string{"--upgrade-timeout", "50ms"}, func(t *testing.T, p *testkit.Poller) {
			p.Probed().ClosedWith(testkit.Abnormal)
		}},
		{"a second one", "cannot be upgraded", nil, func(t *testing.T, p *testkit.Poller) {
			first := p.Probed()
			testkit.CheckRefusal(t, p.UpgradeRefused(), 3)
			_ = first.Close()
		}},
		{"none is allowed", "cannot be upgraded", []string{"--allow-upgrades=false"}, func(t *testing.T, p *testkit.Poller) {
			testkit.CheckRefusal(t, p.UpgradeRefused(), 3)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := harness.Start(t, c.args...)
			p := testkit.JoinPolling(t, server.Addr, 4)
			c.begin(t, p)
			server.Stderr.WaitText(t, c.log)
			p.Chats("still polling")
		})
	}
}

// Engine.IO 4 libraries for small devices send heartbeats of their own: they are neither answered
// nor taken for the answer to ours.
func TestHeartbeatsOfOtherClients(t *testing.T) {
	server := harness.Start(t)
	c := testkit.JoinWebSocket(t, server.Addr)
	c.Send("2", "2", testkit.Message("by WebSocket"))
	c.Hears(testkit.Message("by WebSocket"))
	p := testkit.JoinPolling(t, server.Addr, 4)
	p.Send("2", testkit.Message("by POST"), "2")
	p.Hears(testkit.Message("by POST"))
	quick := harness.Start(t, "--ping-interval", "100ms", "--ping-timeout", "100ms")
	deaf := testkit.OpenWebSocket(t, quick.Addr, testkit.WebSocketPath)
	deaf.Send("40", "2")
	quick.Stderr.WaitText(t, `reason="ping timeout"`)
}

// A browser fails a WebSocket that takes none of the subprotocols that it offered: the first is
// taken, at both paths, and what is no name is taken for none.
func TestSubprotocolsAreAnswered(t *testing.T) {
	addr := harness.Start(t).Addr
	for offered, want := range map[string]string{
		"chat": "chat", "chat, superchat": "chat", " a.b ,c": "a.b", "": "", ",chat": "", "two words": "", "chat\"": "", "ch\u00e4t": "",
	} {
		for _, path := range []string{testkit.WebSocketPath, "/socket.io/?EIO=3&transport=websocket", "/"} {
			checkSubprotocol(t, addr, path, offered, want)
		}
	}
	p := testkit.JoinPolling(t, addr, 4)
	path := strings.Replace(strings.TrimPrefix(p.URL, "http://"+addr), "polling", "websocket", 1)
	checkSubprotocol(t, addr, path, "chat, superchat", "chat")
}

func checkSubprotocol(t *testing.T, addr, path, offered, want string) {
	t.Helper()
	header := http.Header{"Sec-Websocket-Protocol": {offered}}
	if offered == "" {
		header = nil
	}
	conn := testkit.BeginRequest(t, addr, testkit.UpgradeRequest(addr, path, header))
	got, err := testkit.ReadAnswer(conn, bufio.NewReader(conn), http.MethodGet)
	if err != nil {
		t.Fatal(err)
	}
	if chosen := got.Header.Get("Sec-WebSocket-Protocol"); got.Status != http.StatusSwitchingProtocols || chosen != want {
		t.Errorf("%s, offered %q: answered %d with %q, want %q", path, offered, got.Status, chosen, want)
	}
}
