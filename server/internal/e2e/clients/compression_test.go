package clients

import (
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// joinCompressed joins with a WebSocket that offers compression.
func joinCompressed(t *testing.T, server *harness.Server, want bool) *testkit.Client {
	t.Helper()
	conn, err := testkit.DialTCP(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	header := http.Header{"Sec-Websocket-Extensions": {"permessage-deflate; client_max_window_bits"}}
	ws, err := testkit.ShakeHands(conn, testkit.UpgradeRequest(server.Addr, "/socket.io/?EIO=4&transport=websocket", header))
	if err != nil {
		t.Fatal(err)
	}
	if ws.Compressed != want {
		t.Fatalf("compression was agreed on: %v", ws.Compressed)
	}
	return (&testkit.Client{WebSocket: ws, T: t}).Joined()
}

// TestWebSocketCompression: who agreed on it is sent long messages compressed, and only what
// handlers want compressed; all read the same, and may send either form.
func TestWebSocketCompression(t *testing.T) {
	server := harness.StartApp(t, telling, "--websocket-compression")
	plain := testkit.JoinWebSocket(t, server.Addr)
	packed := joinCompressed(t, server, true)
	long, short := strings.Repeat("long ", 1000), "short"
	frame := func(c *testkit.Client, text string) testkit.Frame {
		t.Helper()
		f, err := c.ReadFrame()
		c.Must(err)
		if want := `42["told","` + text + `"]`; string(f.Data) != want {
			t.Fatalf("%.100q, want %.100q", f.Data, want)
		}
		return f
	}
	for _, test := range []struct {
		text, compress string
		want           bool
	}{{long, "true", true}, {long, "false", false}, {short, "true", false}} {
		// What is sent is compressed, in two fragments, in every other case.
		packet := `42["tell","` + test.text + `",` + test.compress + `]`
		if test.want {
			payload := testkit.Deflate(packet)
			packed.SendBytes(append(testkit.MaskedFrame(testkit.RSV1|testkit.OpText, payload[:20]), testkit.MaskedFrame(testkit.FinBit, payload[20:])...))
		} else {
			packed.Send(packet)
		}
		if f := frame(packed, test.text); f.Compressed != test.want {
			t.Errorf("%.10s, compress %s: compressed is %v", test.text, test.compress, f.Compressed)
		}
		if f := frame(plain, test.text); f.Compressed {
			t.Error("who did not offer it is sent compressed messages")
		}
	}
}

// Without the setting nobody is sent anything compressed, nor may send it.
func TestWebSocketCompressionIsOff(t *testing.T) {
	server := harness.Start(t)
	c := joinCompressed(t, server, false)
	c.SendBytes(testkit.MaskedFrame(testkit.FinBit|testkit.RSV1|testkit.OpText, testkit.Deflate(testkit.Message("x"))))
	c.ClosedWith(1002)
}

// Every client of npm's, with all that goes over the WebSocket compressed, both ways.
func TestWebSocketCompressionWithNpmClients(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range testkit.ClientVersions() {
		for _, mode := range []string{"websocket", "default"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				t.Parallel()
				server := harness.Start(t, "--websocket-compression", "--websocket-compression-threshold", "0")
				config := testkit.ScriptConfig{
					URL: server.URL, Client: client, Mode: mode,
					Behaviours: []string{"connect", "binary"}, Options: map[string]any{"perMessageDeflate": map[string]any{"threshold": 0}},
				}
				reports := testkit.RunScript(t, "matrix.mjs", config)
				server.End()
				testkit.CheckConnect(t, reports, mode)
				testkit.CheckEchoes(t, reports, 12)
				testkit.CompareLines(t, server.Stdout.Messages(), wantPrinted(t, reports, config))
			})
		}
	}
}

// TestHardeningCompressedBombs: a message that unpacks to more than is allowed costs its sender the
// connection, and nobody else anything.
func TestHardeningCompressedBombs(t *testing.T) {
	server := harness.Start(t, "--websocket-compression")
	unharmed := testkit.Bystander(t, server.Addr)
	bomb := testkit.Deflate(strings.Repeat("0", 64<<20))
	for range 20 {
		c := joinCompressed(t, server, true)
		c.SendBytes(testkit.MaskedFrame(testkit.FinBit|testkit.RSV1|testkit.OpText, bomb))
		c.ClosedWith(1009)
	}
	for payload, code := range map[string]int{"no deflate": 1007, testkit.Deflate("\xff"): 1007, "": 1007} {
		c := joinCompressed(t, server, true)
		c.SendBytes(testkit.MaskedFrame(testkit.FinBit|testkit.RSV1|testkit.OpText, payload))
		c.ClosedWith(code)
	}
	unharmed("twenty bombs")
}
