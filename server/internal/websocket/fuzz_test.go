package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"unicode/utf8"

	"hipflask/server/internal/socket"
)

// script is a connection that gives its bytes in pieces of given sizes, and then ends.
type script struct {
	net.Conn
	data []byte
	size func() int
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.data[:min(len(s.data), s.size())])
	s.data = s.data[n:]
	return n, nil
}

// recorder writes down all that it is called with.
type recorder struct{ calls []string }

func (h *recorder) Message(op Opcode, p []byte) error {
	h.calls = append(h.calls, fmt.Sprintf("message %d %x", op, p))
	return nil
}
func (h *recorder) Ping(p []byte) error {
	h.calls = append(h.calls, fmt.Sprintf("ping %x", p))
	return nil
}
func (h *recorder) Pong(p []byte) error {
	h.calls = append(h.calls, fmt.Sprintf("pong %x", p))
	return nil
}

// reference reads a whole stream in the plainest way, to compare with: what is called, and the code
// and reason of the end, code 0 being an end of the stream without one. The words for our own
// faults are left out.
func reference(b []byte, limit int) (calls []string, code int, reason string) {
	var msg []byte
	var begun Opcode
	for {
		if len(b) < 2 {
			return calls, 0, ""
		}
		op, fin, n, size := Opcode(b[0]&15), b[0]>>7 == 1, uint64(b[1]&127), 2
		known := op <= 2 || op >= 8 && op <= 10
		if b[0]>>4&7 != 0 || b[1]>>7 == 0 || !known || op >= 8 && (!fin || n > 125) || op < 8 && (op == 0) != (begun != 0) {
			return calls, 1002, ""
		}
		if n == 126 || n == 127 {
			more, least := 2, uint64(126)
			if n == 127 {
				more, least = 8, 65536
			}
			if len(b) < 2+more {
				return calls, 0, ""
			}
			n, size = binary.BigEndian.Uint64(append(make([]byte, 8-more), b[2:2+more]...)), 2+more
			if n < least || n > 1<<63-1 {
				return calls, 1002, ""
			}
		}
		if op < 8 && n+uint64(len(msg)) > uint64(limit) {
			return calls, 1009, ""
		}
		if len(b) < size+4 {
			return calls, 0, ""
		}
		key := b[size : size+4]
		have := min(n, uint64(len(b)-size-4))
		p := slices.Clone(b[size+4 : size+4+int(have)])
		for i := range p {
			p[i] ^= key[i%4]
		}
		b = b[size+4+int(have):]
		if op >= 8 {
			if have < n {
				return calls, 0, ""
			}
			if op == Close {
				code, reason = referenceClose(p)
				return calls, code, reason
			}
			calls = append(calls, fmt.Sprintf("%s %x", map[Opcode]string{Ping: "ping", Pong: "pong"}[op], p))
			continue
		}
		msg = append(msg, p...)
		if op != 0 {
			begun = op
		}
		if begun == Text && !possibleText(msg, fin && have == n) {
			return calls, 1007, ""
		}
		if have < n {
			return calls, 0, ""
		}
		if fin {
			calls = append(calls, fmt.Sprintf("message %d %x", begun, msg))
			msg, begun = nil, 0
		}
	}
}

func referenceClose(p []byte) (int, string) {
	if len(p) == 0 {
		return 1005, ""
	}
	if len(p) == 1 {
		return 1002, ""
	}
	code := int(p[0])<<8 | int(p[1])
	if code < 1000 || code >= 1004 && code <= 1006 || code >= 1015 && code <= 2999 || code > 4999 {
		return 1002, ""
	}
	if !utf8.Valid(p[2:]) {
		return 1007, ""
	}
	return code, string(p[2:])
}

// possibleText reports whether b is UTF-8, or, unless it is the end, can become so.
func possibleText(b []byte, end bool) bool {
	for len(b) > 0 {
		if !end && !utf8.FullRune(b) {
			return true
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return false
		}
		b = b[n:]
	}
	return true
}

// FuzzServe: arbitrary bytes in arbitrary pieces give what the plain reading of the whole stream
// gives, and the reader never holds more than the limit and one control frame.
func FuzzServe(f *testing.F) {
	for _, v := range violations {
		if len(v.stream) < 1000 {
			f.Add(v.stream, uint32(testMax), uint64(1))
		}
	}
	for _, c := range conversations {
		if len(c.stream) < 1000 {
			f.Add(join(c.stream, closing(1000, "bye")), uint32(300), uint64(2))
		}
	}
	f.Add(join(more(Binary, xs(100)), final(Ping, "p"), more(Continuation, xs(100)), final(Continuation, xs(100))), uint32(300), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, limit uint32, seed uint64) {
		limit %= 1 << 17
		wantCalls, wantCode, wantReason := reference(data, int(limit))
		rng := rand.New(rand.NewPCG(seed, 0))
		for name, size := range map[string]func() int{
			"whole":         func() int { return len(data) },
			"bytes":         func() int { return 1 },
			"small pieces":  func() int { return 1 + rng.IntN(16) },
			"larger pieces": func() int { return 1 + rng.IntN(300) },
		} {
			c := newConn(&script{data: slices.Clone(data), size: size}, nil, new(Upgrader))
			watch := &watched{limit: int(limit), reader: &c.reader, t: t}
			err := serve(c, watch, int(limit))
			code, reason := 0, ""
			var end *CloseError
			if errors.As(err, &end) {
				code = end.Code
				if end.Received {
					reason = end.Reason
				}
			} else if err != io.EOF {
				t.Fatalf("%s: %v", name, err)
			}
			if code != wantCode || reason != wantReason || !slices.Equal(watch.calls, wantCalls) {
				t.Errorf("%s: code %d %q after %q\nwant code %d %q after %q", name, code, reason, watch.calls, wantCode, wantReason, wantCalls)
			}
		}
		feedWatched(t, data, int(limit), rng)
	})
}

// watched looks at what the reader holds whenever it is called.
type watched struct {
	recorder
	reader *reader
	limit  int
	t      *testing.T
}

func (w *watched) Message(op Opcode, p []byte) error {
	if len(p) > w.limit {
		w.t.Errorf("a message of %d bytes, the limit is %d", len(p), w.limit)
	}
	return w.recorder.Message(op, p)
}

// feedWatched looks at what the reader holds after each piece: no more than twice what has come,
// and than the limit.
func feedWatched(t *testing.T, data []byte, limit int, rng *rand.Rand) {
	r := &reader{max: limit}
	fed := 0
	for len(data) > 0 {
		piece := slices.Clone(data[:min(len(data), 1+rng.IntN(300))])
		data = data[len(piece):]
		fed += len(piece)
		err := r.feed(piece, &recorder{})
		if cap(r.msg) > limit || cap(r.msg) > max(2*fed, firstMessageBuffer) || cap(r.ctl) > 2*maxControl {
			t.Fatalf("after %d bytes the reader holds %d and %d bytes, the limit is %d", fed, cap(r.msg), cap(r.ctl), limit)
		}
		if err != nil {
			return
		}
	}
}

// nothing is a handler that does nothing.
type nothing struct{}

func (nothing) Message(Opcode, []byte) error { return nil }
func (nothing) Ping([]byte) error            { return nil }
func (nothing) Pong([]byte) error            { return nil }

// A message of 1 MiB that never comes costs nothing.
func TestClaimCostsNothing(t *testing.T) {
	r := &reader{max: 1 << 20}
	claim := []byte{0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 'x'}
	if err := r.feed(claim, nothing{}); err != nil {
		t.Fatal(err)
	}
	if cap(r.msg) > firstMessageBuffer {
		t.Errorf("one byte of 1 MiB allocated %d bytes", cap(r.msg))
	}
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{64, 64 << 10} {
		b.Run(sizeName(n), func(b *testing.B) {
			stream := final(Text, xs(n))
			scratch := make([]byte, len(stream))
			r := &reader{max: 1 << 20}
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				copy(scratch, stream) // the reader unmasks in place
				for p := range slices.Chunk(scratch, socket.ReadSize) {
					if err := r.feed(p, nothing{}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
