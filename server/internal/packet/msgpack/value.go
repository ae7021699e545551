package msgpack

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet/jsonval"
)

// Value writes the next value as JSON, as JavaScript's JSON.stringify would
// write what notepack.io makes of it, but with integers of 64 bits exact and
// with binary as attachments. The depth of the recursion is bounded by the
// Builder, which has an error from its limit on.
func (r *Reader) Value(b *jsonval.Builder) (err error) {
	var rest []byte
	switch r.Next() {
	case msgp.StrType:
		var s []byte
		if s, rest, err = msgp.ReadStringZC(r.data); err == nil {
			b.Text(s)
		}
	case msgp.IntType:
		var n int64
		if n, rest, err = msgp.ReadInt64Bytes(r.data); err == nil {
			b.Int(n)
		}
	case msgp.UintType:
		var n uint64
		if n, rest, err = msgp.ReadUint64Bytes(r.data); err == nil {
			b.Uint(n)
		}
	case msgp.Float32Type, msgp.Float64Type:
		var f float64
		if f, rest, err = msgp.ReadFloat64Bytes(r.data); err == nil {
			b.Float(f)
		}
	case msgp.BoolType:
		var v bool
		if v, rest, err = msgp.ReadBoolBytes(r.data); err == nil {
			b.Bool(v)
		}
	case msgp.NilType:
		b.Null()
		rest, err = msgp.ReadNilBytes(r.data)
	case msgp.BinType:
		var data []byte
		if data, rest, err = msgp.ReadBytesZC(r.data); err == nil {
			b.Binary(append([]byte{}, data...))
		}
	case msgp.ArrayType:
		return r.values(b)
	case msgp.MapType:
		return r.members(b)
	case msgp.InvalidType:
		if len(r.data) == 0 {
			return r.wrong(msgp.ErrShortBytes)
		}
		return r.malformed("invalid msgpack")
	default:
		return r.extension(b)
	}
	if err := r.took(rest, err); err != nil {
		return err
	}
	return b.Err()
}

func (r *Reader) values(b *jsonval.Builder) error {
	n, err := r.Array()
	if err != nil {
		return err
	}
	b.BeginArray()
	if err := b.Err(); err != nil {
		return err
	}
	for range n {
		if err := r.Value(b); err != nil {
			return err
		}
	}
	b.EndArray()
	return b.Err()
}

func (r *Reader) members(b *jsonval.Builder) error {
	b.BeginObject()
	if err := b.Err(); err != nil {
		return err
	}
	err := r.Object(func(key []byte) error {
		if r.client && r.Undefined() {
			return r.Skip()
		}
		b.Key(key)
		return r.Value(b)
	})
	if err != nil {
		return err
	}
	b.EndObject()
	return b.Err()
}

// The extension types that notepack.io knows: its own 0, from versions before 3,
// and the timestamp of msgpack's specification.
const (
	extNotepack  = 0
	extTimestamp = -1
)

// extension reads what JavaScript has and JSON has not: Date, undefined,
// ArrayBuffer.
func (r *Reader) extension(b *jsonval.Builder) error {
	fixed, typ, data, err := r.ext()
	switch {
	case err != nil:
		return err
	case typ == extTimestamp && r.client:
		return r.malformed("msgpack with a timestamp")
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
		return r.malformed("msgpack with the extension type " + strconv.Itoa(int(typ)))
	}
	return b.Err()
}

// ext reads an extension value. fixed says that its length stands in the first
// byte.
func (r *Reader) ext() (fixed bool, typ int8, data []byte, err error) {
	const fixext1, ext8 = 0xD4, 0xC7
	d := r.data
	lead, n, head := d[0], 0, 0
	if lead >= fixext1 {
		n, head = 1<<(lead-fixext1), 2
	} else {
		width := 1 << (lead - ext8) // of the length: 1, 2 or 4 bytes
		head = 2 + width
		if len(d) < head {
			return false, 0, nil, r.wrong(msgp.ErrShortBytes)
		}
		for _, c := range d[1 : 1+width] {
			n = n<<8 | int(c)
		}
	}
	if len(d) < head || len(d)-head < n {
		return false, 0, nil, r.wrong(msgp.ErrShortBytes)
	}
	r.data = d[head+n:]
	return lead >= fixext1, int8(d[head-1]), d[head : head+n], nil
}

// buildDate writes a time in milliseconds as Date.toJSON does (ECMA-262, section
// "Date Time String Format").
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
