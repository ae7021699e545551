package engineio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// openPacketData is the handshake of Engine.IO.
type openPacketData struct {
	SID                       string
	Upgrades                  []string
	PingTimeout, PingInterval int
	MaxPayload                int
}

func readOpen(t *testing.T, packet string) openPacketData {
	t.Helper()
	data, isOpen := strings.CutPrefix(packet, "0")
	var got openPacketData
	if err := json.Unmarshal([]byte(data), &got); err != nil || !isOpen {
		t.Fatalf("no OPEN packet but %q: %v", packet, err)
	}
	return got
}

func TestOpenPacket(t *testing.T) {
	times := func(c *Config) {
		c.PingInterval, c.PingTimeout, c.MaxMessage = 1500*time.Millisecond, 700*time.Millisecond, 4321
	}
	want := openPacketData{Upgrades: []string{"websocket"}, PingTimeout: 700, PingInterval: 1500, MaxPayload: 4321}
	t.Run("polling", func(t *testing.T) {
		f := start(t, times)
		got := readOpen(t, f.get("EIO=4&transport=polling"))
		want.SID = f.opening().ID()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("opened with %+v, want %+v", got, want)
		}
	})
	t.Run("WebSocket", func(t *testing.T) {
		f := start(t, times)
		got := readOpen(t, f.dial("EIO=4&transport=websocket", 0).text())
		want.SID, want.Upgrades = f.opening().ID(), []string{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("opened with %+v, want %+v", got, want)
		}
	})
	t.Run("without upgrades", func(t *testing.T) {
		f := start(t, func(c *Config) { c.AllowUpgrades = false })
		if got := readOpen(t, f.get("EIO=4&transport=polling")); len(got.Upgrades) > 0 {
			t.Errorf("offers %q", got.Upgrades)
		}
	})
	t.Run("Engine.IO 3 by polling", func(t *testing.T) {
		f := start(t)
		payload := f.get("EIO=3&transport=polling&b64=1")
		length, packet, _ := strings.Cut(payload, ":")
		if length != fmt.Sprint(len(packet)) {
			t.Errorf("length %s of %q", length, packet)
		}
		readOpen(t, packet)
	})
}

func TestSessionTellsOfItself(t *testing.T) {
	f := start(t)
	v3, _ := f.polling(3)
	v4, _ := f.websocket(4)
	plain, _ := f.plain()
	for _, c := range []struct {
		o         *opened
		protocol  int
		transport string
	}{{v3, 3, "polling"}, {v4, 4, "websocket"}, {plain, 0, "websocket"}} {
		if c.o.Protocol() != c.protocol || c.o.Transport() != c.transport || c.o.IsPlain() != (c.protocol == 0) || !c.o.IsOpen() {
			t.Errorf("protocol %d over %s, plain: %v, open: %v", c.o.Protocol(), c.o.Transport(), c.o.IsPlain(), c.o.IsOpen())
		}
		if c.o.Request().Host != f.addr {
			t.Errorf("opened by a request to %q", c.o.Request().Host)
		}
	}
	if f.srv.Count() != 3 {
		t.Errorf("%d sessions, want 3", f.srv.Count())
	}
}

func TestPollingSendsAndReceives(t *testing.T) {
	for _, c := range []struct {
		eio                    int
		post, both, poll, last string
	}{
		{4, "4one\x1ebAAEC\x1e4two", "4a\x1e451-b\x1ebAAEC", "4c", "4d"},
		{3, "4:4one6:b4AAEC4:4two", "\x00\x02\xff4a\x00\x05\xff451-b\x01\x04\xff\x04\x00\x01\x02", "\x00\x02\xff4c", "\x00\x02\xff4d"},
	} {
		t.Run(fmt.Sprint("Engine.IO ", c.eio), func(t *testing.T) {
			f := start(t)
			o, query := f.polling(c.eio)
			f.post(query, c.post)
			o.hears(t, "one", "binary \x00\x01\x02", "two")

			if o.Writable() {
				t.Error("writable without a poll")
			}
			o.Send(textMessage(t, "a"))
			o.Send(textMessage(t, "51-b", []byte{0, 1, 2}))
			if got := f.get(query); got != c.both {
				t.Errorf("polled %q, want %q", got, c.both)
			}
			polled := f.pollInBackground(query, o)
			if !o.Writable() {
				t.Error("not writable while a poll waits")
			}
			o.Send(textMessage(t, "c"))
			if got := testkit.Await(t, polled, "answer to the poll"); got != c.poll {
				t.Errorf("polled %q, want %q", got, c.poll)
			}
			// What a round queues reaches a waiting poll as well.
			polled = f.pollInBackground(query, o)
			round := f.srv.Begin()
			round.Queue(o.Session, textMessage(t, "d"))
			round.End()
			if got := testkit.Await(t, polled, "answer to the poll"); got != c.last {
				t.Errorf("polled %q, want %q", got, c.last)
			}
		})
	}
}

func TestWebSocketSendsAndReceives(t *testing.T) {
	for _, c := range []struct{ eio, attachment, base64 string }{
		{"4", "\x00\x01", "bAAE="},
		{"3", "\x04\x00\x01", "b4AAE="},
	} {
		t.Run("Engine.IO "+c.eio, func(t *testing.T) {
			f := start(t)
			o, p := f.websocket(int(c.eio[0] - '0'))
			p.send(opText, "4one")
			p.send(opBinary, c.attachment)
			o.hears(t, "one", "binary \x00\x01")
			p.send(opText, c.base64)
			o.hears(t, "binary \x00\x01")
			p.send(opPing, "are you there")
			p.expect(opPong, "are you there")
			o.Send(textMessage(t, "51-b", []byte{0, 1}))
			p.expect(opText, "451-b")
			p.expect(opBinary, c.attachment)
		})
	}
	for eio, want := range map[string]string{"3": "b4AAE=", "4": "bAAE="} {
		t.Run("b64, Engine.IO "+eio, func(t *testing.T) {
			f := start(t)
			p := f.dial("transport=websocket&b64=1&EIO="+eio, 0)
			o := f.opening()
			p.text()
			o.Send(textMessage(t, "51-b", []byte{0, 1}))
			p.expect(opText, "451-b")
			p.expect(opText, want)
		})
	}
	t.Run("plain", func(t *testing.T) {
		f := start(t)
		o, p := f.plain()
		p.send(opText, "4 is no packet type here")
		p.send(opBinary, "\x00")
		o.hears(t, "4 is no packet type here", "binary \x00")
		o.Send(textMessage(t, "not for plain clients"))
		m := textMessage(t, `2["message","hi"]`)
		m.SetPlain(func() (Plain, bool) { return Plain{Data: []byte("hi")}, true })
		o.Send(m)
		p.expect(opText, "hi")
	})
}

func TestUpgrade(t *testing.T) {
	for _, eio := range []int{3, 4} {
		t.Run(fmt.Sprint("Engine.IO ", eio), func(t *testing.T) {
			f := start(t)
			o, query := f.polling(eio)
			polled := f.pollInBackground(query, o)
			p := f.dial(strings.Replace(query, "polling", "websocket", 1), 0)
			p.send(opText, "2probe")
			p.expect(opText, "3probe")
			if got := testkit.Await(t, polled, "answer to the poll"); !strings.HasSuffix(got, "6") {
				t.Errorf("the waiting poll was answered %q, want a noop", got)
			}
			// One that comes in late ends by itself.
			if got := f.get(query); !strings.HasSuffix(got, "6") {
				t.Errorf("the next poll was answered %q, want a noop", got)
			}
			o.Send(textMessage(t, "queued for a poll"))
			p.send(opText, "5")
			p.expect(opText, "4queued for a poll")
			p.send(opText, "4hello")
			o.hears(t, "hello")
			o.Send(textMessage(t, "51-b", []byte{0, 1}))
			p.expect(opText, "451-b")
			p.expect(opBinary, map[int]string{3: "\x04\x00\x01", 4: "\x00\x01"}[eio])
			f.answer(http.StatusBadRequest, http.MethodGet, query, "")
			f.answer(http.StatusBadRequest, http.MethodPost, query, "4x")
			stillOpen(t, o)
		})
	}
	t.Run("with a poll still out", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		p := f.dial(strings.Replace(query, "polling", "websocket", 1), 0)
		p.send(opText, "2probe")
		p.expect(opText, "3probe")
		type polled struct {
			status int
			body   string
		}
		answered := make(chan polled, 1)
		go func() {
			status, body, err := f.do(http.MethodGet, query, "")
			if err != nil {
				t.Error(err)
			}
			answered <- polled{status, body}
		}()
		p.send(opText, "5")
		// It depends on which of the two came first, and neither loses anything.
		if got := testkit.Await(t, answered, "answer to the poll"); got != (polled{200, "6"}) && got.status != http.StatusBadRequest {
			t.Errorf("the poll was answered %v", got)
		}
		o.Send(textMessage(t, "hello"))
		p.expect(opText, "4hello")
		stillOpen(t, o)
	})
}

// As at the official server, an upgrade needs no probe, may probe twice, and may have something
// behind its 5.
func TestUpgradesOfOtherClients(t *testing.T) {
	for name, begin := range map[string][]string{
		"without a probe":       {"5"},
		"by two probes":         {"2probe", "2probe", "5"},
		"with more behind it":   {"2probe", "5probe"},
		"52, as some ESPs have": {"52"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			o, query := f.polling(4)
			p := f.dial(strings.Replace(query, "polling", "websocket", 1), 0)
			for _, packet := range begin {
				p.send(opText, packet)
				if packet == "2probe" {
					p.expect(opText, "3probe")
				}
			}
			p.send(opText, "4over the WebSocket")
			o.hears(t, "over the WebSocket")
			o.Send(textMessage(t, "hello"))
			p.expect(opText, "4hello")
			stillOpen(t, o)
		})
	}
}

// A ping of an Engine.IO 4 client's own is neither answered nor its pong.
func TestStrayPing(t *testing.T) {
	f := start(t)
	o, p := f.websocket(4)
	p.send(opText, "2")
	p.send(opText, "4after it")
	o.hears(t, "after it")
	o.Send(textMessage(t, "hello"))
	p.expect(opText, "4hello")
	polled, query := f.polling(4)
	f.post(query, "2\x1e4by POST")
	polled.hears(t, "by POST")
	stillOpen(t, o)
	stillOpen(t, polled)
}

// An upgrade that fails leaves the session polling, and able to try again.
func TestAbandonedUpgrade(t *testing.T) {
	for name, abandon := range map[string]func(p *peer){
		"cut":                 func(p *peer) { p.cut() },
		"cut after the probe": func(p *peer) { p.send(opText, "2probe"); p.expect(opText, "3probe"); p.cut() },
		"close frame":         func(p *peer) { p.send(opClose, "\x03\xe8"); p.ended() },
		"silence":             func(p *peer) { p.ended() },
		"silence after the probe": func(p *peer) {
			p.send(opText, "2probe")
			p.expect(opText, "3probe")
			p.ended()
		},
		"message":       func(p *peer) { p.send(opText, "4x"); p.ended() },
		"broken frame":  func(p *peer) { _, _ = p.conn.Write([]byte{0xff, 0xff}); p.ended() },
		"pings, as may": func(p *peer) { p.send(opPing, "x"); p.expect(opPong, "x"); p.ended() },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, func(c *Config) { c.UpgradeTimeout = 100 * time.Millisecond })
			o, query := f.polling(4)
			target := strings.Replace(query, "polling", "websocket", 1)
			abandon(f.dial(target, 0))
			f.await(func() bool { return !o.isUpgrading() })
			f.post(query, "4still here")
			o.hears(t, "still here")
			polled := f.pollInBackground(query, o)
			o.Send(textMessage(t, "so am I"))
			if got := testkit.Await(t, polled, "answer to the poll"); got != "4so am I" {
				t.Errorf("polled %q", got)
			}
			p := f.dial(target, 0)
			p.send(opText, "2probe")
			p.expect(opText, "3probe")
			p.send(opText, "5")
			p.send(opText, "4upgraded")
			o.hears(t, "upgraded")
		})
	}
}

func (o *opened) isUpgrading() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.upgrade.begun
}

func TestRefusedUpgrades(t *testing.T) {
	try := func(f *fixture, query string) int {
		f.t.Helper()
		req, err := http.NewRequest(http.MethodGet, f.url(query), nil)
		if err != nil {
			f.t.Fatal(err)
		}
		for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
			"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="} {
			req.Header.Set(name, value)
		}
		resp, err := f.http.Do(req)
		if err != nil {
			f.t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	t.Run("of a WebSocket session", func(t *testing.T) {
		f := start(t)
		o, _ := f.websocket(4)
		if status := try(f, "EIO=4&transport=websocket&sid="+o.ID()); status != http.StatusBadRequest {
			t.Errorf("answered %d", status)
		}
		stillOpen(t, o)
	})
	t.Run("while another is under way", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		target := strings.Replace(query, "polling", "websocket", 1)
		p := f.dial(target, 0)
		if status := try(f, target); status != http.StatusBadRequest {
			t.Errorf("answered %d", status)
		}
		p.send(opText, "2probe")
		p.expect(opText, "3probe")
		stillOpen(t, o)
	})
	t.Run("where none are allowed", func(t *testing.T) {
		f := start(t, func(c *Config) { c.AllowUpgrades = false })
		o, query := f.polling(4)
		if status := try(f, strings.Replace(query, "polling", "websocket", 1)); status != http.StatusBadRequest {
			t.Errorf("answered %d", status)
		}
		stillOpen(t, o)
	})
	t.Run("with a bad handshake", func(t *testing.T) {
		f := start(t)
		o, query := f.polling(4)
		f.answer(http.StatusBadRequest, http.MethodGet, strings.Replace(query, "polling", "websocket", 1), "")
		f.await(func() bool { return !o.isUpgrading() })
		stillOpen(t, o)
	})
}

// A text that may be a session's id is shown as the session's name; another as it is.
func TestShown(t *testing.T) {
	id := "srv1.dMgi_hXmd2oMVKI5HwWm"
	for text, want := range map[string]string{
		id: nameOf(id), "/chat#" + id: "/chat#" + nameOf(id), "lobby": "lobby", "": "", "a#b": "a#b",
	} {
		if got := Shown(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
