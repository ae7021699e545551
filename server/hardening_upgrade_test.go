package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Attacks on the upgrade from polling to WebSocket, and by clients that do not do
// what is their turn. See hardening_test.go.

// upgrading opens a WebSocket for a polling session. With the text of a packet it
// sends that.
func (p *poller) upgrading(packets ...string) *wsClient {
	p.t.Helper()
	addr, path, _ := strings.Cut(strings.TrimPrefix(p.url, "http://"), "/")
	c := openWS(p.t, addr, "/"+strings.Replace(path, "polling", "websocket", 1))
	c.send(packets...)
	return c
}

// probed opens a WebSocket for a polling session and has its probe answered.
func (p *poller) probed() *wsClient {
	p.t.Helper()
	c := p.upgrading("2probe")
	c.hears("3probe")
	return c
}

// Attack: two WebSockets for one session, at once and one after the other.
func TestHardeningDoubleUpgrade(t *testing.T) {
	addr := startServer(t).Addr
	for _, version := range []int{4, 3} {
		p := joinPolling(t, addr, version)
		path := strings.Replace(strings.TrimPrefix(p.url, "http://"+addr), "polling", "websocket", 1)
		c := p.probed()
		checkRefusal(t, exchange(t, addr, upgradeRequest(addr, path, nil))[0], 3)
		c.send("5")
		c.chats("by the first")
		checkRefusal(t, exchange(t, addr, upgradeRequest(addr, path, nil))[0], 3)
		checkRefusal(t, p.get(nil), 3)
		checkRefusal(t, p.post("text/plain;charset=UTF-8", p.payload([]string{message("by polling")})), 3)
		c.chats("still by the first")
		c.send("1")
	}
}

// Attack: an upgrade that is begun and abandoned, before its probe or after it. The
// session goes on polling, loses nothing of what is said meanwhile, and can still
// upgrade.
func TestHardeningAbandonedUpgrade(t *testing.T) {
	addr := startServer(t).Addr
	speaker := joinWS(t, addr)
	leaves := map[string]func(c *wsClient){
		"by a close frame":    func(c *wsClient) { c.sendBytes(closeFrame(1000)) },
		"by its end":          func(c *wsClient) { c.must(c.Conn.(*net.TCPConn).CloseWrite()) },
		"by nonsense":         func(c *wsClient) { c.send("nonsense") },
		"by an early message": func(c *wsClient) { c.send(message("too early")) },
		"by a broken frame":   func(c *wsClient) { c.sendBytes([]byte{finBit | 0x3, 0}) },
	}
	for _, version := range []int{4, 3} {
		p := joinPolling(t, addr, version)
		for _, begin := range []func() *wsClient{p.probed, func() *wsClient { return p.upgrading() }} {
			for how, leave := range leaves {
				said := message(fmt.Sprint("while an upgrade is abandoned ", how))
				c := begin()
				speaker.send(said)
				speaker.awaits(said)
				leave(c)
				if _, err := c.end(); err != nil {
					t.Errorf("%s: %v", how, err)
				}
				p.hears(said)
			}
		}
		p.chats("still polling")
		speaker.awaits(message("still polling"))
		c := p.probed()
		c.send("5", message("upgraded in the end"))
		c.hears(message("upgraded in the end"))
		speaker.hears(message("upgraded in the end"))
		c.send("1")
	}
}

// Attack: an upgrade that is never ended.
func TestHardeningUpgradeWithoutEnd(t *testing.T) {
	addr := startServer(t, "--upgrade-timeout", "1s").Addr
	p := joinPolling(t, addr, 4)
	for _, begin := range []func() *wsClient{func() *wsClient { return p.upgrading() }, p.probed} {
		if _, err := begin().end(); err != nil {
			t.Error(err)
		}
	}
	p.chats("still polling")
}

// Attack: sessions that are opened and never connect to a namespace.
func TestHardeningNeverSendsCONNECT(t *testing.T) {
	server := startServer(t, "--connect-timeout", "2s")
	unharmed := bystander(t, server.Addr)
	silent := openWS(t, server.Addr, websocketPath)
	polling := openPolling(t, server.Addr, 4)
	silent.closedWith(1000)
	if got := polling.next(); got != "1" {
		t.Errorf("a poll brought %q, want the close packet", got)
	}
	polling.unknown()
	unharmed("the time to connect was over")
	server.Stdout.waitText(t, "the time to connect was over") // whatever else there was is printed by then
	if n := strings.Count(server.Stdout.String(), "Client"); n != 1 {
		t.Errorf("%d lines about clients were printed, want the bystander's alone", n)
	}
}

// Attack: events, acks and disconnects before CONNECT. They are ignored, and the
// connection stays.
func TestHardeningEventBeforeCONNECT(t *testing.T) {
	server := startServer(t)
	early := []string{message("too early"), `421["message","too early"]`, "431[]", "41", "42/chat,[\"message\",\"x\"]"}
	other := joinWS(t, server.Addr)
	c := openWS(t, server.Addr, websocketPath)
	c.send(early...)
	_, err := c.join()
	c.must(err)
	c.send(message("in time"))
	c.hears(message("in time"))
	p := openPolling(t, server.Addr, 4)
	p.send(early...)
	p.send("40", message("in time as well"))
	if got := p.next(); !strings.HasPrefix(got, `40{"sid":`) {
		t.Errorf("CONNECT was answered %q", got)
	}
	p.hears(message("in time as well"))
	other.hears(message("in time"), message("in time as well"))
}

// Attack: clients that are connected and then answer no heartbeat.
func TestHardeningNeverAnswersHeartbeats(t *testing.T) {
	server := startServer(t, "--ping-interval", "1s", "--ping-timeout", "1s")
	joinWS(t, server.Addr)
	joinPolling(t, server.Addr, 4)
	joinPolling(t, server.Addr, 3)
	server.Stdout.waitLines(t, "Client disconnected", 3)
}

// Attack: versions and transports that do not exist.
func TestHardeningUnknownVersionsAndTransports(t *testing.T) {
	addr := startServer(t).Addr
	for _, version := range []string{"EIO=1&", "EIO=99&", "EIO=5&", "EIO=4.0&", "EIO=04&", "EIO=-4&", "EIO=three&", "EIO=+4&"} {
		checkRefusal(t, ask(t, addr, http.MethodGet, "/socket.io/?"+version+"transport=polling", nil, ""), 5)
		checkRefusal(t, exchange(t, addr, upgradeRequest(addr, "/socket.io/?"+version+"transport=websocket", nil))[0], 5)
	}
	for _, transport := range []string{"", "&transport=", "&transport=webtransport", "&transport=flashsocket", "&transport=Polling", "&transport=__proto__"} {
		checkRefusal(t, ask(t, addr, http.MethodGet, "/socket.io/?EIO=4"+transport, nil, ""), 0)
	}
}
