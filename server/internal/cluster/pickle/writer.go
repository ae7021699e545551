package pickle

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"hipflask/server/internal/packet"
)

// Append appends a value as a pickle of protocol 4, which Python reads from 3.4 on: arrays as
// lists, objects as dictionaries, attachments as bytes. In a dictionary that is the whole pickle
// the lists of these keys are tuples. It writes no frames and refers to nothing twice. After an
// error dst is returned as it was given. An error is always a *packet.Error.
func Append(dst []byte, v packet.Value, tuples ...string) ([]byte, error) {
	w := writer{dst: append(dst, opProto, 4), tuples: tuples}
	err := v.Walk(&w)
	switch {
	case w.err != nil:
		return dst, w.err
	case err != nil:
		return dst, malformed("an invalid value: " + err.Error())
	}
	return append(w.dst, opStop), nil
}

// writer writes what a packet.Value is made of.
type writer struct {
	dst    []byte
	err    *packet.Error
	tuples []string
	depth  int
	key    string // of the outermost object's member
}

func (w *writer) op(ops ...byte) { w.dst = append(w.dst, ops...) }

// text writes a str. Bytes that are not UTF-8 become U+FFFD.
func (w *writer) text(text []byte) {
	s := strings.ToValidUTF8(string(text), "\uFFFD")
	w.length(len(s), opShortBinUni, opBinUnicode, opBinUnicode8)
	w.dst = append(w.dst, s...)
}

func (w *writer) Null()            { w.op(opNone) }
func (w *writer) Text(text []byte) { w.text(text) }
func (w *writer) EndObject(int)    { w.op(opSetItems); w.depth-- }

func (w *writer) BeginObject() {
	w.op(opEmptyDict, opMark)
	w.depth++
}

func (w *writer) Key(text []byte) {
	if w.depth == 1 {
		w.key = string(text)
	}
	w.text(text)
}

// inTuple reports whether the array that begins or has ended at this depth is a tuple.
func (w *writer) inTuple() bool { return w.depth == 1 && slices.Contains(w.tuples, w.key) }

func (w *writer) BeginArray() {
	if !w.inTuple() {
		w.op(opEmptyList)
	}
	w.op(opMark)
	w.depth++
}

func (w *writer) EndArray(int) {
	w.depth--
	if w.inTuple() {
		w.op(opTuple)
	} else {
		w.op(opAppends)
	}
}

func (w *writer) Bool(v bool) {
	if v {
		w.op(opNewTrue)
	} else {
		w.op(opNewFalse)
	}
}

// Number writes what Python's json.loads makes of it, except that a float beyond all bounds is
// None: as Infinity, no client could read it.
func (w *writer) Number(text []byte) {
	s := string(text)
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			w.Null()
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

func (w *writer) Binary(data []byte) {
	w.length(len(data), opShortBinBytes, opBinBytes, opBinBytes8)
	w.dst = append(w.dst, data...)
}

// length writes the opcode for something of n bytes, and n.
func (w *writer) length(n int, short, usual, long byte) {
	switch {
	case n <= math.MaxUint8:
		w.dst = append(w.dst, short, byte(n))
	case n <= math.MaxUint32:
		w.dst = binary.LittleEndian.AppendUint32(append(w.dst, usual), uint32(n))
	default:
		w.dst = binary.LittleEndian.AppendUint64(append(w.dst, long), uint64(n))
	}
}

func (w *writer) int(n int64) {
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
func (w *writer) big(n *big.Int) {
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
