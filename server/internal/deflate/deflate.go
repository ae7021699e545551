// Package deflate owns compression by RFC 1951 in pieces that end at a byte's boundary and refer to
// nothing before them, so that a piece can be made once and sent to many: WebSocket messages (RFC
// 7692), parts of HTTP bodies.
package deflate

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// level is what pieces are compressed with: zlib's own default, which Node's servers use too.
const level = 6

// firstBuffer is the least that a piece is unpacked into.
const firstBuffer = 512

// The errors of Decompress.
var (
	ErrTooBig  = errors.New("deflate: more than is allowed")
	ErrCorrupt = errors.New("deflate: not compressed as RFC 1951 says")
)

// Tail is what each piece ends with, an empty block. WebSocket messages travel without it (RFC
// 7692, section 7.2.1).
const Tail = "\x00\x00\xff\xff"

// last is a last block with nothing in it.
const last = "\x01\x00\x00\xff\xff"

// Codec compresses and decompresses. It keeps what it needs for reuse: some hundred kilobytes for
// each call that runs at the same time. The zero value is ready, and safe for concurrent use.
type Codec struct {
	writers, readers sync.Pool
}

// Compress returns one piece that holds all parts.
func (c *Codec) Compress(parts ...[]byte) []byte {
	var out bytes.Buffer
	w, ok := c.writers.Get().(*flate.Writer)
	if ok {
		w.Reset(&out)
	} else {
		w, _ = flate.NewWriter(&out, level) // a valid one
	}
	for _, part := range parts {
		_, _ = w.Write(part) // into memory, which does not fail
	}
	_ = w.Flush()
	w.Reset(io.Discard) // lets go of the buffer
	c.writers.Put(w)
	return bytes.Clone(out.Bytes()) // a buffer that grew is half empty
}

// Decompress returns what a piece, given without its [Tail], unpacks to, at most limit bytes of it:
// more is ErrTooBig, found before it is unpacked. What follows a last block within the piece is not
// looked at.
func (c *Codec) Decompress(piece []byte, limit int) ([]byte, error) {
	in := &input{rest: piece, then: Tail + last}
	r, ok := c.readers.Get().(io.ReadCloser)
	if ok {
		_ = r.(flate.Resetter).Reset(in, nil) // a reader of deflate takes any
	} else {
		r = flate.NewReader(in)
	}
	out, err := unpack(r, min(limit, max(firstBuffer, 3*len(piece))), limit)
	_ = r.(flate.Resetter).Reset(&input{}, nil) // lets go of the piece
	c.readers.Put(r)
	return out, err
}

// unpack reads r to its end, into a buffer that grows from size to twice what has come, at most.
func unpack(r io.Reader, size, limit int) ([]byte, error) {
	out := make([]byte, 0, size)
	for {
		if len(out) == cap(out) {
			if len(out) >= limit {
				return out, atEnd(r)
			}
			grown := make([]byte, len(out), min(2*cap(out), limit))
			copy(grown, out)
			out = grown
		}
		n, err := r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, ErrCorrupt
		}
	}
}

// atEnd reports what follows the most that is allowed: nothing, more, or what is wrong.
func atEnd(r io.Reader) error {
	var one [1]byte
	n, err := io.ReadFull(r, one[:])
	switch {
	case n > 0:
		return ErrTooBig
	case err == io.EOF:
		return nil
	}
	return ErrCorrupt
}

// input is a piece and what is put behind it, without a copy of both.
type input struct {
	rest []byte
	then string
}

func (i *input) Read(p []byte) (int, error) {
	if !i.next() {
		return 0, io.EOF
	}
	n := copy(p, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

// ReadByte keeps flate from buffering.
func (i *input) ReadByte() (byte, error) {
	if !i.next() {
		return 0, io.EOF
	}
	b := i.rest[0]
	i.rest = i.rest[1:]
	return b, nil
}

// next reports whether there is a byte to read.
func (i *input) next() bool {
	if len(i.rest) == 0 {
		i.rest, i.then = []byte(i.then), ""
	}
	return len(i.rest) > 0
}
