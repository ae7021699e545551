package websocket

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/deflate"
)

// pack compresses a message as a client sends it.
func pack(message string) string {
	packed := new(deflate.Codec).Compress([]byte(message))
	return string(packed[:len(packed)-len(deflate.Tail)])
}

// A compressed message may come in any pieces, between control frames and uncompressed ones.
func TestCompressedMessages(t *testing.T) {
	var u Upgrader
	packed := pack("Hello, hello, hello")
	const hello = "message 1 48656c6c6f2c2068656c6c6f2c2068656c6c6f"
	for name, tt := range map[string]struct {
		stream []byte
		want   []string
	}{
		"one frame":         {framed(finBit|packedBit|1, packed), []string{hello}},
		"fragments":         {join(framed(packedBit|1, packed[:3]), more(Continuation, packed[3:5]), final(Ping, "p"), final(Continuation, packed[5:])), []string{"ping 70", hello}},
		"binary":            {framed(finBit|packedBit|2, packed), []string{strings.Replace(hello, "1", "2", 1)}},
		"uncompressed":      {final(Text, "x"), []string{"message 1 78"}},
		"one after another": {join(framed(finBit|packedBit|1, packed), final(Text, "x"), framed(finBit|packedBit|1, packed)), []string{hello, "message 1 78", hello}},
		"nothing":           {framed(finBit|packedBit|1, "\x00"), []string{"message 1 "}},
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

// A message of the greatest size may come compressed, however badly: in stored blocks of a few bytes.
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
	if err := r.feed(framed(finBit|packedBit|1, stored.String()), &h); err != nil || len(h.calls) != 1 {
		t.Errorf("%v, %d messages", err, len(h.calls))
	}
}

func TestCompressedMessagesRefused(t *testing.T) {
	var u Upgrader
	packed := pack("Hello, hello, hello")
	for name, tt := range map[string]struct {
		stream []byte
		max    int
		plain  bool // not agreed on
		code   int
	}{
		"not agreed on":              {stream: framed(finBit|packedBit|1, packed), max: 100, plain: true, code: 1002},
		"another reserved bit":       {stream: framed(finBit|0x20|1, packed), max: 100, code: 1002},
		"a control frame":            {stream: framed(finBit|packedBit|9, ""), max: 100, code: 1002},
		"a later fragment":           {stream: join(framed(packedBit|1, packed[:3]), framed(finBit|packedBit, packed[3:])), max: 100, code: 1002},
		"a later fragment alone":     {stream: join(more(Text, "a"), framed(finBit|packedBit, packed)), max: 100, code: 1002},
		"one byte too much":          {stream: framed(finBit|packedBit|1, packed), max: 18, code: 1009},
		"a bomb":                     {stream: framed(finBit|packedBit|2, pack(string(make([]byte, 1<<24)))), max: 1 << 16, code: 1009},
		"what is not compressed":     {stream: framed(finBit|packedBit|1, "Hello"), max: 100, code: 1007},
		"what is cut off":            {stream: framed(finBit|packedBit|1, packed[:2]), max: 100, code: 1007},
		"text that is not UTF-8":     {stream: framed(finBit|packedBit|1, pack("\xff")), max: 100, code: 1007},
		"more than the limit packed": {stream: framed(finBit|packedBit|1, strings.Repeat("x", 130)), max: 100, code: 1009},
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
			_ = c.Serve(&h, testMax)
			taken <- fmt.Sprint(h.calls)
		}()
	}))
	defer s.Close()
	for offer, want := range map[string]string{"": "as it is", "permessage-deflate; client_max_window_bits": "compressed"} {
		nc := connect(t, s.Listener.Addr())
		if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		c := client{nc, bufio.NewReader(nc)}
		lines := map[string]string{"Connection: Upgrade": "Connection: Upgrade\r\nSec-WebSocket-Extensions: " + offer}
		c.send(t, []byte(request(lines)))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Sec-WebSocket-Extensions") != ""; got != (offer != "") {
			t.Errorf("offered %q, answered %q", offer, resp.Header.Get("Sec-WebSocket-Extensions"))
		}
		first, err := c.r.Peek(1)
		if err != nil {
			t.Fatal(err)
		}
		if compressed := first[0]&packedBit != 0; compressed != (offer != "") {
			t.Errorf("offered %q: the frame begins %x", offer, first)
		}
		payload := make([]byte, 0, 100)
		if offer != "" {
			b, err := c.r.Peek(2)
			if err != nil {
				t.Fatal(err)
			}
			b, err = c.r.Peek(2 + int(b[1]))
			if err != nil {
				t.Fatal(err)
			}
			if payload, err = new(deflate.Codec).Decompress(b[2:], 100); err != nil {
				t.Fatal(err)
			}
			c.send(t, framed(finBit|packedBit|1, pack("back")))
		} else {
			_, payload = c.frame(t)
			c.send(t, final(Text, "back"))
		}
		if string(payload) != want {
			t.Errorf("offered %q: %q", offer, payload)
		}
		c.send(t, closing(1000, ""))
		if got := <-taken; got != "[message 1 6261636b]" {
			t.Errorf("offered %q: taken is %s", offer, got)
		}
		_ = nc.Close()
	}
}

// FuzzCompressed: arbitrary bytes on a connection with compression end in a message within the limit, or an error.
func FuzzCompressed(f *testing.F) {
	var u Upgrader
	f.Add(framed(finBit|packedBit|1, pack("Hello, hello, hello")), uint32(100))
	f.Add(join(framed(packedBit|2, "\xf2\x48"), final(Ping, ""), final(Continuation, "\xcd\xc9\xc9\x07\x00")), uint32(5))
	f.Fuzz(func(t *testing.T, data []byte, limit uint32) {
		limit %= 1 << 16
		c := newConn(&script{data: data, size: func() int { return len(data) }}, nil, &u)
		c.reader.codec = &u.codec
		watch := &watched{limit: int(limit), reader: &c.reader, t: t}
		if err := c.Serve(watch, int(limit)); err == nil {
			t.Error("no end")
		}
	})
}
