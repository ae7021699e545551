package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Attacks over WebSocket: on its frames, on the packets in them, and by clients
// that do not read. See hardening_test.go.

// Attack: a message over the limit, in one frame or in many.
func TestHardeningOversizeMessage(t *testing.T) {
	server := startServer(t, "--max-http-buffer-size", "10000")
	unharmed := bystander(t, server.Addr)
	for name, frames := range map[string][]byte{
		"one frame": maskedFrame(finBit|opText, message(strings.Repeat("x", 10_000))),
		"fragments": append(maskedFrame(opText, strings.Repeat("x", 6000)), maskedFrame(finBit|opContinuation, strings.Repeat("x", 6000))...),
		"binary":    maskedFrame(finBit|opBinary, strings.Repeat("x", 10_001)),
		// Refused by its header: the rest never comes.
		"a header alone": maskedFrame(finBit|opText, strings.Repeat("x", 60_000))[:8],
	} {
		c := joinWS(t, server.Addr)
		c.sendBytes(frames)
		if code, err := c.end(); err != nil || code != 1009 {
			t.Errorf("%s: closed with %d, %v; want 1009", name, code, err)
		}
	}
	largest := joinWS(t, server.Addr)
	largest.chats(strings.Repeat("x", 10_000-len(message(""))))
	unharmed("messages over the limit")
	checkLogged(t, server, "--max-http-buffer-size")
}

// Attack: a frame that claims 2^63 bytes and more, and ones that claim somewhat
// less: the server must neither allocate them nor wait for them.
func TestHardeningClaimedLength(t *testing.T) {
	addr := startServer(t).Addr
	unharmed := bystander(t, addr)
	for length, code := range map[uint64]int{1 << 63: 1002, 1<<64 - 1: 1002, 1<<63 - 1: 1009, 1 << 32: 1009, 1 << 31: 1009} {
		for _, first := range []byte{finBit | opText, finBit | opBinary, opText} {
			c := joinWS(t, addr)
			c.sendBytes(binary.BigEndian.AppendUint64([]byte{first, maskBit | 127}, length))
			if got, err := c.end(); err != nil || got != code {
				t.Errorf("%d bytes in frame %#x: closed with %d, %v; want %d", length, first, got, err, code)
			}
		}
	}
	unharmed("claimed lengths")
}

// Attack: frames that break RFC 6455.
func TestHardeningBrokenFrames(t *testing.T) {
	addr := startServer(t).Addr
	unharmed := bystander(t, addr)
	text := maskedFrame(finBit|opText, message("broken"))
	unmasked := append([]byte{finBit | opText, 4}, "40[]"...)
	for name, frames := range map[string][]byte{
		"not masked":                      unmasked,
		"a reserved bit":                  append([]byte{text[0] | 0x40}, text[1:]...),
		"a reserved opcode":               maskedFrame(finBit|0x3, "x"),
		"a reserved control opcode":       maskedFrame(finBit|0xB, "x"),
		"a fragmented ping":               maskedFrame(opPing, "x"),
		"a ping of 126 bytes":             maskedFrame(finBit|opPing, strings.Repeat("x", 126)),
		"a continuation of nothing":       maskedFrame(finBit|opContinuation, "x"),
		"a message inside a message":      append(maskedFrame(opText, "4"), text...),
		"a close frame of one byte":       maskedFrame(finBit|opClose, "\x03"),
		"the close code 1005":             closeFrame(noStatus),
		"the close code 1006":             closeFrame(abnormal),
		"the close code 999":              closeFrame(999),
		"a length longer than it must be": {finBit | opText, maskBit | 126, 0, 2},
	} {
		c := joinWS(t, addr)
		c.sendBytes(frames)
		if code, err := c.end(); err != nil || code != 1002 {
			t.Errorf("%s: closed with %d, %v; want 1002", name, code, err)
		}
	}
	unharmed("broken frames")
}

// Attack: very many tiny frames at once: events, pongs, empty messages, pings.
func TestHardeningTinyFrames(t *testing.T) {
	const count = 10_000
	addr := startServer(t).Addr
	unharmed := bystander(t, addr)
	for name, frame := range map[string][]byte{
		"events without a handler": textFrames(`42["x"]`),
		"pongs":                    maskedFrame(finBit|opPong, ""),
		"Engine.IO pongs":          textFrames("3"),
		"noops":                    textFrames("6"),
	} {
		c := joinWS(t, addr)
		c.sendBytes([]byte(strings.Repeat(string(frame), count)))
		c.chats("after " + name)
	}
	c := joinWS(t, addr)
	go func() { _ = c.raw([]byte(strings.Repeat(string(maskedFrame(finBit|opPing, "p")), count))) }()
	for i := range count {
		if f, err := c.read(); err != nil || f.op != opPong || string(f.data) != "p" {
			t.Fatalf("ping %d was answered %v, %v", i, f, err)
		}
	}
	c.chats("after pings")
	unharmed("tiny frames")
}

// Attack: a message in fragments without an end, of some bytes or of none.
func TestHardeningFragmentFlood(t *testing.T) {
	addr := startServer(t, "--max-http-buffer-size", "100000").Addr
	unharmed := bystander(t, addr)
	c := joinWS(t, addr)
	fragment := maskedFrame(opContinuation, strings.Repeat("x", 10))
	// It may be cut off before all is sent.
	_ = c.raw(append(maskedFrame(opText, "4"), []byte(strings.Repeat(string(fragment), 10_001))...))
	c.closedWith(1009)

	c = joinWS(t, addr)
	empty := maskedFrame(opContinuation, "")
	c.sendBytes(maskedFrame(opText, `42["message",`))
	c.sendBytes([]byte(strings.Repeat(string(empty), 20_000)))
	unharmed("20,000 empty fragments")
	c.sendBytes(maskedFrame(finBit|opContinuation, `"in the end"]`))
	c.awaits(message("in the end"))
	unharmed("fragments")
}

// Attack: JSON that nests deep, to exhaust the stack of whoever parses it.
func TestHardeningDeepJSON(t *testing.T) {
	server := startServer(t)
	addr := server.Addr
	unharmed := bystander(t, addr)
	for _, depth := range []int{129, 10_000, 150_000} {
		for _, open := range []string{"[", `{"a":`} {
			c := joinWS(t, addr)
			c.send(`42["message",` + strings.Repeat(open, depth))
			c.closedWith(1002)
		}
		c := openWS(t, addr, websocketPath)
		c.send(`40{"auth":` + strings.Repeat("[", depth))
		c.closedWith(1002)
	}
	c := joinWS(t, addr)
	c.send(`42["message",` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `]`)
	c.chats("127 lists are fine")
	unharmed("deep JSON")
	checkLogged(t, server, "--max-json-depth")
}

// Attack: a thousand attachments, and binary that no packet announced.
func TestHardeningManyAttachments(t *testing.T) {
	server := startServer(t)
	addr := server.Addr
	unharmed := bystander(t, addr)
	placeholders := make([]string, 1000)
	for i := range placeholders {
		placeholders[i] = fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i)
	}
	c := joinWS(t, addr)
	c.send(`451000-["message",[` + strings.Join(placeholders, ",") + `]]`)
	c.closedWith(1002)
	c = joinWS(t, addr)
	for range 100 {
		c.must(c.frame(opBinary, "nobody asked for this"))
	}
	c.chats("after binary that was not announced")
	unharmed("attachments")
	checkLogged(t, server, "--max-attachments")
}

// Attack: pings without end by a client that reads none of the pongs.
func TestHardeningPingFlood(t *testing.T) {
	const most = 256 << 20 // what the kernel takes in for both sides is far less
	addr := startServer(t).Addr
	unharmed := bystander(t, addr)
	c := joinWS(t, addr)
	flood := []byte(strings.Repeat(string(maskedFrame(finBit|opPing, strings.Repeat("x", 125))), 2000))
	before, sent := heap(), 0
	for ; sent < most; sent += len(flood) {
		if err := c.raw(flood); err != nil { // cut off
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

// Attack: a client of Engine.IO 3 sends heartbeats and fetches none of the answers.
// They are a few bytes each, so that what they cost is not what they weigh.
func TestHardeningHeartbeatsWithoutAPoll(t *testing.T) {
	server := startServer(t)
	unharmed := bystander(t, server.Addr)
	p := joinPolling(t, server.Addr, 3)
	payload := strings.Repeat("1:2", 16_000)
	before := heap()
	for n := 0; ; n++ {
		if got := p.post("text/plain;charset=UTF-8", payload); got.status != http.StatusOK {
			break // the session was dropped
		}
		if grown := heap() - before; grown > 16<<20 {
			t.Fatalf("the heap has grown by %d bytes for a backlog of 1 MiB", grown)
		}
		if n == 100 {
			t.Fatal("1,600,000 answers wait for a client that does not poll")
		}
	}
	p.unknown()
	unharmed("heartbeats without a poll")
}

// heap is how many bytes of it are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Attack: clients that stop to read while much is said. 5 of 50 do, and messages of
// 16 KiB go on until all five have been dropped; the others lose nothing.
func TestHardeningNeverReadingClients(t *testing.T) {
	const (
		readers, stalled = 45, 5
		fewest, most     = 200, 2000 // messages
		window           = 4         // messages under way
	)
	server := startServer(t)
	text := strings.Repeat("0123456789abcdef", 1024)
	say := func(n int) string { return `42["message","` + strconv.Itoa(n) + " " + text + `"]` }
	for range stalled {
		joinWS(t, server.Addr) // and that is the last it reads
	}
	speaker := joinWS(t, server.Addr)
	var clients []*wsClient
	for range readers - 1 {
		clients = append(clients, joinWS(t, server.Addr))
	}
	heard := make(chan error, 1)
	go func() {
		heard <- each(len(clients), len(clients), func(i int) error { return hearInOrder(clients[i].rawWS, say) })
	}()
	dropped := func() int { return strings.Count(server.Stdout.String(), "Client disconnected") }
	before, n := heap(), 0
	for ; n < most && (n < fewest || n%50 > 0 || dropped() < stalled); n++ {
		speaker.send(say(n))
		if n >= window {
			speaker.hears(say(n - window))
		}
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	server.Stdout.waitLines(t, "Client disconnected", stalled)
	speaker.send(message("the end"))
	if err := <-heard; err != nil {
		t.Error(err)
	}
	speaker.awaits(message("the end"))
	checkLogged(t, server, "--max-backlog")
}

// hearInOrder reads what say says for 0, 1, 2 and so on, until "the end".
func hearInOrder(w *rawWS, say func(n int) string) error {
	for n := 0; ; n++ {
		got, err := w.packet()
		if err != nil {
			return fmt.Errorf("after %d messages: %w", n, err)
		}
		if got == message("the end") {
			return nil
		}
		if got != say(n) {
			return fmt.Errorf("message %d is %.60q", n, got)
		}
	}
}
