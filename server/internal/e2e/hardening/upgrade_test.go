package hardening

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks on the upgrade from polling to WebSocket, and by clients that do not do what is their
// turn. See requests_test.go.

// Attack: two WebSockets for one session, at once and one after the other.
func TestHardeningDoubleUpgrade(t *testing.T) {
	addr := harness.Start(t).Addr
	for _, version := range []int{4, 3} {
		p := testkit.JoinPolling(t, addr, version)
		path := strings.Replace(strings.TrimPrefix(p.URL, "http://"+addr), "polling", "websocket", 1)
		c := p.Probed()
		testkit.CheckRefusal(t, testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, path, nil))[0], 3)
		c.Send("5")
		c.Chats("by the first")
		testkit.CheckRefusal(t, testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, path, nil))[0], 3)
		testkit.CheckRefusal(t, p.Get(nil), 3)
		testkit.CheckRefusal(t, p.Post("text/plain;charset=UTF-8", p.Payload([]string{testkit.Message("by polling")})), 3)
		c.Chats("still by the first")
		c.Send("1")
	}
}

// Attack: an upgrade that is begun and abandoned, before its probe or after it. The session goes on
// polling, loses nothing of what is said meanwhile, and can still upgrade.
func TestHardeningAbandonedUpgrade(t *testing.T) {
	addr := harness.Start(t).Addr
	speaker := testkit.JoinWebSocket(t, addr)
	leaves := map[string]func(c *testkit.Client){
		"by a close frame":    func(c *testkit.Client) { c.SendBytes(testkit.CloseFrame(1000)) },
		"by its end":          func(c *testkit.Client) { c.Must(c.Conn.(*net.TCPConn).CloseWrite()) },
		"by nonsense":         func(c *testkit.Client) { c.Send("nonsense") },
		"by an early message": func(c *testkit.Client) { c.Send(testkit.Message("too early")) },
		"by a broken frame":   func(c *testkit.Client) { c.SendBytes([]byte{testkit.FinBit | 0x3, 0}) },
	}
	for _, version := range []int{4, 3} {
		p := testkit.JoinPolling(t, addr, version)
		for _, begin := range []func() *testkit.Client{p.Probed, func() *testkit.Client { return p.Upgrading() }} {
			for how, leave := range leaves {
				said := testkit.Message(fmt.Sprint("while an upgrade is abandoned ", how))
				c := begin()
				speaker.Send(said)
				speaker.Awaits(said)
				leave(c)
				if _, err := c.End(); err != nil {
					t.Errorf("%s: %v", how, err)
				}
				p.Hears(said)
			}
		}
		p.Chats("still polling")
		speaker.Awaits(testkit.Message("still polling"))
		c := p.Probed()
		c.Send("5", testkit.Message("upgraded in the end"))
		c.Hears(testkit.Message("upgraded in the end"))
		speaker.Hears(testkit.Message("upgraded in the end"))
		c.Send("1")
	}
}

// Attack: an upgrade that is never ended.
func TestHardeningUpgradeWithoutEnd(t *testing.T) {
	t.Parallel()
	addr := harness.Start(t, "--upgrade-timeout", "1s").Addr
	p := testkit.JoinPolling(t, addr, 4)
	for _, begin := range []func() *testkit.Client{func() *testkit.Client { return p.Upgrading() }, p.Probed} {
		if _, err := begin().End(); err != nil {
			t.Error(err)
		}
	}
	p.Chats("still polling")
}

// Attack: sessions that are opened and never connect to a namespace.
func TestHardeningNeverSendsCONNECT(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, "--connect-timeout", "2s")
	unharmed := testkit.Bystander(t, server.Addr)
	silent := testkit.OpenWebSocket(t, server.Addr, testkit.WebSocketPath)
	polling := testkit.OpenPolling(t, server.Addr, 4)
	silent.ClosedWith(1000)
	if got := polling.Next(); got != "1" {
		t.Errorf("a poll brought %q, want the close packet", got)
	}
	polling.Unknown()
	unharmed("the time to connect was over")
	server.Stdout.WaitText(t, "the time to connect was over") // whatever else there was is printed by then
	if n := strings.Count(server.Stdout.String(), "Client"); n != 1 {
		t.Errorf("%d lines about clients were printed, want the bystander's alone", n)
	}
}

// Attack: events, acks and disconnects before CONNECT. They are ignored, and the connection stays.
func TestHardeningEventBeforeCONNECT(t *testing.T) {
	server := harness.Start(t)
	early := []string{testkit.Message("too early"), `421["message","too early"]`, "431[]", "41", "42/chat,[\"message\",\"x\"]"}
	other := testkit.JoinWebSocket(t, server.Addr)
	c := testkit.OpenWebSocket(t, server.Addr, testkit.WebSocketPath)
	c.Send(early...)
	_, err := c.Join()
	c.Must(err)
	c.Send(testkit.Message("in time"))
	c.Hears(testkit.Message("in time"))
	p := testkit.OpenPolling(t, server.Addr, 4)
	p.Send(early...)
	p.Send("40", testkit.Message("in time as well"))
	if got := p.Next(); !strings.HasPrefix(got, `40{"sid":`) {
		t.Errorf("CONNECT was answered %q", got)
	}
	p.Hears(testkit.Message("in time as well"))
	other.Hears(testkit.Message("in time"), testkit.Message("in time as well"))
}

// Attack: clients that are connected and then answer no heartbeat.
func TestHardeningNeverAnswersHeartbeats(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, "--ping-interval", "1s", "--ping-timeout", "1s")
	testkit.JoinWebSocket(t, server.Addr)
	testkit.JoinPolling(t, server.Addr, 4)
	testkit.JoinPolling(t, server.Addr, 3)
	server.Stdout.WaitLines(t, "Client disconnected", 3)
}

// Attack: versions and transports that do not exist.
func TestHardeningUnknownVersionsAndTransports(t *testing.T) {
	addr := harness.Start(t).Addr
	for _, version := range []string{"EIO=1&", "EIO=99&", "EIO=5&", "EIO=4.0&", "EIO=04&", "EIO=-4&", "EIO=three&", "EIO=+4&"} {
		testkit.CheckRefusal(t, testkit.Ask(t, addr, http.MethodGet, "/socket.io/?"+version+"transport=polling", nil, ""), 5)
		testkit.CheckRefusal(t, testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, "/socket.io/?"+version+"transport=websocket", nil))[0], 5)
	}
	for _, transport := range []string{"", "&transport=", "&transport=webtransport", "&transport=flashsocket", "&transport=Polling", "&transport=__proto__"} {
		testkit.CheckRefusal(t, testkit.Ask(t, addr, http.MethodGet, "/socket.io/?EIO=4"+transport, nil, ""), 0)
	}
}
