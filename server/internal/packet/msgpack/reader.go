// Package msgpack owns MessagePack as notepack.io writes it for JavaScript: values, from
// which a Reader makes JSON with attachments and which a Writer makes of packet.Value again,
// and the packets of socket.io-msgpack-parser.
package msgpack

import (
	"errors"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet/jsonval"
)

// Reader reads MessagePack from the front. Its errors are *jsonval.Error. What it allocates
// is bounded by the bytes there are, whatever lengths they tell.
type Reader struct {
	data   []byte
	prefix string
	// client says that a member whose value is undefined is left out, as JSON.stringify
	// does, where it is null otherwise; and that MessagePack's timestamps, which no client
	// writes, are refused.
	client bool
}

// NewReader returns a Reader of data, whose errors begin with the prefix.
func NewReader(data []byte, prefix string) Reader { return Reader{data: data, prefix: prefix} }

// Left is the number of bytes not yet read.
func (r *Reader) Left() int { return len(r.data) }

func (r *Reader) malformed(reason string) *jsonval.Error {
	return &jsonval.Error{Reason: r.prefix + reason}
}

// wrong says what the library found wrong, without what it found.
func (r *Reader) wrong(err error) *jsonval.Error {
	if errors.Is(err, msgp.ErrShortBytes) {
		return r.malformed("msgpack that ends early")
	}
	var wrong msgp.TypeError
	if errors.As(err, &wrong) {
		return r.malformed("msgpack with " + wrong.Encoded.String() + " in place of " + wrong.Method.String())
	}
	return r.malformed("invalid msgpack")
}

// Next is the type of the next value; with nothing left it is InvalidType.
func (r *Reader) Next() msgp.Type { return msgp.NextType(r.data) }

// took takes over what a function of the library left.
func (r *Reader) took(rest []byte, err error) error {
	if err != nil {
		return r.wrong(err)
	}
	r.data = rest
	return nil
}

// Skip steps over a value that is of no interest.
func (r *Reader) Skip() error { return r.took(msgp.Skip(r.data)) }

// Array reads the header of an array: the number of values that follow.
func (r *Reader) Array() (int, error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(r.data)
	if err := r.took(rest, err); err != nil {
		return 0, err
	}
	return r.size(n, 1)
}

// size checks the number of elements against what is left, of which each takes
// at least so many bytes.
func (r *Reader) size(n uint32, each int) (int, error) {
	if int64(n)*int64(each) > int64(len(r.data)) {
		return 0, r.wrong(msgp.ErrShortBytes)
	}
	return int(n), nil
}

// Object calls f at the value of each member of a map. f has to read it.
func (r *Reader) Object(f func(key []byte) error) error {
	n, rest, err := msgp.ReadMapHeaderBytes(r.data)
	if err := r.took(rest, err); err != nil {
		return err
	}
	size, err := r.size(n, 2)
	if err != nil {
		return err
	}
	for range size {
		key, err := r.key()
		if err != nil {
			return err
		}
		if err := f(key); err != nil {
			return err
		}
	}
	return nil
}

// key reads a map's key: a string, or an integer, which JavaScript makes a
// string of.
func (r *Reader) key() ([]byte, error) {
	if r.Next() == msgp.StrType {
		key, rest, err := msgp.ReadStringZC(r.data)
		return key, r.took(rest, err)
	}
	s, err := r.Text()
	return []byte(s), err
}

// Text reads a string, or an integer as its decimal: a room may be a number in
// Node.
func (r *Reader) Text() (string, error) {
	switch r.Next() {
	case msgp.IntType:
		n, rest, err := msgp.ReadInt64Bytes(r.data)
		return strconv.FormatInt(n, 10), r.took(rest, err)
	case msgp.UintType:
		n, rest, err := msgp.ReadUint64Bytes(r.data)
		return strconv.FormatUint(n, 10), r.took(rest, err)
	}
	s, rest, err := msgp.ReadStringZC(r.data)
	return string(s), r.took(rest, err)
}

// Undefined reports whether the next value is JavaScript's undefined.
func (r *Reader) Undefined() bool {
	return len(r.data) >= 3 && string(r.data[:3]) == "\xd4\x00\x00"
}

// Bool reads a boolean.
func (r *Reader) Bool() (bool, error) {
	v, rest, err := msgp.ReadBoolBytes(r.data)
	return v, r.took(rest, err)
}

// Int reads an integer.
func (r *Reader) Int() (int64, error) {
	n, rest, err := msgp.ReadInt64Bytes(r.data)
	return n, r.took(rest, err)
}
