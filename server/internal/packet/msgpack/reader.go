// Package msgpack owns MessagePack as notepack.io writes it for JavaScript: values, from which a
// Reader makes JSON with attachments and which a Writer makes of packet.Value again, and the
// packets of socket.io-msgpack-parser.
package msgpack

import (
	"errors"
	"strconv"

	"hipflask/server/internal/packet"

	"github.com/tinylib/msgp/msgp"
)

// Reader reads MessagePack from the front. After the first error, see Err, nothing is left, and
// what is read is zero. What it allocates is bounded by the bytes there are, whatever lengths they
// tell.
type Reader struct {
	data   []byte
	err    *packet.Error
	prefix string
	// client says that a member whose value is undefined is left out, as JSON.stringify does, where
	// it is null otherwise; and that MessagePack's timestamps, which no client writes, are refused.
	client bool
}

// NewReader returns a Reader of data, whose errors begin with the prefix.
func NewReader(data []byte, prefix string) Reader { return Reader{data: data, prefix: prefix} }

// Left is the number of bytes not yet read.
func (r *Reader) Left() int { return len(r.data) }

// Err returns the first error, or nil. It is always a *packet.Error.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil // not a nil *Error in an interface
	}
	return r.err
}

// Fail makes err the error, if there is none yet.
func (r *Reader) Fail(err *packet.Error) {
	if r.err == nil {
		r.err, r.data = err, nil
	}
}

// Malformed makes reason the error, if there is none yet.
func (r *Reader) Malformed(reason string) { r.Fail(&packet.Error{Reason: r.prefix + reason}) }

// took takes over what a function of the library left.
func (r *Reader) took(rest []byte, err error) {
	if err != nil {
		r.wrong(err)
		return
	}
	r.data = rest
}

// wrong takes over what the library found wrong, without what it found.
func (r *Reader) wrong(err error) {
	var typ msgp.TypeError
	switch {
	case errors.Is(err, msgp.ErrShortBytes):
		r.Malformed("msgpack that ends early")
	case errors.As(err, &typ):
		r.Malformed("msgpack with " + typ.Encoded.String() + " in place of " + typ.Method.String())
	default:
		r.Malformed("invalid msgpack")
	}
}

// read reads a value by a function of the library.
func read[T any](r *Reader, f func([]byte) (T, []byte, error)) T {
	v, rest, err := f(r.data)
	r.took(rest, err)
	return v
}

// Next is the type of the next value; with nothing left it is InvalidType.
func (r *Reader) Next() msgp.Type { return msgp.NextType(r.data) }

// Skip steps over a value that is of no interest.
func (r *Reader) Skip() { r.took(msgp.Skip(r.data)) }

// Array reads the header of an array: the number of values that follow.
func (r *Reader) Array() int { return r.size(read(r, msgp.ReadArrayHeaderBytes), 1) }

// size checks the number of elements against what is left, of which each takes at least so many
// bytes.
func (r *Reader) size(n uint32, each int) int {
	if int64(n)*int64(each) > int64(len(r.data)) {
		r.wrong(msgp.ErrShortBytes)
		return 0
	}
	return int(n)
}

// Object calls f at the value of each member of a map. f has to read it.
func (r *Reader) Object(f func(key []byte)) {
	for range r.size(read(r, msgp.ReadMapHeaderBytes), 2) {
		key := r.key()
		if r.err != nil {
			return
		}
		f(key)
	}
}

// key reads a map's key: a string, or an integer, which JavaScript makes a string of.
func (r *Reader) key() []byte {
	if r.Next() == msgp.StrType {
		return read(r, msgp.ReadStringZC)
	}
	return []byte(r.Text())
}

// Text reads a string, or an integer as its decimal: a room may be a number in Node.
func (r *Reader) Text() string {
	switch r.Next() {
	case msgp.IntType:
		return strconv.FormatInt(r.Int(), 10)
	case msgp.UintType:
		return strconv.FormatUint(read(r, msgp.ReadUint64Bytes), 10)
	}
	return string(read(r, msgp.ReadStringZC))
}

// Undefined reports whether the next value is JavaScript's undefined.
func (r *Reader) Undefined() bool {
	return len(r.data) >= 3 && string(r.data[:3]) == "\xd4\x00\x00"
}

// Bool reads a boolean.
func (r *Reader) Bool() bool { return read(r, msgp.ReadBoolBytes) }

// Int reads an integer.
func (r *Reader) Int() int64 { return read(r, msgp.ReadInt64Bytes) }
