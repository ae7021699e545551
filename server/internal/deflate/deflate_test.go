package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// The examples of RFC 7692, section 7.2.3, all of "Hello".
func TestExamples(t *testing.T) {
	var c Codec
	for _, example := range []string{
		"f248cdc9c90700",             // one block
		"000500faff48656c6c6f00",     // not compressed
		"f348cdc9c9070000",           // the last block
		"f24805000000ffffcac9c90700", // two blocks
	} {
		b, err := hex.DecodeString(example)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Decompress(b, 5); string(got) != "Hello" || err != nil {
			t.Errorf("%s: %q, %v", example, got, err)
		}
	}
}

// pack compresses without the tail.
func pack(c *Codec, b []byte) []byte {
	return bytes.TrimSuffix(c.Compress(b), []byte(Tail))
}

func TestThereAndBack(t *testing.T) {
	var c Codec
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 5, 511, 512, 513, 4096, 70_000, 1 << 20} {
		for name, payload := range map[string][]byte{"noise": noise(r, size), "zeros": make([]byte, size), "JSON": document(r, size)} {
			packed := pack(&c, payload)
			if got, err := c.Decompress(packed, len(payload)); !bytes.Equal(got, payload) || err != nil {
				t.Errorf("%d bytes of %s: %d bytes, %v", size, name, len(got), err)
			}
			if got, err := io.ReadAll(stdflate.NewReader(strings.NewReader(string(packed) + Tail + last))); !bytes.Equal(got, payload) || err != nil {
				t.Errorf("%d bytes of %s: the standard library reads %d bytes, %v", size, name, len(got), err)
			}
			if len(payload) == 0 {
				continue
			}
			if _, err := c.Decompress(packed, len(payload)-1); err != ErrTooBig {
				t.Errorf("%d bytes of %s with room for one less: %v", size, name, err)
			}
		}
	}
}

// A megabyte that unpacks to a gigabyte is given up at the limit.
func TestBomb(t *testing.T) {
	var c Codec
	bomb := bytes.Repeat(c.Compress(make([]byte, 1<<20)), 1000)
	if got, err := c.Decompress(bomb, 1<<20); err != ErrTooBig || cap(got) > 1<<20 {
		t.Errorf("%d bytes, %v", cap(got), err)
	}
}

func TestCorrupt(t *testing.T) {
	var c Codec
	for _, payload := range []string{"\x07", "\xff\xff\xff", "\x00\x05\x00\x00\x00", "f"} {
		if got, err := c.Decompress([]byte(payload), 100); err != ErrCorrupt {
			t.Errorf("%q: %q, %v", payload, got, err)
		}
	}
	packed := pack(&c, []byte(strings.Repeat("to be or not to be, ", 100)))
	for n := range len(packed) - 1 {
		if _, err := c.Decompress(packed[:n], 10_000); err != nil && err != ErrCorrupt {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if got, err := c.Decompress(packed, 10_000); len(got) != 2000 || err != nil {
		t.Errorf("the codec is spoiled: %d bytes, %v", len(got), err)
	}
}

func FuzzDecompress(f *testing.F) {
	var c Codec
	f.Add([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), 5)
	f.Add(pack(&c, make([]byte, 10_000)), 100)
	f.Fuzz(func(t *testing.T, payload []byte, limit int) {
		limit = min(max(limit, 0), 1<<16)
		got, err := c.Decompress(payload, limit)
		want, wantErr := io.ReadAll(io.LimitReader(stdflate.NewReader(strings.NewReader(string(payload)+Tail+last)), int64(limit)+1))
		switch {
		case wantErr != nil: // which of two faults is found first is each library's own
			if err == nil {
				t.Errorf("no error where the standard library says %v", wantErr)
			}
		case len(want) > limit:
			if err != ErrTooBig {
				t.Errorf("more than %d bytes: %v", limit, err)
			}
		case err != nil || !bytes.Equal(got, want):
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	})
}

func noise(r *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// document is an event such as applications send, of about that size.
func document(r *rand.Rand, size int) []byte {
	var b bytes.Buffer
	for b.Len() < size {
		line, _ := json.Marshal(map[string]any{
			"id": r.IntN(1e6), "name": fmt.Sprint("user", r.IntN(1000)), "text": "the quick brown fox", "at": r.IntN(1e9), "read": r.IntN(2) == 0,
		})
		b.Write(line)
	}
	return b.Bytes()[:size]
}

func BenchmarkCodec(b *testing.B) {
	var c Codec
	for _, size := range []int{1 << 10, 16 << 10} {
		payload := document(rand.New(rand.NewPCG(1, 2)), size)
		packed := pack(&c, payload)
		b.Run(fmt.Sprintf("compress/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				packed = c.Compress(payload)
			}
			b.ReportMetric(float64(len(packed)), "bytes")
		})
		b.Run(fmt.Sprintf("compress_standard/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			var out bytes.Buffer
			w, _ := stdflate.NewWriter(&out, level)
			for b.Loop() {
				out.Reset()
				w.Reset(&out)
				_, _ = w.Write(payload)
				_ = w.Flush()
			}
			b.ReportMetric(float64(out.Len()), "bytes")
		})
		b.Run(fmt.Sprintf("decompress/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := c.Decompress(packed, size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
