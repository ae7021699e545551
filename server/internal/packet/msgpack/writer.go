package msgpack

import (
	"math"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet"
)

// Writer appends MessagePack. How many elements an array or object has is known at its end alone:
// until then its header is one byte, the form for fewer than 16. Those that turn out to have more
// get theirs in one pass at the end.
type Writer struct {
	dst    []byte
	prefix string
	open   []int // indexes in heads
	heads  []head
	wide   bool // one of the heads has 16 elements or more
}

// head is the header of an array or object that may need more than a byte.
type head struct {
	pos    int
	n      int
	object bool
}

const fixMax = 15 // elements of which a one-byte header tells

// NewWriter returns a Writer that appends to dst, and whose errors begin with the prefix.
func NewWriter(dst []byte, prefix string) Writer { return Writer{dst: dst, prefix: prefix} }

// Bytes is what has been written, behind what was given.
func (w *Writer) Bytes() []byte { return w.dst }

// Text writes a string.
func (w *Writer) Text(s string) { w.dst = msgp.AppendString(w.dst, s) }

// Array writes the header of an array of n values, which have to follow.
func (w *Writer) Array(n int) { w.dst = msgp.AppendArrayHeader(w.dst, uint32(n)) }

// Object writes the header of a map of n members, which have to follow.
func (w *Writer) Object(n int) { w.dst = msgp.AppendMapHeader(w.dst, uint32(n)) }

// Texts writes an array of strings.
func (w *Writer) Texts(all []string) {
	w.Array(len(all))
	for _, s := range all {
		w.Text(s)
	}
}

// Bool writes a boolean.
func (w *Writer) Bool(v bool) { w.dst = msgp.AppendBool(w.dst, v) }

// Integer writes the shortest form, as Node does. The library writes 200 as int16, which is right
// and a byte longer.
func (w *Writer) Integer(n int64) {
	if n >= 0 {
		w.dst = msgp.AppendUint64(w.dst, uint64(n))
		return
	}
	w.dst = msgp.AppendInt64(w.dst, n)
}

// Value writes an argument: attachments as bin, numbers as notepack.io writes what JSON.parse makes
// of them, but integers up to 64 bits exactly.
func (w *Writer) Value(v packet.Value) error {
	w.heads, w.wide = w.heads[:0], false
	if err := v.Walk(walker{w}); err != nil {
		return &packet.Error{Reason: w.prefix + "an invalid value: " + err.Error()}
	}
	if w.wide {
		w.widen()
	}
	return nil
}

// widen gives every array and object its header.
func (w *Writer) widen() {
	start := w.heads[0].pos
	old := append([]byte(nil), w.dst[start:]...)
	w.dst = w.dst[:start]
	from := 0
	for _, h := range w.heads {
		if h.n <= fixMax {
			continue
		}
		w.dst = append(w.dst, old[from:h.pos-start]...)
		if h.object {
			w.Object(h.n)
		} else {
			w.Array(h.n)
		}
		from = h.pos - start + 1
	}
	w.dst = append(w.dst, old[from:]...)
}

func (w *Writer) begin(object bool) {
	w.open = append(w.open, len(w.heads))
	w.heads = append(w.heads, head{pos: len(w.dst), object: object})
	w.dst = append(w.dst, 0)
}

func (w *Writer) end(n int) {
	i := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	h := &w.heads[i]
	h.n = n
	if n > fixMax {
		w.wide = true
		return
	}
	const fixMap, fixArray = 0x80, 0x90
	w.dst[h.pos] = fixArray | byte(n)
	if h.object {
		w.dst[h.pos] = fixMap | byte(n)
	}
	if i == len(w.heads)-1 {
		w.heads = w.heads[:i]
	}
}

// walker writes what a packet.Value is made of.
type walker struct{ *Writer }

func (w walker) Null()              { w.dst = msgp.AppendNil(w.dst) }
func (w walker) Text(text []byte)   { w.dst = msgp.AppendStringFromBytes(w.dst, text) }
func (w walker) Key(text []byte)    { w.dst = msgp.AppendStringFromBytes(w.dst, text) }
func (w walker) Binary(data []byte) { w.dst = msgp.AppendBytes(w.dst, data) }
func (w walker) BeginArray()        { w.begin(false) }
func (w walker) EndArray(n int)     { w.end(n) }
func (w walker) BeginObject()       { w.begin(true) }
func (w walker) EndObject(n int)    { w.end(n) }

func (w walker) Number(text []byte) {
	s := string(text)
	if !strings.ContainsAny(s, ".eE") {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			w.Integer(n)
			return
		}
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			w.dst = msgp.AppendUint64(w.dst, n)
			return
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	const exact = 1 << 53
	switch {
	case err != nil: // beyond all bounds: Infinity, which JSON.stringify makes null
		w.Null()
	case f == math.Trunc(f) && math.Abs(f) <= exact:
		w.Integer(int64(f))
	default:
		w.dst = msgp.AppendFloat64(w.dst, f)
	}
}
