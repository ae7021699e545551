package pickle

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// Writer appends a pickle of protocol 4, which Python reads from 3.4 on. It
// writes no frames and refers to nothing twice. After the first error, which
// Bytes returns, what it writes is of no use. Brackets are the caller's to get
// right.
type Writer struct {
	dst []byte
	err *jsonval.Error
}

// NewWriter returns a Writer that appends to dst.
func NewWriter(dst []byte) *Writer { return &Writer{dst: append(dst, opProto, 4)} }

// Bytes ends the pickle and returns it. An error is always a *jsonval.Error.
func (w *Writer) Bytes() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return append(w.dst, opStop), nil
}

func (w *Writer) op(op byte) { w.dst = append(w.dst, op) }

// BeginDict opens a dictionary: keys and values follow in turn.
func (w *Writer) BeginDict() { w.dst = append(w.dst, opEmptyDict, opMark) }

// EndDict closes it.
func (w *Writer) EndDict() { w.op(opSetItems) }

// BeginList opens a list.
func (w *Writer) BeginList() { w.dst = append(w.dst, opEmptyList, opMark) }

// EndList closes it.
func (w *Writer) EndList() { w.op(opAppends) }

// BeginTuple opens a tuple.
func (w *Writer) BeginTuple() { w.op(opMark) }

// EndTuple closes it.
func (w *Writer) EndTuple() { w.op(opTuple) }

// None writes None.
func (w *Writer) None() { w.op(opNone) }

// Str writes a str. Bytes that are not UTF-8 become U+FFFD.
func (w *Writer) Str(s string) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	w.length(len(s), opShortBinUni, opBinUnicode, opBinUnicode8)
	w.dst = append(w.dst, s...)
}

// Entry writes a key and a value that are both strings.
func (w *Writer) Entry(key, value string) {
	w.Str(key)
	w.Str(value)
}

// Uint writes an int.
func (w *Writer) Uint(n uint64) { w.big(new(big.Int).SetUint64(n)) }

// Value writes an argument: arrays as lists, objects as dictionaries,
// attachments as bytes.
func (w *Writer) Value(v packet.Value) {
	if err := v.Walk(walker{w}); err != nil && w.err == nil {
		w.err = malformed("an invalid value: " + err.Error())
	}
}

// length writes the opcode for something of n bytes, and n.
func (w *Writer) length(n int, short, usual, long byte) {
	switch {
	case n <= math.MaxUint8:
		w.dst = append(w.dst, short, byte(n))
	case n <= math.MaxUint32:
		w.dst = binary.LittleEndian.AppendUint32(append(w.dst, usual), uint32(n))
	default:
		w.dst = binary.LittleEndian.AppendUint64(append(w.dst, long), uint64(n))
	}
}

func (w *Writer) int(n int64) {
	switch {
	case 0 <= n && n <= math.MaxUint8:
		w.dst = append(w.dst, opBinInt1, byte(n))
	case 0 <= n && n <= math.MaxUint16:
		w.dst = binary.LittleEndian.AppendUint16(append(w.dst, opBinInt2), uint16(n))
	case math.MinInt32 <= n && n <= math.MaxInt32:
		w.dst = binary.LittleEndian.AppendUint32(append(w.dst, opBinInt), uint32(n))
	default:
		w.dst = binary.LittleEndian.AppendUint64(append(w.dst, opLong1, 8), uint64(n))
	}
}

// big writes an integer as two's complement, the lowest byte first.
func (w *Writer) big(n *big.Int) {
	if n.IsInt64() {
		w.int(n.Int64())
		return
	}
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	b := n.FillBytes(make([]byte, size))
	slices.Reverse(b)
	if size <= math.MaxUint8 {
		w.dst = append(w.dst, opLong1, byte(size))
	} else {
		w.dst = binary.LittleEndian.AppendUint32(append(w.dst, opLong4), uint32(size))
	}
	w.dst = append(w.dst, b...)
}

// walker writes what a packet.Value is made of.
type walker struct{ *Writer }

func (w walker) Null() { w.None() }

func (w walker) Bool(v bool) {
	if v {
		w.op(opNewTrue)
		return
	}
	w.op(opNewFalse)
}

// Number writes what Python's json.loads makes of it, except that a float
// beyond all bounds is None: as Infinity, no client could read it.
func (w walker) Number(text []byte) {
	s := string(text)
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			w.None()
			return
		}
		w.dst = binary.BigEndian.AppendUint64(append(w.dst, opBinFloat), math.Float64bits(f))
		return
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		w.int(n)
		return
	}
	if len(strings.TrimPrefix(s, "-")) > maxDigits {
		w.err = malformed("an integer of more than 4300 digits")
		return
	}
	n, _ := new(big.Int).SetString(s, 10) // cannot fail: the text is a JSON integer
	w.big(n)
}

func (w walker) Text(text []byte) { w.Str(string(text)) }
func (w walker) Key(text []byte)  { w.Str(string(text)) }

func (w walker) Binary(data []byte) {
	w.length(len(data), opShortBinBytes, opBinBytes, opBinBytes8)
	w.dst = append(w.dst, data...)
}

func (w walker) BeginArray()   { w.BeginList() }
func (w walker) EndArray(int)  { w.EndList() }
func (w walker) BeginObject()  { w.BeginDict() }
func (w walker) EndObject(int) { w.EndDict() }
