package hardening

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks over WebSocket: on its frames, on the packets in them, and by clients that do not read.
// See requests_test.go.

// Attack: a message over the limit, in one frame or in many.
func TestHardeningOversizeMessage(t *testing.T) {
	server := harness.Start(t, "--max-http-buffer-size", "10000")
	unharmed := testkit.Bystander(t, server.Addr)
	for name, frames := range map[string][]byte{
		"one frame": testkit.MaskedFrame(testkit.FinBit|testkit.OpText, testkit.Message(strings.Repeat("x", 10_000))),
		"fragments": append(testkit.MaskedFrame(testkit.OpText, strings.Repeat("x", 6000)), testkit.MaskedFrame(testkit.FinBit|testkit.OpContinuation, strings.Repeat("x", 6000))...),
		"binary":    testkit.MaskedFrame(testkit.FinBit|testkit.OpBinary, strings.Repeat("x", 10_001)),
		// Refused by its header: the rest never comes.
		"a header alone": testkit.MaskedFrame(testkit.FinBit|testkit.OpText, strings.Repeat("x", 60_000))[:8],
	} {
		c := testkit.JoinWebSocket(t, server.Addr)
		c.SendBytes(frames)
		if code, err := c.End(); err != nil || code != 1009 {
			t.Errorf("%s: closed with %d, %v; want 1009", name, code, err)
		}
	}
	largest := testkit.JoinWebSocket(t, server.Addr)
	largest.Chats(strings.Repeat("x", 10_000-len(testkit.Message(""))))
	unharmed("messages over the limit")
	harness.CheckLogged(t, server, "--max-http-buffer-size")
}

// Attack: a frame that claims 2^63 bytes and more, and ones that claim somewhat less: the server
// must neither allocate them nor wait for them.
func TestHardeningClaimedLength(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	for length, code := range map[uint64]int{1 << 63: 1002, 1<<64 - 1: 1002, 1<<63 - 1: 1009, 1 << 32: 1009, 1 << 31: 1009} {
		for _, first := range []byte{testkit.FinBit | testkit.OpText, testkit.FinBit | testkit.OpBinary, testkit.OpText} {
			c := testkit.JoinWebSocket(t, addr)
			c.SendBytes(binary.BigEndian.AppendUint64([]byte{first, testkit.MaskBit | 127}, length))
			if got, err := c.End(); err != nil || got != code {
				t.Errorf("%d bytes in frame %#x: closed with %d, %v; want %d", length, first, got, err, code)
			}
		}
	}
	unharmed("claimed lengths")
}

// Attack: frames that break RFC 6455.
func TestHardeningBrokenFrames(t *testing.T) {
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	text := testkit.MaskedFrame(testkit.FinBit|testkit.OpText, testkit.Message("broken"))
	unmasked := append([]byte{testkit.FinBit | testkit.OpText, 4}, "40[]"...)
	for name, frames := range map[string][]byte{
		"not masked":                      unmasked,
		"a reserved bit":                  append([]byte{text[0] | 0x40}, text[1:]...),
		"a reserved opcode":               testkit.MaskedFrame(testkit.FinBit|0x3, "x"),
		"a reserved control opcode":       testkit.MaskedFrame(testkit.FinBit|0xB, "x"),
		"a fragmented ping":               testkit.MaskedFrame(testkit.OpPing, "x"),
		"a ping of 126 bytes":             testkit.MaskedFrame(testkit.FinBit|testkit.OpPing, strings.Repeat("x", 126)),
		"a continuation of nothing":       testkit.MaskedFrame(testkit.FinBit|testkit.OpContinuation, "x"),
		"a message inside a message":      append(testkit.MaskedFrame(testkit.OpText, "4"), text...),
		"a close frame of one byte":       testkit.MaskedFrame(testkit.FinBit|testkit.OpClose, "\x03"),
		"the close code 1005":             testkit.CloseFrame(testkit.NoStatus),
		"the close code 1006":             testkit.CloseFrame(testkit.Abnormal),
		"the close code 999":              testkit.CloseFrame(999),
		"a length longer than it must be": {testkit.FinBit | testkit.OpText, testkit.MaskBit | 126, 0, 2},
	} {
		c := testkit.JoinWebSocket(t, addr)
		c.SendBytes(frames)
		if code, err := c.End(); err != nil || code != 1002 {
			t.Errorf("%s: closed with %d, %v; want 1002", name, code, err)
		}
	}
	unharmed("broken frames")
}

// Attack: very many tiny frames at once: events, pongs, empty messages, pings.
func TestHardeningTinyFrames(t *testing.T) {
	const count = 10_000
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	for name, frame := range map[string][]byte{
		"events without a handler": testkit.TextFrames(`42["x"]`),
		"pongs":                    testkit.MaskedFrame(testkit.FinBit|testkit.OpPong, ""),
		"Engine.IO pongs":          testkit.TextFrames("3"),
		"noops":                    testkit.TextFrames("6"),
	} {
		c := testkit.JoinWebSocket(t, addr)
		c.SendBytes([]byte(strings.Repeat(string(frame), count)))
		c.Chats("after " + name)
	}
	c := testkit.JoinWebSocket(t, addr)
	go func() {
		_ = c.WriteBytes([]byte(strings.Repeat(string(testkit.MaskedFrame(testkit.FinBit|testkit.OpPing, "p")), count)))
	}()
	for i := range count {
		if f, err := c.ReadFrame(); err != nil || f.Op != testkit.OpPong || string(f.Data) != "p" {
			t.Fatalf("ping %d was answered %v, %v", i, f, err)
		}
	}
	c.Chats("after pings")
	unharmed("tiny frames")
}

// Attack: a message in fragments without an end, of some bytes or of none.
func TestHardeningFragmentFlood(t *testing.T) {
	addr := harness.Start(t, "--max-http-buffer-size", "100000").Addr
	unharmed := testkit.Bystander(t, addr)
	c := testkit.JoinWebSocket(t, addr)
	fragment := testkit.MaskedFrame(testkit.OpContinuation, strings.Repeat("x", 10))
	// It may be cut off before all is sent.
	_ = c.WriteBytes(append(testkit.MaskedFrame(testkit.OpText, "4"), []byte(strings.Repeat(string(fragment), 10_001))...))
	c.ClosedWith(1009)

	c = testkit.JoinWebSocket(t, addr)
	empty := testkit.MaskedFrame(testkit.OpContinuation, "")
	c.SendBytes(testkit.MaskedFrame(testkit.OpText, `42["message",`))
	c.SendBytes([]byte(strings.Repeat(string(empty), 20_000)))
	unharmed("20,000 empty fragments")
	c.SendBytes(testkit.MaskedFrame(testkit.FinBit|testkit.OpContinuation, `"in the end"]`))
	c.Awaits(testkit.Message("in the end"))
	unharmed("fragments")
}

// Attack: JSON that nests deep, to exhaust the stack of whoever parses it.
func TestHardeningDeepJSON(t *testing.T) {
	server := harness.Start(t)
	addr := server.Addr
	unharmed := testkit.Bystander(t, addr)
	for _, depth := range []int{129, 10_000, 150_000} {
		for _, open := range []string{"[", `{"a":`} {
			c := testkit.JoinWebSocket(t, addr)
			c.Send(`42["message",` + strings.Repeat(open, depth))
			c.ClosedWith(1002)
		}
		c := testkit.OpenWebSocket(t, addr, testkit.WebSocketPath)
		c.Send(`40{"auth":` + strings.Repeat("[", depth))
		c.ClosedWith(1002)
	}
	c := testkit.JoinWebSocket(t, addr)
	c.Send(`42["message",` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `]`)
	c.Chats("127 lists are fine")
	unharmed("deep JSON")
	harness.CheckLogged(t, server, "--max-json-depth")
}

// Attack: a thousand attachments, and binary that no packet announced.
func TestHardeningManyAttachments(t *testing.T) {
	server := harness.Start(t)
	addr := server.Addr
	unharmed := testkit.Bystander(t, addr)
	placeholders := make([]string, 1000)
	for i := range placeholders {
		placeholders[i] = fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i)
	}
	c := testkit.JoinWebSocket(t, addr)
	c.Send(`451000-["message",[` + strings.Join(placeholders, ",") + `]]`)
	c.ClosedWith(1002)
	c = testkit.JoinWebSocket(t, addr)
	for range 100 {
		c.Must(c.SendFrame(testkit.OpBinary, "nobody asked for this"))
	}
	c.Chats("after binary that was not announced")
	unharmed("attachments")
	harness.CheckLogged(t, server, "--max-attachments")
}

// Attack: pings without end by a client that reads none of the pongs.
func TestHardeningPingFlood(t *testing.T) {
	const most = 256 << 20 // what the kernel takes in for both sides is far less
	addr := harness.Start(t).Addr
	unharmed := testkit.Bystander(t, addr)
	c := testkit.JoinWebSocket(t, addr)
	flood := []byte(strings.Repeat(string(testkit.MaskedFrame(testkit.FinBit|testkit.OpPing, strings.Repeat("x", 125))), 2000))
	before, sent := heap(), 0
	for ; sent < most; sent += len(flood) {
		if err := c.WriteBytes(flood); err != nil { // cut off
			break
		}
		if grown := heap() - before; grown > 16<<20 {
			t.Fatalf("the heap has grown by %d bytes", grown)
		}
	}
	if sent >= most {
		t.Errorf("%d bytes of pings were read, and the client is still there", sent)
	}
	unharmed("a flood of pings")
}

// Attack: a client of Engine.IO 3 sends heartbeats and fetches none of the answers. They are a few
// bytes each, so that what they cost is not what they weigh.
func TestHardeningHeartbeatsWithoutAPoll(t *testing.T) {
	server := harness.Start(t)
	unharmed := testkit.Bystander(t, server.Addr)
	p := testkit.JoinPolling(t, server.Addr, 3)
	payload := strings.Repeat("1:2", 16_000)
	before := heap()
	for n := 0; ; n++ {
		if got := p.Post("text/plain;charset=UTF-8", payload); got.Status != http.StatusOK {
			break // the session was dropped
		}
		if grown := heap() - before; grown > 16<<20 {
			t.Fatalf("the heap has grown by %d bytes for a backlog of 1 MiB", grown)
		}
		if n == 100 {
			t.Fatal("1,600,000 answers wait for a client that does not poll")
		}
	}
	p.Unknown()
	unharmed("heartbeats without a poll")
}

// heap is how many bytes of it are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Attack: clients that stop to read while much is said. 5 of 50 do, and messages of 16 KiB go on
// until all five have been dropped; the others lose nothing.
func TestHardeningNeverReadingClients(t *testing.T) {
	const (
		readers, stalled = 45, 5
		fewest, most     = 200, 2000 // messages
		window           = 4         // messages under way
	)
	server := harness.Start(t)
	text := strings.Repeat("0123456789abcdef", 1024)
	say := func(n int) string { return `42["message","` + strconv.Itoa(n) + " " + text + `"]` }
	for range stalled {
		testkit.JoinWebSocket(t, server.Addr) // and that is the last it reads
	}
	speaker := testkit.JoinWebSocket(t, server.Addr)
	var clients []*testkit.Client
	for range readers - 1 {
		clients = append(clients, testkit.JoinWebSocket(t, server.Addr))
	}
	heard := make(chan error, 1)
	go func() {
		heard <- testkit.Each(len(clients), len(clients), func(i int) error { return hearInOrder(clients[i].WebSocket, say) })
	}()
	dropped := func() int { return strings.Count(server.Stdout.String(), "Client disconnected") }
	before, n := heap(), 0
	for ; n < most && (n < fewest || n%50 > 0 || dropped() < stalled); n++ {
		speaker.Send(say(n))
		if n >= window {
			speaker.Hears(say(n - window))
		}
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	server.Stdout.WaitLines(t, "Client disconnected", stalled)
	speaker.Send(testkit.Message("the end"))
	if err := <-heard; err != nil {
		t.Error(err)
	}
	speaker.Awaits(testkit.Message("the end"))
	harness.CheckLogged(t, server, "--max-backlog")
}

// hearInOrder reads what say says for 0, 1, 2 and so on, until "the end".
func hearInOrder(w *testkit.WebSocket, say func(n int) string) error {
	for n := 0; ; n++ {
		got, err := w.Packet()
		if err != nil {
			return fmt.Errorf("after %d messages: %w", n, err)
		}
		if got == testkit.Message("the end") {
			return nil
		}
		if got != say(n) {
			return fmt.Errorf("message %d is %.60q", n, got)
		}
	}
}
