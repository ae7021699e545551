package websocket

import (
	"bytes"
	"encoding/hex"
	"math/bits"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendFrame(t *testing.T) {
	for n, header := range map[int]string{
		0: "8100", 1: "8101", 125: "817d", 126: "817e007e", 127: "817e007f", 65535: "817effff",
		65536: "817f0000000000010000", 65537: "817f0000000000010001",
	} {
		payload := bytes.Repeat([]byte("x"), n)
		got := AppendFrame([]byte("before"), Text, payload)
		want := "before" + string(unhex(t, header)) + string(payload)
		if string(got) != want {
			t.Errorf("%d bytes: header %x, want %s", n, got[6:6+HeaderSize(n)], header)
		}
		if HeaderSize(n) != len(header)/2 {
			t.Errorf("HeaderSize(%d) = %d", n, HeaderSize(n))
		}
	}
}

func TestAppendClose(t *testing.T) {
	long := strings.Repeat("a", 121) + "é" // 123 bytes
	for _, tt := range []struct {
		code   int
		reason string
		want   string
	}{
		{1000, "", "\x88\x02\x03\xe8"},
		{1001, "bye", "\x88\x05\x03\xe9bye"},
		{CloseNoStatus, "never sent", "\x88\x00"},
		{CloseAbnormal, "", "\x88\x00"},
		{1015, "", "\x88\x00"},
		{1000, long, "\x88\x7d\x03\xe8" + long},
		{1000, "b" + long, "\x88\x7c\x03\xe8b" + long[:121]},
		{1000, strings.Repeat("€", 42), "\x88\x7d\x03\xe8" + strings.Repeat("€", 41)},
		{1000, strings.Repeat("\U0001F600", 31), "\x88\x7a\x03\xe8" + strings.Repeat("\U0001F600", 30)},
		{1000, "a\xffb", "\x88\x07\x03\xe8a\uFFFDb"},
	} {
		if got := string(AppendClose(nil, tt.code, tt.reason)); got != tt.want {
			t.Errorf("AppendClose(%d, %q) = %q, want %q", tt.code, tt.reason, got, tt.want)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		`websocket: closed by peer: 1001 "bye"`:                    &CloseError{Code: 1001, Reason: "bye", Received: true},
		"websocket: frame not masked (1002)":                       protocolError("frame not masked"),
		"websocket: handshake refused: a WebSocket needs it (400)": &HandshakeError{400, "a WebSocket needs it"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func TestUnmask(t *testing.T) {
	const key = uint32(0x3D21FA37)
	for n := range 100 {
		for cut := range n + 1 {
			b := make([]byte, n)
			k := unmask(b[cut:], unmask(b[:cut], key))
			for i, v := range b {
				if v != byte(bits.RotateLeft32(key, -8*(i%4))) {
					t.Fatalf("%d bytes cut at %d: byte %d is %#x", n, cut, i, v)
				}
			}
			if k != bits.RotateLeft32(key, -8*(n%4)) {
				t.Fatalf("%d bytes cut at %d: key %#x afterwards", n, cut, k)
			}
		}
	}
}

func TestWholeRunes(t *testing.T) {
	for in, want := range map[string]int{
		"": 0, "a": 1, "é": 2, "\xc3": 0, "a\xe2": 1, "a\xe2\x82": 1, "a€": 4, "\xf0\x9f\x98": 0, "\U0001F600": 4,
		// Faulty ends are whole: they are refused at once.
		"\xe0\x80": 2, "\xed\xa0": 2, "\xf4\x90": 2, "\xff": 1, "\x80\x80\x80\x80": 4, "\xc0": 1,
	} {
		if got := wholeRunes([]byte(in)); got != want {
			t.Errorf("wholeRunes(%q) = %d, want %d", in, got, want)
		}
		if !utf8.ValidString(in) && want == len(in) && utf8.Valid([]byte(in)[:want]) {
			t.Errorf("%q passes", in)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkAppendFrame(b *testing.B) {
	for _, n := range []int{64, 16 << 10} {
		b.Run(sizeName(n), func(b *testing.B) {
			payload := make([]byte, n)
			var dst []byte
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendFrame(dst[:0], Text, payload)
			}
		})
	}
}

func BenchmarkUnmask(b *testing.B) {
	for _, n := range []int{64, 16 << 10} {
		b.Run(sizeName(n), func(b *testing.B) {
			payload := make([]byte, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				unmask(payload, 0x3D21FA37)
			}
		})
	}
}
