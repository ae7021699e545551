package coding

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"hash/adler32"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// texts are parts that differ in length and in how well they compress.
func texts() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	list := [][]byte{nil, []byte("a"), []byte(strings.Repeat("again and ", 20_000))}
	for _, size := range []int{2, 255, 65_535, 65_536, 200_001} {
		text := make([]byte, size)
		for i := range text {
			text[i] = byte(r.Uint32())
		}
		list = append(list, text)
	}
	return list
}

// decompress reads one member or stream, behind which nothing may stand.
func decompress(t *testing.T, coding string, body []byte) []byte {
	t.Helper()
	in := bytes.NewReader(body)
	var r io.Reader
	var err error
	if coding == Gzip {
		z, e := gzip.NewReader(in)
		if e == nil {
			z.Multistream(false)
		}
		r, err = z, e
	} else {
		r, err = zlib.NewReader(in)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r) // which checks the sums
	if err != nil || in.Len() > 0 {
		t.Fatalf("%s: %v, %d bytes are left", coding, err, in.Len())
	}
	return out
}

// Segments in any order, also one of them twice, are one stream with the right sums.
func TestJoin(t *testing.T) {
	var c Compressor
	list := texts()
	var segments []Segment
	for i, text := range list {
		if i%2 == 0 {
			segments = append(segments, Store(text))
			continue
		}
		half := len(text) / 2
		segments = append(segments, c.Compress(text[:half], text[half:]))
	}
	for _, order := range [][]int{{}, {0}, {1}, {2}, {0, 1, 2, 3, 4, 5, 6, 7}, {7, 7, 2, 0, 5, 6, 2, 1, 7}} {
		var want []byte
		var some []Segment
		for _, i := range order {
			want = append(want, list[i]...)
			some = append(some, segments[i])
		}
		for _, coding := range []string{Gzip, Deflate} {
			if got := decompress(t, coding, bytes.Join(Join(coding, some), nil)); !bytes.Equal(got, want) {
				t.Errorf("%s of %v: %d bytes, want %d", coding, order, len(got), len(want))
			}
		}
	}
}

func TestCombinedSums(t *testing.T) {
	list := texts()
	for _, a := range list {
		for _, b := range list {
			both := bytes.Join([][]byte{a, b}, nil)
			if got := combineCRC(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), len(b)); got != crc32.ChecksumIEEE(both) {
				t.Errorf("CRC of %d and %d bytes: %#x", len(a), len(b), got)
			}
			if got := combineAdler(adler32.Checksum(a), adler32.Checksum(b), len(b)); got != adler32.Checksum(both) {
				t.Errorf("Adler-32 of %d and %d bytes: %#x", len(a), len(b), got)
			}
		}
	}
}

// A compressor is used by many at a time, and nothing of one text is in the next.
func TestCompressorIsSafeForConcurrentUse(t *testing.T) {
	var c Compressor
	list := texts()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			text := list[i%len(list)]
			if got := decompress(t, Gzip, bytes.Join(Join(Gzip, []Segment{c.Compress(text)}), nil)); !bytes.Equal(got, text) {
				t.Errorf("%d bytes became %d", len(text), len(got))
			}
		})
	}
	wg.Wait()
}

func FuzzJoin(f *testing.F) {
	f.Add([]byte("one"), []byte("another"), []byte{})
	var c Compressor
	f.Fuzz(func(t *testing.T, a, b, d []byte) {
		segments := []Segment{c.Compress(a), Store(b), c.Compress(d, a)}
		want := bytes.Join([][]byte{a, b, d, a}, nil)
		for _, coding := range []string{Gzip, Deflate} {
			if got := decompress(t, coding, bytes.Join(Join(coding, segments), nil)); !bytes.Equal(got, want) {
				t.Errorf("%s: %q, want %q", coding, got, want)
			}
		}
	})
}
