package hardening

import (
	"encoding/base64"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// packedEvent is an event of msgpack with this data.
func packedEvent(data string) string { return "\x83\xa4type\x02\xa3nsp\xa1/\xa4data" + data }

// Attack: msgpack that promises gigabytes, nests without end, or is none, as the first packet and
// after a good one.
func TestHardeningMsgpackBombs(t *testing.T) {
	server := harness.Start(t)
	unharmed := testkit.Bystander(t, server.Addr)
	for name, attack := range map[string]string{
		"an array of 4 G":       packedEvent("\xdd\xff\xff\xff\xff"),
		"a map of 4 G":          packedEvent("\x92\xa1m\xdf\xff\xff\xff\xff"),
		"a text of 4 GB":        packedEvent("\x92\xa1m\xdb\xff\xff\xff\xff"),
		"bytes of 4 GB":         packedEvent("\x92\xa1m\xc6\xff\xff\xff\xff"),
		"an extension of 4 GB":  packedEvent("\x92\xa1m\xc9\xff\xff\xff\xff\x00"),
		"a packet of 4 G":       "\xdf\xff\xff\xff\xff",
		"depth":                 packedEvent("\x92\xa1m" + strings.Repeat("\x91", 500_000) + "\xc0"),
		"depth nobody asks for": "\x83\xa4type\x02\xa1x" + strings.Repeat("\x91", 500_000),
		"empty lists":           packedEvent("\x92\xa1m\xdd\x00\x0e\xa6\x00" + strings.Repeat("\x90", 960_000)),
		"arguments":             packedEvent("\xdd\x00\x0e\xa6\x01\xa1m" + strings.Repeat("\xc0", 960_000)),
		"attachments":           packedEvent("\xdd\x00\x07\x53\x01\xa1m" + strings.Repeat("\xc4\x00", 480_000)),
		"control characters":    packedEvent("\x92\xa1m\xdb\x00\x0e\xa6\x00" + strings.Repeat("\x01", 960_000)),
		"half of it":            testkit.MsgpackConnect[:9],
		"nothing":               "",
		"no msgpack":            "\xc1",
		"an extension":          packedEvent("\x92\xa1m\xd4\x05a"),
		"a namespace of 900 kB": "\x82\xa4type\x00\xa3nsp\xdb\x00\x0d\xbb\xa0/" + strings.Repeat("n", 899_999),
	} {
		first := testkit.OpenMsgpack(t, server.Addr)
		first.SendPacket(attack)
		joined := testkit.JoinMsgpack(t, server.Addr)
		joined.SendPacket(attack)
		for range 3 { // what is left of either goes on, or has been ended
			_ = first.SendFrame(testkit.OpBinary, attack)
			_ = joined.SendFrame(testkit.OpBinary, attack)
		}
		poller := testkit.OpenPolling(t, server.Addr, 4)
		if body := "b" + base64.StdEncoding.EncodeToString([]byte(attack)); len(body) < 1_000_000 {
			poller.Post("text/plain;charset=UTF-8", body)
		}
		unharmed(name)
	}
}

// The log tells what such packets are refused for. Each has a server of its own: of one
// cause there are five lines a second.
func TestHardeningMsgpackBombsAreLogged(t *testing.T) {
	for line, attack := range map[string]string{
		"packet ignored: malformed": "\xc1",
		"the first message is binary, and no CONNECT of socket.io-msgpack-parser": "\xc1",
		"limit of arguments":   packedEvent("\xdd\x00\x0e\xa6\x01\xa1m" + strings.Repeat("\xc0", 960_000)),
		"limit of attachments": packedEvent("\xdd\x00\x07\x53\x01\xa1m" + strings.Repeat("\xc4\x00", 480_000)),
		"limit of namespace":   "\x82\xa4type\x00\xa3nsp\xdb\x00\x0d\xbb\xa0/" + strings.Repeat("n", 899_999),
		"--max-json-depth":     packedEvent("\x92\xa1m" + strings.Repeat("\x91", 500_000) + "\xc0"),
	} {
		t.Run(line, func(t *testing.T) {
			server := harness.Start(t)
			testkit.OpenMsgpack(t, server.Addr).SendPacket(attack)
			testkit.JoinMsgpack(t, server.Addr).SendPacket(attack)
			server.Stderr.WaitText(t, line)
		})
	}
}

// Attack: a client that changes the form of its packets in the middle, to be read by one decoder
// what the other let through. It is ended, and the log tells why.
func TestHardeningMsgpackChangesItsForm(t *testing.T) {
	const line = "client closed: it changed between text and msgpack"
	for name, attack := range map[string]func(t *testing.T, addr string) *testkit.Client{
		"from msgpack to text": func(t *testing.T, addr string) *testkit.Client {
			c := testkit.JoinMsgpack(t, addr)
			c.Send(testkit.Message("x"))
			return c.Client
		},
		"from msgpack to an attachment": func(t *testing.T, addr string) *testkit.Client {
			c := testkit.JoinMsgpack(t, addr)
			c.Send(`451-["message",{"_placeholder":true,"num":0}]`)
			return c.Client
		},
		"from text to msgpack": func(t *testing.T, addr string) *testkit.Client {
			c := testkit.JoinWebSocket(t, addr)
			c.Must(c.SendFrame(testkit.OpBinary, testkit.MsgpackConnect))
			return c
		},
		"Engine.IO 3, to which the server has spoken": func(t *testing.T, addr string) *testkit.Client {
			c := testkit.OpenWebSocket(t, addr, strings.Replace(testkit.WebSocketPath, "EIO=4", "EIO=3", 1))
			c.Must(c.SendFrame(testkit.OpBinary, "\x04"+testkit.MsgpackConnect))
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := harness.Start(t)
			unharmed := testkit.Bystander(t, server.Addr)
			attack(t, server.Addr).ClosedWith(1000)
			server.Stderr.WaitText(t, line)
			unharmed(name)
		})
	}
}

// Attack: by polling, packets of msgpack in one payload with text, and a whole conversation in one
// POST.
func TestHardeningMsgpackInOnePOST(t *testing.T) {
	server := harness.Start(t)
	unharmed := testkit.Bystander(t, server.Addr)
	packed := func(packet string) string { return "b" + base64.StdEncoding.EncodeToString([]byte(packet)) }
	p := testkit.OpenPolling(t, server.Addr, 4)
	p.Send(packed(testkit.MsgpackConnect), packed(packedEvent("\x92\xa7message\xa2hi")), packed("\x82\xa4type\x01\xa3nsp\xa1/"), packed(testkit.MsgpackConnect), packed(packedEvent("\x92\xa7message\xa3you")))
	if answer := p.Next(); !strings.HasPrefix(answer, "bg6R0eXBl") {
		t.Errorf("CONNECT was answered %q", answer)
	}
	p.Awaits(packed("\x83\xa4type\x02\xa4data\x92\xa7message\xa3you\xa3nsp\xa1/"))
	p.Send(packed(packedEvent("\x92\xa7message\xa2no")), testkit.Message("and text"), packed(packedEvent("\x92\xa7message\xa2no")))
	p.Awaits("1")
	server.Stderr.WaitText(t, "client closed: it changed between text and msgpack")
	unharmed("msgpack and text in one payload")
}
