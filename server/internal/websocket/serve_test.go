package websocket

import (
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// violations are streams that the server must end with a code of its own, after echoing what stands
// before the fault.
var violations = []struct {
	name   string
	stream []byte
	code   int
}{
	{"not masked", AppendFrame(nil, Text, []byte("hi")), 1002},
	{"not masked, empty", AppendFrame(nil, Text, nil), 1002},
	{"RSV1", testkit.MaskedFrame(0xC1, "hi"), 1002},
	{"RSV2", testkit.MaskedFrame(0xA1, "hi"), 1002},
	{"RSV3", testkit.MaskedFrame(0x91, "hi"), 1002},
	{"RSV1 on a ping", testkit.MaskedFrame(0xC9, ""), 1002},
	{"reserved opcode 3", testkit.MaskedFrame(0x83, ""), 1002},
	{"reserved opcode 7", testkit.MaskedFrame(0x87, "x"), 1002},
	{"reserved opcode 11", testkit.MaskedFrame(0x8B, ""), 1002},
	{"reserved opcode 15", testkit.MaskedFrame(0x8F, ""), 1002},
	{"ping of 126 bytes", final(Ping, strings.Repeat("p", 126)), 1002},
	{"close of 126 bytes", closing(1000, strings.Repeat("r", 124)), 1002},
	{"fragmented ping", more(Ping, "p"), 1002},
	{"fragmented close", more(Close, ""), 1002},
	{"continuation of nothing", final(Continuation, "c"), 1002},
	{"continuation after a whole message", join(final(Text, "a"), more(Continuation, "c")), 1002},
	{"text inside a message", join(more(Text, "a"), final(Text, "b")), 1002},
	{"binary inside a message", join(more(Binary, "a"), more(Binary, "b")), 1002},
	{"16-bit length of 125", join([]byte{0x81, 0xFE, 0, 125, 0, 0, 0, 0}, make([]byte, 125)), 1002},
	{"64-bit length of 65535", []byte{0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 1002},
	{"64-bit length with its top bit", []byte{0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1}, 1002},

	{"declared too big", []byte{0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0x11, 0x71}, 1009}, // 70001
	{"declared 2^63-1", []byte{0x82, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255}, 1009},
	{"too big over fragments", join(more(Binary, strings.Repeat("a", testMax-1)), more(Continuation, ""), []byte{0x80, 0x82}, make([]byte, 4)), 1009},

	{"text not UTF-8", final(Text, "a\xffb"), 1007},
	{"text with a surrogate", final(Text, "\xed\xa0\x80"), 1007},
	{"text with an overlong form", final(Text, "\xc0\xaf"), 1007},
	{"text beyond U+10FFFF", final(Text, "\xf4\x90\x80\x80"), 1007},
	{"text ends within a character", final(Text, "abc\xe2\x82"), 1007},
	{"fragments end within a character", join(more(Text, "abc\xe2"), final(Continuation, "\x82")), 1007},
	{"fault over a fragment's edge, found at once", join(more(Text, "\xe0"), more(Continuation, "\x80")), 1007},
	{"fault in an unfinished frame", final(Text, "\xff"+strings.Repeat("x", 60000))[:100], 1007},
	{"character broken by an empty end", join(more(Text, "\xc3"), final(Continuation, "")), 1007},

	{"close of one byte", final(Close, "x"), 1002},
	{"close reason not UTF-8", closing(1000, "\xff"), 1007},
	{"close reason ends within a character", closing(1000, "a\xe2\x82"), 1007},
}

func TestViolations(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	for _, tt := range violations {
		t.Run(tt.name, func(t *testing.T) {
			c := dialTCP(t, s)
			c.send(t, final(Binary, "before"))
			c.expect(t, Binary, []byte("before"))
			// What follows a fault is not read, so the second message gets no answer.
			c.send(t, join(tt.stream, final(Binary, "after")))
			if tt.name == "continuation after a whole message" {
				c.expect(t, Text, []byte("a"))
			}
			c.expectClose(t, tt.code)
			c.Close()
			var end *CloseError
			if err := testkit.Await(t, s.ends, "end"); !errors.As(err, &end) || end.Code != tt.code || end.Received {
				t.Errorf("reading ended with %v", err)
			}
			drain(s.log)
		})
	}
}

func drain(log <-chan string) {
	for len(log) > 0 {
		<-log
	}
}

func TestCloseCodes(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	want := map[int]int{}
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		want[code] = 1002
	}
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		want[code] = code
	}
	for code, answer := range want {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			c := dialTCP(t, s)
			c.send(t, join(closing(code, "so long, é"), final(Text, "after")))
			c.expectClose(t, answer)
			c.Close()
			var end *CloseError
			if err := testkit.Await(t, s.ends, "end"); !errors.As(err, &end) || end.Received != (code == answer) || end.Code != answer {
				t.Fatalf("reading ended with %v", err)
			}
			if end.Received && end.Reason != "so long, é" {
				t.Errorf("reason %q", end.Reason)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		c := dialTCP(t, s)
		c.send(t, final(Close, ""))
		c.expectClose(t, CloseNoStatus)
		c.Close()
		var end *CloseError
		if err := testkit.Await(t, s.ends, "end"); !errors.As(err, &end) || !end.Received || end.Code != CloseNoStatus {
			t.Fatalf("reading ended with %v", err)
		}
	})
}

// conversations are streams without a fault and the frames that they are answered with.
var conversations = []struct {
	name   string
	stream []byte
	answer []byte
}{
	{"text", final(Text, "Hello"), AppendFrame(nil, Text, []byte("Hello"))},
	{"empty text and binary", join(final(Text, ""), final(Binary, "")), []byte{0x81, 0, 0x82, 0}},
	{"binary that is not UTF-8", final(Binary, "\xff\x00"), AppendFrame(nil, Binary, []byte("\xff\x00"))},
	{"125 bytes", final(Text, xs(125)), AppendFrame(nil, Text, []byte(xs(125)))},
	{"126 bytes", final(Text, xs(126)), AppendFrame(nil, Text, []byte(xs(126)))},
	{"65535 bytes", final(Text, xs(65535)), AppendFrame(nil, Text, []byte(xs(65535)))},
	{"65536 bytes", final(Binary, xs(65536)), AppendFrame(nil, Binary, []byte(xs(65536)))},
	{"as big as allowed", final(Text, xs(testMax)), AppendFrame(nil, Text, []byte(xs(testMax)))},
	{"as big as allowed, fragmented",
		join(more(Text, xs(testMax-1)), more(Continuation, ""), final(Continuation, "x")),
		AppendFrame(nil, Text, []byte(xs(testMax)))},
	{"fragments", join(more(Text, "Hel"), final(Continuation, "lo")), AppendFrame(nil, Text, []byte("Hello"))},
	{"empty fragments",
		join(more(Binary, ""), more(Continuation, ""), final(Continuation, "")), AppendFrame(nil, Binary, nil)},
	{"control frames between fragments",
		join(more(Text, "a"), final(Ping, "1"), more(Continuation, "b"), final(Pong, "?"), final(Ping, ""), final(Continuation, "c")),
		join(AppendFrame(nil, Pong, []byte("1")), AppendFrame(nil, Pong, nil), AppendFrame(nil, Text, []byte("abc")))},
	{"UTF-8 split over fragments",
		join(more(Text, "κό\xcf"), more(Continuation, "\x83με \xf0\x9f"), more(Continuation, "\x98"), final(Continuation, "\x80")),
		AppendFrame(nil, Text, []byte("κόσμε \U0001F600"))},
	{"ping of 125 bytes", final(Ping, xs(125)), AppendFrame(nil, Pong, []byte(xs(125)))},
	{"several frames",
		join(final(Text, "one"), final(Ping, "two"), final(Binary, "three"), final(Text, xs(300))),
		join(AppendFrame(nil, Text, []byte("one")), AppendFrame(nil, Pong, []byte("two")),
			AppendFrame(nil, Binary, []byte("three")), AppendFrame(nil, Text, []byte(xs(300))))},
}

func xs(n int) string { return strings.Repeat("x", n) }

func TestConversations(t *testing.T) {
	servers := map[string]*server{"TCP": newServer(t, (*httptest.Server).Start), "TLS": newServer(t, (*httptest.Server).StartTLS)}
	for _, tt := range conversations {
		for name, s := range servers {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				var c *client
				if name == "TLS" {
					c = dial(t, connectTLS(t, s), nil)
				} else {
					c = dialTCP(t, s)
				}
				c.send(t, tt.stream)
				c.answered(t, tt.answer)
				c.send(t, closing(1000, ""))
				c.expectClose(t, 1000)
				c.Close()
				testkit.Await(t, s.ends, "end")
				drain(s.log)
			})
		}
		t.Run(tt.name+" with the handshake", func(t *testing.T) {
			s := servers["TCP"]
			c := dial(t, connect(t, s.Listener.Addr()), join(tt.stream, closing(4000, "")))
			c.answered(t, tt.answer)
			c.expectClose(t, 4000)
			c.Close()
			testkit.Await(t, s.ends, "end")
			drain(s.log)
		})
		if len(tt.stream) > 1000 {
			continue
		}
		t.Run(tt.name+" byte by byte", func(t *testing.T) {
			s := servers["TCP"]
			c := dialTCP(t, s)
			for i := range tt.stream {
				c.send(t, tt.stream[i:i+1])
			}
			c.answered(t, tt.answer)
			c.Close()
			testkit.Await(t, s.ends, "end")
			drain(s.log)
		})
	}
}

// answered reads as many bytes as want has and compares them.
func (c *client) answered(t testing.TB, want []byte) {
	t.Helper()
	for len(want) > 0 {
		op := Opcode(want[0] & 15)
		n := int(want[1])
		size := 2
		if n == 126 {
			n, size = int(want[2])<<8|int(want[3]), 4
		} else if n == 127 {
			n, size = int(want[7])<<16|int(want[8])<<8|int(want[9]), 10
		}
		c.expect(t, op, want[size:size+n])
		want = want[size+n:]
	}
}

func TestPongReachesHandler(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	c := dialTCP(t, s)
	c.send(t, final(Pong, "unasked"))
	if got := testkit.Await(t, s.log, "pong"); got != `pong "unasked"` {
		t.Error(got)
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback: ", err)
	}
	s := newServer(t, func(s *httptest.Server) {
		s.Listener.Close()
		s.Listener = l
		s.Start()
	})
	c := dialTCP(t, s)
	c.send(t, final(Text, "six"))
	c.expect(t, Text, []byte("six"))
}
