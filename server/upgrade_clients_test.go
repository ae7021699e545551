package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

// Upgrades as clients of other languages make them, see testdata/wire: the session goes on
// over the WebSocket, nothing is lost of what was said before or comes behind.
func TestUpgradesOfOtherClients(t *testing.T) {
	addr := startServer(t).Addr
	speaker := joinWS(t, addr)
	for name, packets := range map[string][]string{
		"5 without a probe":         {"5"},
		"5 with something behind":   {"5upgrade"},
		"52, as some libraries do":  {"52"},
		"a probe, then 5":           {"2probe", "5"},
		"two probes, then 5":        {"2probe", "2probe", "5"},
		"a probe, then 5 and more":  {"2probe", "5ok"},
		"5 and a message in one go": {"5", message("behind")},
	} {
		for _, version := range []int{4, 3} {
			p := joinPolling(t, addr, version)
			speaker.chats(name)
			c := p.upgrading(packets...)
			for _, packet := range packets {
				if packet == "2probe" {
					c.hears("3probe")
				}
			}
			c.hears(message(name))
			if packets[len(packets)-1] == message("behind") {
				c.hears(message("behind"))
				speaker.awaits(message("behind"))
			}
			checkRefusal(t, p.get(nil), 3)
			c.send(message("by " + name))
			c.hears(message("by " + name))
			speaker.awaits(message("by " + name))
			c.send("1")
		}
	}
}

// Whatever is refused of an upgrade leaves a line in the log, and the session polls on.
func TestRefusedUpgradesAreLogged(t *testing.T) {
	for _, c := range []struct {
		name, log string
		args      []string
		begin     func(t *testing.T, p *poller)
	}{
		{"nonsense", "neither 2probe nor 5 came", nil, func(t *testing.T, p *poller) { p.upgrading("nonsense").closedWith(abnormal) }},
		{"a message", "neither 2probe nor 5 came", nil, func(t *testing.T, p *poller) { p.upgrading(message("early")).closedWith(abnormal) }},
		{"a broken frame", "not masked", nil, func(t *testing.T, p *poller) {
			ws := p.upgrading()
			ws.sendBytes([]byte{finBit | opText, 1, '5'})
			ws.closedWith(abnormal)
		}},
		{"nothing", "nothing came through", []string{"--upgrade-timeout", "50ms"}, func(t *testing.T, p *poller) {
			p.upgrading().closedWith(abnormal)
		}},
		{"a probe and no 5", "5 did not follow", []string{"--upgrade-timeout", "50ms"}, func(t *testing.T, p *poller) {
			p.probed().closedWith(abnormal)
		}},
		{"a second one", "cannot be upgraded", nil, func(t *testing.T, p *poller) {
			first := p.probed()
			checkRefusal(t, p.upgradeRefused(), 3)
			_ = first.Close()
		}},
		{"none is allowed", "cannot be upgraded", []string{"--allow-upgrades=false"}, func(t *testing.T, p *poller) {
			checkRefusal(t, p.upgradeRefused(), 3)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := startServer(t, c.args...)
			p := joinPolling(t, server.Addr, 4)
			c.begin(t, p)
			server.Stderr.waitText(t, c.log)
			p.chats("still polling")
		})
	}
}

// upgradeRefused asks for a WebSocket for a polling session, and returns the refusal.
func (p *poller) upgradeRefused() answer {
	p.t.Helper()
	addr, path, _ := strings.Cut(strings.TrimPrefix(p.url, "http://"), "/")
	return exchange(p.t, addr, upgradeRequest(addr, "/"+strings.Replace(path, "polling", "websocket", 1), nil))[0]
}

// Engine.IO 4 libraries for small devices send heartbeats of their own: they are neither
// answered nor taken for the answer to ours.
func TestHeartbeatsOfOtherClients(t *testing.T) {
	server := startServer(t)
	c := joinWS(t, server.Addr)
	c.send("2", "2", message("by WebSocket"))
	c.hears(message("by WebSocket"))
	p := joinPolling(t, server.Addr, 4)
	p.send("2", message("by POST"), "2")
	p.hears(message("by POST"))
	quick := startServer(t, "--ping-interval", "100ms", "--ping-timeout", "100ms")
	deaf := openWS(t, quick.Addr, websocketPath)
	deaf.send("40", "2")
	quick.Stderr.waitText(t, `reason="ping timeout"`)
}

// A browser fails a WebSocket that takes none of the subprotocols that it offered: the
// first is taken, at both paths, and what is no name is taken for none.
func TestSubprotocolsAreAnswered(t *testing.T) {
	addr := startServer(t).Addr
	for offered, want := range map[string]string{
		"chat": "chat", "chat, superchat": "chat", " a.b ,c": "a.b", "": "", ",chat": "", "two words": "", "chat\"": "", "ch\u00e4t": "",
	} {
		for _, path := range []string{websocketPath, "/socket.io/?EIO=3&transport=websocket", "/"} {
			checkSubprotocol(t, addr, path, offered, want)
		}
	}
	p := joinPolling(t, addr, 4)
	path := strings.Replace(strings.TrimPrefix(p.url, "http://"+addr), "polling", "websocket", 1)
	checkSubprotocol(t, addr, path, "chat, superchat", "chat")
}

func checkSubprotocol(t *testing.T, addr, path, offered, want string) {
	t.Helper()
	header := http.Header{"Sec-Websocket-Protocol": {offered}}
	if offered == "" {
		header = nil
	}
	conn := beginRequest(t, addr, upgradeRequest(addr, path, header))
	got, err := readAnswer(conn, bufio.NewReader(conn), http.MethodGet)
	if err != nil {
		t.Fatal(err)
	}
	if chosen := got.header.Get("Sec-WebSocket-Protocol"); got.status != http.StatusSwitchingProtocols || chosen != want {
		t.Errorf("%s, offered %q: answered %d with %q, want %q", path, offered, got.status, chosen, want)
	}
}
