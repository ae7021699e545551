// Package payload owns the bodies of Engine.IO's polling transport, revisions 3 and 4: several
// packets in one HTTP body, taken apart and put together.
//
// Engine.IO 4 puts U+001E between packets and writes binary as "b" and base64. Engine.IO 3 puts a
// length before each packet: in UTF-16 units in a string payload, where binary is "b4" and base64,
// and in bytes in a binary payload. Clients 1.x and 2.x, both Engine.IO 3, do not agree on text
// outside ASCII in a string payload: 1.x encodes it as UTF-8 twice. Nothing in the request tells
// them apart, so what we write is kept to ASCII by JSON escapes, which both read alike, and what we
// read is looked at (see undouble).
package payload

import "errors"

// What can be wrong with a payload.
var (
	ErrMalformed = errors.New("malformed polling payload")
	ErrTooMany   = errors.New("too many packets in one polling payload")
	ErrNotUTF8   = errors.New("polling payload is not UTF-8")
	ErrNoPacket  = errors.New("empty packet")
)

// Sink takes the packets of a payload. Their data is valid during the call only. An error ends the
// decoding.
type Sink interface {
	Text(packet []byte) error // type digit included
	Binary(data []byte) error // of a message, whose type is left out
}

const separator = 0x1e
