// Package pickle reads and writes the data part of Python's pickle format, protocols 0 to 5: None,
// booleans, integers, floats, strings, bytes, lists, tuples and dictionaries. An opcode that could
// name, make or call anything else is refused before it does anything; there is nothing here that
// could carry it out. The library that there is, og-rek, makes Go values of more than that, of any
// number and any size.
package pickle

import (
	"math"
	"strconv"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/pyprint"
)

// Kind is the Python type of an Object.
type Kind uint8

// The kinds. An integer beyond 64 bits is a BigInt; a bytearray is Bytes.
const (
	invalid Kind = iota
	None
	Bool
	Int
	BigInt
	Float
	Text
	Bytes
	List
	Tuple
	Dict
)

// Object is a value of a pickle. It shares the pickle's memory.
type Object struct {
	kind Kind
	num  uint64 // Bool, Int and Float, as bits
	box  *box   // all that does not fit there
}

// box holds what Objects share when a pickle refers to one twice.
type box struct {
	text  []byte   // Text, Bytes; the decimal digits of a BigInt
	items []Object // of a List or Tuple; keys and values of a Dict, in turn
	open  bool     // it is being written, so that what holds itself is noticed
}

// Decode reads a pickle. An error is always a *packet.Error.
//
// Time and memory are bounded by the limits: each byte is looked at once, and an object that is
// referred to many times exists once. What it costs to write them all out is bounded in Build.
func Decode(data []byte, limits jsonval.Limits) (Object, error) {
	if max := limits.Bytes(); len(data) > max {
		return Object{}, &packet.Error{Limit: packet.LimitBytes, Max: max}
	}
	m := machine{input: input{data: data}, limits: limits}
	return m.run()
}

// Kind tells the Python type.
func (o Object) Kind() Kind { return o.kind }

// Get returns the value of a Dict's key. Its time grows with the number of members.
func (o Object) Get(key string) (Object, bool) {
	if o.kind != Dict {
		return Object{}, false
	}
	items := o.box.items
	for i := len(items) - 2; i >= 0; i -= 2 { // of two, the later one counts
		if k := items[i]; k.kind == Text && string(k.box.text) == key {
			return items[i+1], true
		}
	}
	return Object{}, false
}

// Build writes the object as JSON, as Python's json.dumps would, with bytes as attachments and NaN
// and the infinities as null. Keys that json.dumps would not take are an error, as is an object
// that holds itself.
func (o Object) Build(b *jsonval.Builder) {
	switch o.kind {
	case None:
		b.Null()
	case Bool:
		b.Bool(o.num != 0)
	case Int:
		b.Int(int64(o.num))
	case BigInt:
		b.Raw(string(o.box.text))
	case Float:
		b.PythonFloat(math.Float64frombits(o.num))
	case Text:
		b.Text(o.box.text)
	case Bytes:
		b.Binary(append([]byte{}, o.box.text...))
	default:
		o.buildItems(b)
	}
}

// buildItems writes a container. The depth of the recursion is bounded by the Builder, which has an
// error from its limit on.
func (o Object) buildItems(b *jsonval.Builder) {
	if o.box.open {
		b.Fail(errorPrefix + "an object that holds itself")
		return
	}
	o.box.open = true
	defer func() { o.box.open = false }()
	if o.kind != Dict {
		b.BeginArray()
		for i := 0; i < len(o.box.items) && b.Err() == nil; i++ {
			o.box.items[i].Build(b)
		}
		b.EndArray()
		return
	}
	b.BeginObject()
	for i := 0; i < len(o.box.items) && b.Err() == nil; i += 2 {
		o.box.items[i].buildKey(b)
		o.box.items[i+1].Build(b)
	}
	b.EndObject()
}

// buildKey writes a dictionary's key as json.dumps does.
func (o Object) buildKey(b *jsonval.Builder) {
	var buf [32]byte
	switch o.kind {
	case Text, BigInt:
		b.Key(o.box.text)
	case None:
		b.Key([]byte("null"))
	case Bool:
		b.Key(strconv.AppendBool(buf[:0], o.num != 0))
	case Int:
		b.Key(strconv.AppendInt(buf[:0], int64(o.num), 10))
	case Float:
		b.Key(floatKey(buf[:0], math.Float64frombits(o.num)))
	default:
		b.Fail(errorPrefix + "a dictionary key that JSON does not have")
	}
}

func floatKey(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	return pyprint.AppendFloat(dst, f)
}
