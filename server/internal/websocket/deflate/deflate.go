// Package deflate owns permessage-deflate, the compression of WebSocket messages of RFC 7692: the
// negotiation, and payloads that are compressed each by itself, so that one compressed payload
// can be sent to many clients and a connection between two messages holds nothing for it.
package deflate

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// Level is what messages are compressed with: zlib's own default, which Node's servers use too.
const Level = 6

// firstBuffer is the least that a message is unpacked into.
const firstBuffer = 512

// The errors of Decompress.
var (
	ErrTooBig  = errors.New("deflate: the message unpacks to more than is allowed")
	ErrCorrupt = errors.New("deflate: the message is not compressed as RFC 7692 says")
)

// tail ends each flush of a compressor, and is left out of what is sent (section 7.2.1).
const tail = "\x00\x00\xff\xff"

// end is put behind a payload, so that reading it ends: the tail that was left out, and a last block
// with nothing in it.
const end = tail + "\x01\x00\x00\xff\xff"

// Codec compresses and decompresses. It keeps what it needs for reuse: some hundred kilobytes for each
// call that runs at the same time. The zero value is ready, and safe for concurrent use.
type Codec struct {
	writers, readers sync.Pool
}

// Compress returns payload compressed.
func (c *Codec) Compress(payload []byte) []byte {
	var out bytes.Buffer
	w, ok := c.writers.Get().(*flate.Writer)
	if ok {
		w.Reset(&out)
	} else {
		w, _ = flate.NewWriter(&out, Level) // a valid level
	}
	_, _ = w.Write(payload) // into memory, which does not fail
	_ = w.Flush()
	w.Reset(io.Discard)
	c.writers.Put(w)
	b := out.Bytes()
	return bytes.Clone(b[:len(b)-len(tail)]) // a buffer that grew is half empty
}

// Decompress returns what a payload unpacks to, at most limit bytes of it: more is ErrTooBig, found
// before it is unpacked. What follows a last block within the payload is not looked at.
func (c *Codec) Decompress(payload []byte, limit int) ([]byte, error) {
	in := &input{rest: payload, then: end}
	r, ok := c.readers.Get().(io.ReadCloser)
	if ok {
		_ = r.(flate.Resetter).Reset(in, nil) // a reader of deflate takes any
	} else {
		r = flate.NewReader(in)
	}
	out, err := unpack(r, min(limit, max(firstBuffer, 3*len(payload))), limit)
	_ = r.(flate.Resetter).Reset(&input{}, nil) // lets go of the payload
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

// input is a payload and what is put behind it, without a copy of both.
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
