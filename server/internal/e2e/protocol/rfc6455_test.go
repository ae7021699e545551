package protocol

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The cases of the Autobahn test suite that concern a server, under their numbers there, written
// anew: what it sends and what it expects. Each runs against both kinds of WebSocket that the
// server has. Sections 12 and 13, compression, do not apply to a server that negotiates none. Rows
// named after a section of RFC 6455 are those that Autobahn lacks.

// rfcSuite is a section's cases for one kind of WebSocket.
type rfcSuite struct {
	target   string // of the handshake
	socketIO bool   // or plain
	cases    []*rfcCase
}

// rfcCase is a stream of bytes and what a right server makes of it.
type rfcCase struct {
	suite  *rfcSuite
	number string
	sent   []byte
	chop   int      // bytes in one write; 0 for all
	echoes []string // opcode and data of the messages that come back
	pongs  []string

	// code is that of the server's close frame; 0 where the connection lives on. With it, echoes
	// and pongs are what may come: the end overtakes them.
	code int
}

func (s *rfcSuite) add(number string) *rfcCase {
	c := &rfcCase{suite: s, number: number}
	s.cases = append(s.cases, c)
	return c
}

// text is how a message with this text travels.
func (s *rfcSuite) text(text string) string {
	if s.socketIO {
		return `42["message","` + strings.ReplaceAll(text, "\x00", `\u0000`) + `"]`
	}
	return text
}

// stars is a message that is n bytes long on the wire, or the shortest there is.
func (s *rfcSuite) stars(n int) string {
	return strings.Repeat("*", max(0, n-len(s.text(""))))
}

// begun is the beginning of a message with this text.
func (s *rfcSuite) begun(text string) string { return strings.TrimSuffix(s.text(text), `"]`) }

// sends sends bytes as they are.
func (c *rfcCase) sends(bytes string) *rfcCase {
	c.sent = append(c.sent, bytes...)
	return c
}

// frame sends a frame of which nothing is expected by itself.
func (c *rfcCase) frame(first byte, payload string) *rfcCase {
	c.sent = append(c.sent, testkit.MaskedFrame(first, payload)...)
	return c
}

// says sends a text message.
func (c *rfcCase) says(text string) *rfcCase { return c.fragments(text, 0) }

// fragments sends a text message in fragments of n bytes, unfragmented for 0.
func (c *rfcCase) fragments(text string, n int) *rfcCase {
	return c.message(testkit.OpText, rfcCut(c.suite.text(text), n)...)
}

// bytes sends a binary message in fragments of n bytes, unfragmented for 0.
func (c *rfcCase) bytes(data string, n int) *rfcCase {
	if c.suite.socketIO {
		c.message(testkit.OpText, `451-["message",{"_placeholder":true,"num":0}]`)
	}
	return c.message(testkit.OpBinary, rfcCut(data, n)...)
}

// message sends these fragments of one message, which comes back if all is well.
func (c *rfcCase) message(op byte, fragments ...string) *rfcCase {
	if c.code == 0 {
		c.echoes = append(c.echoes, fmt.Sprintf("%d %s", op, strings.Join(fragments, "")))
	}
	first := op
	for i, f := range fragments {
		if i == len(fragments)-1 {
			first |= testkit.FinBit
		}
		c.frame(first, f)
		first = testkit.OpContinuation
	}
	return c
}

// ping sends a ping, which a pong answers.
func (c *rfcCase) ping(payload string) *rfcCase {
	if c.code == 0 {
		c.pongs = append(c.pongs, payload)
	}
	return c.frame(testkit.FinBit|testkit.OpPing, payload)
}

// fails says that the connection ends here, with this code from the server.
func (c *rfcCase) fails(code int) *rfcCase {
	c.code = code
	return c
}

// between sends a text message in fragments, and after each but the last a ping.
func (c *rfcCase) between(pings ...string) *rfcCase {
	text := c.suite.text("in the midst of a fragmented message there may be control frames")
	c.echoes = append(c.echoes, fmt.Sprintf("%d %s", testkit.OpText, text))
	pieces := rfcCut(text, 15)
	first := byte(testkit.OpText)
	for i, piece := range pieces[:len(pieces)-1] {
		c.frame(first, piece).ping(pings[i%len(pings)])
		first = testkit.OpContinuation
	}
	return c.frame(testkit.FinBit|testkit.OpContinuation, pieces[len(pieces)-1])
}

// part sends a text message without its end.
func (c *rfcCase) part(begin, end string) *rfcCase {
	c.frame(testkit.FinBit|testkit.OpText, begin+end)
	c.sent = c.sent[:len(c.sent)-len(end)]
	return c
}

// closes sends a close frame and expects one with the code in reply.
func (c *rfcCase) closes(code int, reason string, reply int) *rfcCase {
	payload := string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
	return c.frame(testkit.FinBit|testkit.OpClose, payload).fails(reply)
}

// chopped has the bytes leave in writes of n.
func (c *rfcCase) chopped(n int) { c.chop = n }

// rfcCut cuts text into pieces of n bytes; 0 leaves it whole.
func rfcCut(text string, n int) []string {
	if n == 0 || text == "" {
		return []string{text}
	}
	var pieces []string
	for piece := range slices.Chunk([]byte(text), n) {
		pieces = append(pieces, string(piece))
	}
	return pieces
}

// TestRFC6455 runs the cases, section by section, each on a server of its own.
func TestRFC6455(t *testing.T) {
	sections := map[string]func(*rfcSuite){
		"1 framing": rfcFraming, "2 pings and pongs": rfcPings, "3 reserved bits": rfcReservedBits,
		"4 opcodes": rfcOpcodes, "5 fragmentation": rfcFragmentation, "6 UTF-8": rfcUTF8,
		"7 closing": rfcClosing, "9 limits": rfcLimits, "10 automatic fragmentation": rfcAutomatic,
		"RFC": rfcOthers,
	}
	for name, section := range sections {
		for kind, suite := range map[string]*rfcSuite{
			"plain":     {target: "/"},
			"socket.io": {target: testkit.WebSocketPath, socketIO: true},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				section(suite)
				server := harness.Start(t)
				for i, c := range suite.cases {
					t.Run(c.number, func(t *testing.T) { c.run(t, server) })
					// Only now has the server dealt with all that this client sent.
					server.Stdout.WaitLines(t, "Client disconnected", i+1)
				}
			})
		}
	}
}

func (c *rfcCase) run(t *testing.T, server *harness.Server) {
	ws := testkit.OpenWebSocket(t, server.Addr, c.suite.target)
	defer ws.Close()
	if c.suite.socketIO {
		_, err := ws.Join()
		ws.Must(err)
	}
	last := c.suite.text("the last message")
	if c.code == 0 { // the echo of a last message, then a close frame, show that nothing else is to come
		c.message(testkit.OpText, last)
	}
	for _, piece := range rfcCut(string(c.sent), c.chop) {
		if err := ws.WriteBytes([]byte(piece)); err != nil && c.code == 0 {
			t.Fatal(err) // where the connection is to end, the server may be faster
		}
	}
	echoes, pongs, code := rfcRead(t, ws, fmt.Sprintf("%d %s", testkit.OpText, last))
	if c.code == 0 {
		if code != 0 {
			t.Fatalf("closed with %d", code)
		}
		ws.SendBytes(testkit.CloseFrame(1000))
		ws.ClosedWith(1000)
		rfcCompare(t, "messages", echoes, c.echoes)
		rfcCompare(t, "pongs", pongs, c.pongs)
		return
	}
	if code != c.code {
		t.Fatalf("closed with %d, want %d", code, c.code)
	}
	ws.ClosedWith(testkit.Abnormal) // no second close frame, and the connection's end
	rfcCompare(t, "messages", echoes, c.echoes[:min(len(echoes), len(c.echoes))])
	rfcCompare(t, "pongs", pongs, c.pongs[:min(len(pongs), len(c.pongs))])
}

// rfcRead reads up to a message or to the close frame, whose code it returns.
func rfcRead(t *testing.T, ws *testkit.Client, last string) (messages, pongs []string, code int) {
	t.Helper()
	for len(messages) == 0 || messages[len(messages)-1] != last {
		_ = ws.SetReadDeadline(time.Now().Add(testkit.Deadline))
		peeked, err := ws.Buffered.Peek(1)
		ws.Must(err)
		first := peeked[0]
		f, err := ws.ReadFrame()
		ws.Must(err)
		switch {
		case first&^0x0f != testkit.FinBit:
			t.Fatalf("the server's frame begins with %#x", first)
		case f.Op == testkit.OpClose:
			return messages, pongs, f.Code()
		case f.Op == testkit.OpPong:
			pongs = append(pongs, string(f.Data))
		default:
			messages = append(messages, fmt.Sprintf("%d %s", f.Op, f.Data))
		}
	}
	return messages, pongs, 0
}

func rfcCompare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: received %.500q, want %.500q", what, got, want)
	}
}

// TestRFC6455Handshake holds the opening handshake of both kinds against section 4.
func TestRFC6455Handshake(t *testing.T) {
	server := harness.Start(t)
	for kind, target := range map[string]string{"plain": "/", "socket.io": testkit.WebSocketPath} {
		right := testkit.UpgradeRequest(server.Addr, target, http.Header{"Sec-Websocket-Extensions": {"permessage-deflate"}})
		const key = "Sec-WebSocket-Key: aGlwZmxhc2stcmF3LXdzLQ=="
		for _, c := range []struct {
			name, instead, of string
			status            int
		}{
			{"the key of section 1.3", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", key, 101},
			{"names in other cases", "upgrade: WebSocket\r\nconnection: keep-alive, UPGRADE", "Upgrade: websocket\r\nConnection: Upgrade", 101},
			{"no key", "X-None: 1", key, 400},
			{"a short key", "Sec-WebSocket-Key: c2hvcnQ=", key, 400},
			{"two keys", key + "\r\n" + key, key, 400},
			{"another version", "Version: 8", "Version: 13", 426},
			{"no version", "X-None: 1", "Sec-WebSocket-Version: 13", 426},
			{"HTTP/1.0", "HTTP/1.0", "HTTP/1.1", 400},
		} {
			request := strings.Replace(right, c.of, c.instead, 1)
			if request == right {
				t.Fatalf("%q is not in the handshake", c.of)
			}
			rfcHandshake(t, kind+", "+c.name, testkit.Exchange(t, server.Addr, request)[0], c.status)
		}
	}
}

func rfcHandshake(t *testing.T, name string, got testkit.Answer, status int) {
	t.Helper()
	if got.Status != status {
		t.Errorf("%s: answered %v, want %d", name, got, status)
	}
	want := map[string]string{}
	switch {
	case status == 426:
		want = map[string]string{"Sec-Websocket-Version": "13"}
	case status == 101 && strings.HasSuffix(name, "1.3"):
		want = map[string]string{"Sec-Websocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Upgrade": "websocket",
			"Connection": "Upgrade", "Sec-Websocket-Extensions": "", "Sec-Websocket-Protocol": ""}
	}
	for header, value := range want {
		if got.Header.Get(header) != value {
			t.Errorf("%s: %s is %q, want %q", name, header, got.Header.Get(header), value)
		}
	}
}

func rfcFraming(s *rfcSuite) {
	for i, n := range []int{0, 125, 126, 127, 128, 65535, 65536} {
		s.add(fmt.Sprintf("1.1.%d", i+1)).says(s.stars(n))
		s.add(fmt.Sprintf("1.2.%d", i+1)).bytes(strings.Repeat("\xfe", n), 0)
	}
	s.add("1.1.8").says(s.stars(65536)).chopped(997)
	s.add("1.2.8").bytes(strings.Repeat("\xfe", 65536), 0).chopped(997)
}

func rfcPings(s *rfcSuite) {
	s.add("2.1").ping("")
	s.add("2.2").ping("Hello, world!")
	s.add("2.3").ping("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")
	s.add("2.4").ping(strings.Repeat("\xfe", 125))
	s.add("2.5").fails(1002).ping(strings.Repeat("\xfe", 126))
	s.add("2.6").ping(strings.Repeat("\xfe", 125)).chopped(1)
	s.add("2.7").frame(testkit.FinBit|testkit.OpPong, "")
	s.add("2.8").frame(testkit.FinBit|testkit.OpPong, "unsolicited pong payload")
	s.add("2.9").frame(testkit.FinBit|testkit.OpPong, "unsolicited pong payload").ping("ping payload")
	ten, tenChopped := s.add("2.10"), s.add("2.11")
	for i := range 10 {
		ten.ping(fmt.Sprint("payload-", i))
		tenChopped.ping(fmt.Sprint("payload-", i))
	}
	tenChopped.chopped(1)
}

func rfcReservedBits(s *rfcSuite) {
	hello := s.text("Hello, world!")
	s.add("3.1").fails(1002).frame(testkit.FinBit|1<<4|testkit.OpText, hello)
	s.add("3.2").says("before").fails(1002).frame(testkit.FinBit|2<<4|testkit.OpText, hello).ping("")
	s.add("3.3").says("before").fails(1002).frame(testkit.FinBit|3<<4|testkit.OpText, hello).ping("").chopped(19)
	s.add("3.4").says("before").fails(1002).frame(testkit.FinBit|4<<4|testkit.OpText, hello).ping("").chopped(1)
	s.add("3.5").fails(1002).frame(testkit.FinBit|5<<4|testkit.OpBinary, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff")
	s.add("3.6").fails(1002).frame(testkit.FinBit|6<<4|testkit.OpPing, "Hello, world!")
	s.add("3.7").fails(1002).frame(testkit.FinBit|7<<4|testkit.OpClose, "")
}

func rfcOpcodes(s *rfcSuite) {
	for i := range byte(5) {
		for section, op := range map[string]byte{"4.1": 3 + i, "4.2": 11 + i} {
			c := s.add(fmt.Sprintf("%s.%d", section, i+1))
			if i >= 2 {
				c.says("before")
			}
			c.fails(1002).frame(testkit.FinBit|op, strings.Repeat("reserved opcode payload", int(i%2))).ping("")
			if i == 4 {
				c.chopped(1)
			}
		}
	}
}

func rfcFragmentation(s *rfcSuite) {
	s.add("5.1").fails(1002).frame(testkit.OpPing, "frag").frame(testkit.FinBit|testkit.OpContinuation, "ment")
	s.add("5.2").fails(1002).frame(testkit.OpPong, "frag").frame(testkit.FinBit|testkit.OpContinuation, "ment")
	for i, chop := range []int{0, 21, 1} {
		s.add(fmt.Sprint("5.", 3+i)).fragments("fragment1fragment2", 18).chopped(chop)
		s.add(fmt.Sprint("5.", 6+i)).between("ping payload").chopped(chop)
	}
	for i, chop := range []int{0, 31, 1} {
		s.add(fmt.Sprint("5.", 9+i)).fails(1002).frame(testkit.FinBit|testkit.OpContinuation, "nothing to continue").says("Hello, world!").chopped(chop)
		s.add(fmt.Sprint("5.", 12+i)).fails(1002).frame(testkit.OpContinuation, "nothing to continue").says("Hello, world!").chopped(chop)
	}
	s.add("5.15").fragments("fragment1fragment2", 18).fails(1002).frame(testkit.OpContinuation, "fragment3").says("fragment4")
	s.add("5.16").fails(1002).frame(testkit.OpContinuation, "fragment1").says("fragment2").frame(testkit.OpContinuation, "fragment3").says("fragment4")
	s.add("5.17").fails(1002).frame(testkit.FinBit|testkit.OpContinuation, "fragment1").says("fragment2")
	s.add("5.18").fails(1002).frame(testkit.OpText, "fragment1").frame(testkit.FinBit|testkit.OpText, "fragment2")
	s.add("5.19").between("pongme 1!", "pongme 2!").chopped(40)
	s.add("5.20").between("pongme 1!", "pongme 2!")
}

func rfcUTF8(s *rfcSuite) {
	const kosme, invalid = "κ\u1f79σμε", "κ\u1f79σμε\xed\xa0\x80edited"
	s.add("6.1.1").says("")
	s.add("6.1.2").message(testkit.OpText, "", "", s.text(""))
	s.add("6.1.3").message(testkit.OpText, "", s.text("middle frame payload"), "")
	s.add("6.2.1").says("Hello-µ@ßöäüàá-UTF-8!!")
	s.add("6.2.2").fragments("Hello-µ@ßöäüàá-UTF-8!!", 12)
	s.add("6.2.3").fragments("Hello-µ@ßöäüàá-UTF-8!!", 1)
	s.add("6.2.4").fragments(kosme, 1)
	s.add("6.3.1").fails(1007).says(invalid)
	s.add("6.3.2").fails(1007).fragments(invalid, 1)
	// To fail fast: the rest of the message, or of the frame, never comes.
	s.add("6.4.1").fails(1007).frame(testkit.OpText, s.begun(kosme)).frame(testkit.OpContinuation, "\xf4\x90\x80\x80")
	s.add("6.4.2").fails(1007).frame(testkit.OpText, s.begun(kosme+"\xf4")).frame(testkit.OpContinuation, "\x90")
	s.add("6.4.3").fails(1007).part(s.begun(kosme+"\xf4\x90"), "\x80\x80edited")
	s.add("6.4.4").fails(1007).part(s.begun(kosme+"\xf4\x90"), "\x80\x80edited").chopped(1)
	for n := 1; n <= len(kosme); n++ {
		c := s.add(fmt.Sprint("6.6.", n))
		if !strings.ContainsRune("\x02\x05\x07\x09\x0b", rune(n)) { // in the middle of a character
			c.fails(1007)
		}
		c.says(kosme[:n])
	}
	for number, texts := range rfcValidTexts() {
		for i, text := range texts {
			s.add(fmt.Sprintf("%s.%d", number, i+1)).says(text)
		}
	}
	for number, texts := range rfcInvalidTexts() {
		for i, text := range texts {
			s.add(fmt.Sprintf("%s.%d", number, i+1)).fails(1007).says(text)
		}
	}
}

func rfcValidTexts() map[string][]string {
	noncharacters := []string{}
	for plane := range rune(17) {
		noncharacters = append(noncharacters, string(plane<<16|0xfffe), string(plane<<16|0xffff))
	}
	return map[string][]string{
		"6.5":  {"hello$world", "hello¢world", "hello€world", "hello𤭢world", "κ\u1f79σμε"},
		"6.7":  {"\x00", "\u0080", "\u0800", "\U00010000"},
		"6.9":  {"\x7f", "\u07ff", "\uffff", "\U0010ffff"},
		"6.11": {"\ud7ff", "\ue000", "\ufffd", "\U0010ffff"},
		"6.22": noncharacters,
		"6.23": {"\ufff9", "\ufffa", "\ufffb", "\ufffc", "\ufffd", "\ufffe", "\uffff"},
	}
}

func rfcInvalidTexts() map[string][]string {
	lonely := func(first, last int) string {
		var b strings.Builder
		for start := first; start <= last; start++ {
			b.WriteString(string([]byte{byte(start), ' '}))
		}
		return b.String()
	}
	continuations := strings.ReplaceAll(lonely(0x80, 0xbf), " ", "")
	incomplete := []string{"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
		"\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"}
	return map[string][]string{
		"6.8":    {"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"},
		"6.10":   {"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"},
		"6.11.5": {"\xf4\x90\x80\x80"},
		"6.12": {"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80",
			"\x80\xbf\x80\xbf\x80\xbf", continuations},
		"6.13": {lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb), lonely(0xfc, 0xfd)},
		"6.14": incomplete,
		"6.15": {strings.Join(incomplete, "")},
		"6.16": {"\xfe", "\xff", "\xfe\xfe\xff\xff"},
		"6.17": {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"},
		"6.18": {"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"},
		"6.19": {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"},
		"6.20": {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"},
		"6.21": {"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80", "\xed\xad\xbf\xed\xbf\xbf",
			"\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf", "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"},
	}
}

func rfcClosing(s *rfcSuite) {
	// Here the suite wants the echo too. In this chat a message is handled after it was read, and
	// who has closed by then is sent nothing more; see TestPlainOrder for what becomes of the
	// message.
	s.add("7.1.1").says("Hello, world!").closes(1000, "", 1000)
	s.add("7.1.2").closes(1000, "", 1000).closes(1000, "", 1000)
	s.add("7.1.3").closes(1000, "", 1000).ping("")
	s.add("7.1.4").closes(1000, "", 1000).says("Hello, world!")
	s.add("7.1.5").frame(testkit.OpText, "fragment1").closes(1000, "", 1000).frame(testkit.FinBit|testkit.OpContinuation, "fragment2")
	s.add("7.1.6").says(strings.Repeat("BAsd7&jh23", 26214)).closes(1000, "", 1000).ping("")
	s.add("7.3.1").fails(testkit.NoStatus).frame(testkit.FinBit|testkit.OpClose, "")
	s.add("7.3.2").fails(1002).frame(testkit.FinBit|testkit.OpClose, "a")
	s.add("7.3.3").closes(1000, "", 1000)
	s.add("7.3.4").closes(1000, "Hello, world!", 1000)
	s.add("7.3.5").closes(1000, strings.Repeat("*", 123), 1000)
	s.add("7.3.6").closes(1000, strings.Repeat("*", 124), 1002)
	s.add("7.5.1").closes(1000, "κ\u1f79σμε\xed\xa0\x80edited", 1007)
	for i, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		s.add(fmt.Sprint("7.7.", i+1)).closes(code, "", code)
	}
	for i, code := range []int{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999} {
		s.add(fmt.Sprint("7.9.", i+1)).closes(code, "", 1002)
	}
	s.add("7.13.1").closes(5000, "", 1002)
	s.add("7.13.2").closes(65535, "", 1002)
}

// rfcLimits is section 9 up to the server's limit in place of 16 MiB.
func rfcLimits(s *rfcSuite) {
	const limit = 1_000_000
	bytes := strings.Repeat("bytes ", limit)
	for i, n := range []int{64 << 10, 256 << 10, limit} {
		s.add(fmt.Sprint("9.1.", i+1)).says(s.stars(n))
		s.add(fmt.Sprint("9.2.", i+1)).bytes(bytes[:n], 0)
	}
	s.add("9.1.4").fails(1009).says(s.stars(limit + 1))
	s.add("9.1.5").fails(1009).frame(testkit.FinBit|testkit.OpText, bytes[:4<<20])
	s.add("9.2.4").fails(1009).bytes(bytes[:limit+1], 0)
	s.add("9.2.5").fails(1009).frame(testkit.FinBit|testkit.OpBinary, bytes[:4<<20])
	for i, n := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10} {
		total := min(100*n, limit)
		s.add(fmt.Sprint("9.3.", i+1)).fragments(s.stars(total), n)
		s.add(fmt.Sprint("9.4.", i+1)).bytes(bytes[:total], n)
	}
	s.add("9.3.8").fails(1009).fragments(s.stars(limit+1), 256<<10)
	s.add("9.4.8").fails(1009).bytes(bytes[:limit+1], 256<<10)
	for i, n := range []int{64, 128, 256, 512, 1024, 2048} {
		s.add(fmt.Sprint("9.5.", i+1)).says(s.stars(100 * n)).chopped(n)
		s.add(fmt.Sprint("9.6.", i+1)).bytes(bytes[:100*n], 0).chopped(n)
	}
	for i, n := range []int{0, 16, 64, 256, 1024, 4096} { // no more than the backlog holds in any case
		texts, binaries := s.add(fmt.Sprint("9.7.", i+1)), s.add(fmt.Sprint("9.8.", i+1))
		for range 100 {
			texts.says(s.stars(n))
			binaries.bytes(bytes[:n], 0)
		}
	}
}

func rfcAutomatic(s *rfcSuite) {
	s.add("10.1.1").fragments(s.stars(65536), 1300)
}

func rfcOthers(s *rfcSuite) {
	s.add("5.1 frame without a mask").fails(1002).sends("\x81\x02hi")
	s.add("5.1 ping without a mask").fails(1002).sends("\x89\x00")
	s.add("5.2 16 bits for 125 bytes").fails(1002).sends("\x82\xfe\x00\x7d\x00\x00\x00\x00" + strings.Repeat("x", 125))
	s.add("5.2 64 bits for 65535 bytes").fails(1002).sends("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff")
	s.add("5.2 the highest of 64 bits").fails(1002).sends("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01")
	s.add("5.4 fragmented close").fails(1002).frame(testkit.OpClose, "")
	s.add("5.4 fragments of no bytes").message(testkit.OpText, s.text("x"), "", "", "")
	s.add("5.5 a ping of 64 bits").fails(1002).sends("\x89\xff\x00\x00\x00\x00\x00\x00\x00\x00")
	for code := 1012; code <= 1014; code++ { // registered since
		s.add(fmt.Sprint("7.4.2 code ", code)).closes(code, "", code)
	}
	s.add("7.4.1 code 1015").closes(1015, "", 1002)
}
