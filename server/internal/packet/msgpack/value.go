package msgpack

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// Value writes the next value as JSON, as JavaScript's JSON.stringify would write what notepack.io
// makes of it, but with integers of 64 bits exact and with binary as attachments. The depth of the
// recursion is bounded by the Builder, which has an error from its limit on.
func (r *Reader) Value(b *jsonval.Builder) {
	switch r.Next() {
	case msgp.StrType:
		b.Text(read(r, msgp.ReadStringZC))
	case msgp.IntType:
		b.Int(r.Int())
	case msgp.UintType:
		b.Uint(read(r, msgp.ReadUint64Bytes))
	case msgp.Float32Type, msgp.Float64Type:
		b.Float(read(r, msgp.ReadFloat64Bytes))
	case msgp.BoolType:
		b.Bool(r.Bool())
	case msgp.NilType:
		b.Null()
		r.Skip()
	case msgp.BinType:
		b.Binary(append([]byte{}, read(r, msgp.ReadBytesZC)...))
	case msgp.ArrayType:
		r.array(b)
	case msgp.MapType:
		r.object(b)
	case msgp.InvalidType:
		if len(r.data) == 0 {
			r.wrong(msgp.ErrShortBytes)
		}
		r.Malformed("invalid msgpack")
	default:
		r.extension(b)
	}
	r.refused(b)
}

// refused takes over the error of a Builder, which knows it as a *packet.Error.
func (r *Reader) refused(b *jsonval.Builder) bool {
	if err, _ := b.Err().(*packet.Error); err != nil {
		r.Fail(err)
	}
	return r.err != nil
}

func (r *Reader) array(b *jsonval.Builder) {
	n := r.Array()
	b.BeginArray()
	for i := 0; i < n && !r.refused(b); i++ {
		r.Value(b)
	}
	b.EndArray()
}

func (r *Reader) object(b *jsonval.Builder) {
	b.BeginObject()
	if r.refused(b) {
		return
	}
	r.Object(func(key []byte) {
		if r.client && r.Undefined() {
			r.Skip()
			return
		}
		b.Key(key)
		r.Value(b)
	})
	b.EndObject()
}

// The extension types that notepack.io knows: its own 0, from versions before 3, and the timestamp
// of msgpack's specification.
const (
	extNotepack  = 0
	extTimestamp = -1
)

// extension reads what JavaScript has and JSON has not: Date, undefined, ArrayBuffer.
func (r *Reader) extension(b *jsonval.Builder) {
	fixed, typ, data, ok := r.ext()
	switch {
	case !ok:
		r.wrong(msgp.ErrShortBytes)
	case typ == extTimestamp && r.client:
		r.Malformed("msgpack with a timestamp")
	case typ == extTimestamp && len(data) == 4:
		buildDate(b, float64(binary.BigEndian.Uint32(data))*1e3)
	case typ == extTimestamp && len(data) == 8:
		n := binary.BigEndian.Uint64(data)
		buildDate(b, float64(n&(1<<34-1))*1e3+float64(n>>34)/1e6)
	case typ == extTimestamp && len(data) == 12:
		nano, sec := binary.BigEndian.Uint32(data), int64(binary.BigEndian.Uint64(data[4:]))
		buildDate(b, float64(sec)*1e3+float64(nano)/1e6)
	case typ == extNotepack && fixed && len(data) == 1:
		b.Null() // undefined
	case typ == extNotepack && fixed && len(data) == 8:
		buildDate(b, float64(int64(binary.BigEndian.Uint64(data))))
	case typ == extNotepack && !fixed:
		b.Binary(append([]byte{}, data...)) // ArrayBuffer
	default:
		r.Malformed("msgpack with the extension type " + strconv.Itoa(int(typ)))
	}
}

// ext reads an extension value, if all of it is there. fixed says that its length stands in the
// first byte.
func (r *Reader) ext() (fixed bool, typ int8, data []byte, ok bool) {
	const fixext1, ext8 = 0xD4, 0xC7
	d := r.data
	lead, n, head := d[0], 0, 0
	if lead >= fixext1 {
		n, head = 1<<(lead-fixext1), 2
	} else {
		width := 1 << (lead - ext8) // of the length: 1, 2 or 4 bytes
		head = 2 + width
		if len(d) < head {
			return false, 0, nil, false
		}
		for _, c := range d[1 : 1+width] {
			n = n<<8 | int(c)
		}
	}
	if len(d) < head || len(d)-head < n {
		return false, 0, nil, false
	}
	r.data = d[head+n:]
	return lead >= fixext1, int8(d[head-1]), d[head : head+n], true
}

// buildDate writes a time in milliseconds as Date.toJSON does (ECMA-262, section "Date Time String
// Format").
func buildDate(b *jsonval.Builder, ms float64) {
	const farthest = 8.64e15 // of a Date, in either direction
	if math.Abs(ms) > farthest {
		b.Null()
		return
	}
	t := time.UnixMilli(int64(ms)).UTC()
	layout := "2006-01-02T15:04:05.000Z"
	if year := t.Year(); year < 0 || year > 9999 {
		sign := "+"
		if year < 0 {
			sign, year = "-", -year
		}
		digits := strconv.Itoa(1_000_000 + year)[1:]
		b.Text([]byte(sign + digits + t.Format(layout[len("2006"):])))
		return
	}
	b.Text([]byte(t.Format(layout)))
}
