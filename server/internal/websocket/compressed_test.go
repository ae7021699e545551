package websocket

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// A compressed message may come in any pieces, between control frames and uncompressed ones.
func TestCompressedMessages(t *testing.T) {
	var u Upgrader
	packed := testkit.Deflate("Hello, hello, hello")
	const hello = "message 1 48656c6c6f2c2068656c6c6f2c2068656c6c6f"
	for name, tt := range map[string]struct {
		stream []byte
		want   []string
	}{
		"one frame":         {testkit.MaskedFrame(finBit|packedBit|1, packed), []string{hello}},
		"fragments":         {join(testkit.MaskedFrame(packedBit|1, packed[:3]), more(Continuation, packed[3:5]), final(Ping, "p"), final(Continuation, packed[5:])), []string{"ping 70", hello}},
		"binary":            {testkit.MaskedFrame(finBit|packedBit|2, packed), []string{strings.Replace(hello, "1", "2", 1)}},
		"uncompressed":      {final(Text, "x"), []string{"message 1 78"}},
		"one after another": {join(testkit.MaskedFrame(finBit|packedBit|1, packed), final(Text, "x"), testkit.MaskedFrame(finBit|packedBit|1, packed)), []string{hello, "message 1 78", hello}},
		"nothing":           {testkit.MaskedFrame(finBit|packedBit|1, "\x00"), []string{"message 1 "}},
	} {
		for _, size := range []int{1, 3, len(tt.stream)} {
			var h recorder
			r := &reader{max: 19, codec: &u.codec}
			for piece := range slices.Chunk(slices.Clone(tt.stream), size) {
				if err := r.feed(piece, &h); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if !slices.Equal(h.calls, tt.want) || !r.between() || cap(r.msg) > 0 {
				t.Errorf("%s in pieces of %d: %q", name, size, h.calls)
			}
		}
	}
}

// A message of the greatest size may come compressed, however badly: in stored blocks of a few
// bytes.
func TestCompressionThatMakesLarger(t *testing.T) {
	var u Upgrader
	const size = 4096
	var stored strings.Builder
	for range size / 64 {
		stored.WriteString("\x00\x40\x00\xbf\xff" + strings.Repeat("x", 64)) // RFC 1951, section 3.2.4
	}
	stored.WriteString("\x00")
	var h recorder
	r := &reader{max: size, codec: &u.codec}
	if err := r.feed(testkit.MaskedFrame(finBit|packedBit|1, stored.String()), &h); err != nil || len(h.calls) != 1 {
		t.Errorf("%v, %d messages", err, len(h.calls))
	}
}

func TestCompressedMessagesRefused(t *testing.T) {
	var u Upgrader
	packed := testkit.Deflate("Hello, hello, hello")
	for name, tt := range map[string]struct {
		stream []byte
		max    int
		plain  bool // not agreed on
		code   int
	}{
		"not agreed on":              {stream: testkit.MaskedFrame(finBit|packedBit|1, packed), max: 100, plain: true, code: 1002},
		"another reserved bit":       {stream: testkit.MaskedFrame(finBit|0x20|1, packed), max: 100, code: 1002},
		"a control frame":            {stream: testkit.MaskedFrame(finBit|packedBit|9, ""), max: 100, code: 1002},
		"a later fragment":           {stream: join(testkit.MaskedFrame(packedBit|1, packed[:3]), testkit.MaskedFrame(finBit|packedBit, packed[3:])), max: 100, code: 1002},
		"a later fragment alone":     {stream: join(more(Text, "a"), testkit.MaskedFrame(finBit|packedBit, packed)), max: 100, code: 1002},
		"one byte too much":          {stream: testkit.MaskedFrame(finBit|packedBit|1, packed), max: 18, code: 1009},
		"a bomb":                     {stream: testkit.MaskedFrame(finBit|packedBit|2, testkit.Deflate(string(make([]byte, 1<<24)))), max: 1 << 16, code: 1009},
		"what is not compressed":     {stream: testkit.MaskedFrame(finBit|packedBit|1, "Hello"), max: 100, code: 1007},
		"what is cut off":            {stream: testkit.MaskedFrame(finBit|packedBit|1, packed[:2]), max: 100, code: 1007},
		"text that is not UTF-8":     {stream: testkit.MaskedFrame(finBit|packedBit|1, testkit.Deflate("\xff")), max: 100, code: 1007},
		"more than the limit packed": {stream: testkit.MaskedFrame(finBit|packedBit|1, strings.Repeat("x", 130)), max: 100, code: 1009},
	} {
		r := &reader{max: tt.max, codec: &u.codec}
		if tt.plain {
			r.codec = nil
		}
		var end *CloseError
		if err := r.feed(tt.stream, nothing{}); !errors.As(err, &end) || end.Code != tt.code {
			t.Errorf("%s: %v, want code %d", name, err, tt.code)
		}
	}
}

// Both directions over a connection, for a client that offers compression and one that does not.
func TestCompressionIsAgreedOn(t *testing.T) {
	u := Upgrader{Compression: true}
	taken := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil, nil)
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer c.Close()
			frame := AppendFrame(nil, Text, []byte("as it is"))
			if c.TakesCompressed() {
				frame = u.Compress(Text, []byte("compressed"))
			}
			if _, err := c.Write(frame); err != nil {
				t.Error(err)
			}
			var h recorder
			_ = serve(c, &h, testMax)
			taken <- fmt.Sprint(h.calls)
		}()
	}))
	defer s.Close()
	for offer, want := range map[string]string{"": "as it is", "permessage-deflate; client_max_window_bits": "compressed"} {
		ws, err := testkit.ShakeHands(connect(t, s.Listener.Addr()),
			request(map[string]string{"Connection: Upgrade": "Connection: Upgrade\r\nSec-WebSocket-Extensions: " + offer}))
		if err != nil {
			t.Fatal(err)
		}
		if ws.Compressed != (offer != "") {
			t.Errorf("offered %q: agreed on %v", offer, ws.Compressed)
		}
		f, err := ws.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		got, first, message := f.Data, byte(finBit|Text), "back"
		if ws.Compressed {
			first, message = first|packedBit, testkit.Deflate(message)
		}
		if string(got) != want || f.Compressed != ws.Compressed {
			t.Errorf("offered %q: %q", offer, got)
		}
		if err := ws.WriteBytes(append(testkit.MaskedFrame(first, message), closing(1000, "")...)); err != nil {
			t.Fatal(err)
		}
		if got := testkit.Await(t, taken, "message"); got != "[message 1 6261636b]" {
			t.Errorf("offered %q: taken is %s", offer, got)
		}
		_ = ws.Close()
	}
}

// FuzzCompressed: arbitrary bytes on a connection with compression end in a message within the
// limit, or an error.
func FuzzCompressed(f *testing.F) {
	var u Upgrader
	f.Add(testkit.MaskedFrame(finBit|packedBit|1, testkit.Deflate("Hello, hello, hello")), uint32(100))
	f.Add(join(testkit.MaskedFrame(packedBit|2, "\xf2\x48"), final(Ping, ""), final(Continuation, "\xcd\xc9\xc9\x07\x00")), uint32(5))
	f.Fuzz(func(t *testing.T, data []byte, limit uint32) {
		limit %= 1 << 16
		c := newConn(&script{data: data, size: func() int { return len(data) }}, nil, &u)
		c.reader.codec = &u.codec
		watch := &watched{limit: int(limit), reader: &c.reader, t: t}
		if err := serve(c, watch, int(limit)); err == nil {
			t.Error("no end")
		}
	})
}
