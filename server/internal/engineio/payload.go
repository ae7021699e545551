package engineio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The payloads of the polling transport: several packets in one HTTP body.
//
// Engine.IO 4 puts U+001E between packets and writes binary as "b" and base64.
// Engine.IO 3 puts a length before each packet, in UTF-16 units, or, once a
// payload holds binary and the client can take it, in bytes behind a marker.
// Clients 1.x and 2.x, both Engine.IO 3, do not agree on text outside ASCII in a
// string payload: 1.x encodes it as UTF-8 twice. Nothing in the request tells
// them apart, so what we write is kept to ASCII by JSON escapes, which both read
// alike, and what we read is looked at (see undouble).

const separator = 0x1e

var (
	errPayload  = errors.New("malformed polling payload")
	errTooMany  = errors.New("too many packets in one polling payload; see --max-payload-packets")
	errNotUTF8  = errors.New("polling payload is not UTF-8")
	errNoPacket = errors.New("empty packet")
)

// packetSink takes the packets of a payload: data is without the type digit of
// a text packet; binary is always of type message.
type packetSink interface {
	textPacket(packet []byte) error
	binaryPacket(data []byte) error
}

// decodeV4 splits an Engine.IO 4 payload. body is valid during the call only.
func decodeV4(body []byte, maxPackets int, sink packetSink) error {
	if !utf8.Valid(body) {
		return errNotUTF8
	}
	for n := 1; ; n++ {
		if n > maxPackets {
			return errTooMany
		}
		packet, rest, more := bytes.Cut(body, []byte{separator})
		if err := decodeTextPacket(packet, 4, sink); err != nil {
			return err
		}
		if !more {
			return nil
		}
		body = rest
	}
}

// decodeTextPacket hands on one text packet, or the binary one that it carries
// as base64: "b<base64>" in Engine.IO 4, "b4<base64>" in 3.
func decodeTextPacket(packet []byte, protocol int, sink packetSink) error {
	if len(packet) == 0 {
		return errNoPacket
	}
	if packet[0] != 'b' {
		return sink.textPacket(packet)
	}
	enc := packet[1:]
	if protocol == 3 {
		if len(enc) == 0 || enc[0] != '4' {
			return errPayload
		}
		enc = enc[1:]
	}
	data, err := base64.StdEncoding.AppendDecode(nil, enc)
	if err != nil {
		return fmt.Errorf("%w: %v", errPayload, err)
	}
	return sink.binaryPacket(data)
}

// decodeV3 splits an Engine.IO 3 string payload: "<length>:<packet>" with the
// length in UTF-16 code units, as a JavaScript string counts.
func decodeV3(body []byte, maxPackets int, sink packetSink) error {
	if len(body) == 0 {
		return errPayload
	}
	if !utf8.Valid(body) {
		return errNotUTF8
	}
	for n := 1; len(body) > 0; n++ {
		if n > maxPackets {
			return errTooMany
		}
		length, rest, found := bytes.Cut(body, []byte{':'})
		units, err := strconv.ParseUint(string(length), 10, 31)
		if !found || err != nil {
			return errPayload
		}
		end, ok := utf16Prefix(rest, int(units))
		if !ok {
			return errPayload
		}
		if err := decodeTextPacket(undouble(rest[:end]), 3, sink); err != nil {
			return err
		}
		body = rest[end:]
	}
	return nil
}

// undouble undoes the second UTF-8 encoding of a 1.x client: a packet whose
// characters all lie below U+0100 and, taken as bytes, are UTF-8 with something
// beyond ASCII in it. Text of a 2.x client looks like that only when it is such
// an accident already ("Ã©").
func undouble(packet []byte) []byte {
	i := 0
	for i < len(packet) && packet[i] < utf8.RuneSelf {
		i++
	}
	if i == len(packet) {
		return packet
	}
	single := append(make([]byte, 0, len(packet)), packet[:i]...)
	for i < len(packet) {
		r, size := utf8.DecodeRune(packet[i:])
		if r > 0xff {
			return packet
		}
		single = append(single, byte(r))
		i += size
	}
	if !utf8.Valid(single) {
		return packet
	}
	return single
}

// utf16Prefix returns how many bytes of s make up n UTF-16 code units.
func utf16Prefix(s []byte, n int) (int, bool) {
	i := 0
	for n > 0 {
		if i >= len(s) {
			return 0, false
		}
		r, size := utf8.DecodeRune(s[i:])
		n--
		if r > 0xffff {
			n--
		}
		i += size
	}
	return i, n == 0
}

// decodeV3Binary splits an Engine.IO 3 binary payload: 0 for text or 1 for
// binary, the length in decimal digits of one byte each, 255, the packet.
func decodeV3Binary(body []byte, maxPackets int, sink packetSink) error {
	if len(body) == 0 {
		return errPayload
	}
	for n := 1; len(body) > 0; n++ {
		if n > maxPackets {
			return errTooMany
		}
		kind, size, i := body[0], 0, 1
		for ; i < len(body) && body[i] != 255; i++ {
			if body[i] > 9 || i > 10 {
				return errPayload
			}
			size = size*10 + int(body[i])
		}
		if kind > 1 || i == 1 || i >= len(body) || size > len(body)-i-1 {
			return errPayload
		}
		packet := body[i+1 : i+1+size]
		body = body[i+1+size:]
		if err := decodeV3BinaryPacket(kind, packet, sink); err != nil {
			return err
		}
	}
	return nil
}

func decodeV3BinaryPacket(kind byte, packet []byte, sink packetSink) error {
	if kind == 0 {
		if !utf8.Valid(packet) {
			return errNotUTF8
		}
		return decodeTextPacket(packet, 3, sink)
	}
	if len(packet) == 0 || packet[0] != 4 {
		return errPayload
	}
	return sink.binaryPacket(packet[1:])
}

// appendV4 appends messages as an Engine.IO 4 payload.
func appendV4(dst []byte, messages []*Message) []byte {
	first := len(dst)
	for _, m := range messages {
		if len(dst) > first {
			dst = append(dst, separator)
		}
		dst = append(dst, m.text()...)
		for _, b := range m.bins() {
			dst = append(dst, separator, 'b')
			dst = base64.StdEncoding.AppendEncode(dst, b)
		}
	}
	return dst
}

// appendV3 appends messages as an Engine.IO 3 payload and says whether it is the
// binary kind, which it is when there is binary and the client reads it.
func appendV3(dst []byte, messages []*Message, base64Only bool) ([]byte, bool) {
	if !base64Only {
		for _, m := range messages {
			if len(m.bins()) > 0 {
				return appendV3Binary(dst, messages), true
			}
		}
	}
	for _, m := range messages {
		text := asciiText(m.text())
		dst = strconv.AppendInt(dst, int64(utf16Len(text)), 10)
		dst = append(append(dst, ':'), text...)
		for _, b := range m.bins() {
			dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(b))), 10)
			dst = append(dst, ':', 'b', '4')
			dst = base64.StdEncoding.AppendEncode(dst, b)
		}
	}
	return dst, false
}

func appendV3Binary(dst []byte, messages []*Message) []byte {
	for _, m := range messages {
		dst = append(appendV3Header(dst, 0, len(m.text())), m.text()...)
		for _, b := range m.bins() {
			dst = append(appendV3Header(dst, 1, len(b)+1), 4)
			dst = append(dst, b...)
		}
	}
	return dst
}

func appendV3Header(dst []byte, kind byte, n int) []byte {
	dst = append(dst, kind)
	for _, digit := range strconv.Itoa(n) {
		dst = append(dst, byte(digit-'0'))
	}
	return append(dst, 255)
}

// asciiText returns a Socket.IO packet with the characters of its JSON part that
// lie outside ASCII written as \u escapes.
func asciiText(packet []byte) []byte {
	json := bytes.IndexAny(packet, `[{"`)
	if json < 0 || utf16Len(packet[json:]) == len(packet)-json {
		return packet
	}
	out := append(make([]byte, 0, 2*len(packet)), packet[:json]...)
	for _, r := range string(packet[json:]) {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		}
	}
	return out
}

func utf16Len(s []byte) int {
	n := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			n, i = n+1, i+1
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		n, i = n+1, i+size
		if r > 0xffff {
			n++
		}
	}
	return n
}
