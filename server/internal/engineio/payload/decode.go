package payload

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// DecodeV4 splits an Engine.IO 4 payload. At most maxPackets are taken.
func DecodeV4(body []byte, maxPackets int, sink Sink) error {
	if !utf8.Valid(body) {
		return ErrNotUTF8
	}
	for n := 1; ; n++ {
		if n > maxPackets {
			return ErrTooMany
		}
		packet, rest, more := bytes.Cut(body, []byte{separator})
		if err := DecodeText(packet, 4, sink); err != nil {
			return err
		}
		if !more {
			return nil
		}
		body = rest
	}
}

// DecodeText hands on one text packet, or the binary one that it carries as base64: "b<base64>" in
// Engine.IO 4, "b4<base64>" in 3. A WebSocket's text message is one, too.
func DecodeText(packet []byte, protocol int, sink Sink) error {
	if len(packet) == 0 {
		return ErrNoPacket
	}
	if packet[0] != 'b' {
		return sink.Text(packet)
	}
	enc := packet[1:]
	if protocol == 3 {
		if len(enc) == 0 || enc[0] != '4' {
			return ErrMalformed
		}
		enc = enc[1:]
	}
	data, err := base64.StdEncoding.AppendDecode(nil, enc)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return sink.Binary(data)
}

// DecodeV3 splits an Engine.IO 3 string payload: "<length>:<packet>" with the length in UTF-16 code
// units, as a JavaScript string counts.
func DecodeV3(body []byte, maxPackets int, sink Sink) error {
	if len(body) == 0 {
		return ErrMalformed
	}
	if !utf8.Valid(body) {
		return ErrNotUTF8
	}
	for n := 1; len(body) > 0; n++ {
		if n > maxPackets {
			return ErrTooMany
		}
		length, rest, found := bytes.Cut(body, []byte{':'})
		units, err := strconv.ParseUint(string(length), 10, 31)
		if !found || err != nil {
			return ErrMalformed
		}
		end, ok := utf16Prefix(rest, int(units))
		if !ok {
			return ErrMalformed
		}
		if err := DecodeText(undouble(rest[:end]), 3, sink); err != nil {
			return err
		}
		body = rest[end:]
	}
	return nil
}

// DecodeV3Binary splits an Engine.IO 3 binary payload: 0 for text or 1 for binary, the length in
// decimal digits of one byte each, 255, the packet.
func DecodeV3Binary(body []byte, maxPackets int, sink Sink) error {
	if len(body) == 0 {
		return ErrMalformed
	}
	for n := 1; len(body) > 0; n++ {
		if n > maxPackets {
			return ErrTooMany
		}
		kind, size, i := body[0], 0, 1
		for ; i < len(body) && body[i] != 255; i++ {
			if body[i] > 9 || i > 10 {
				return ErrMalformed
			}
			size = size*10 + int(body[i])
		}
		if kind > 1 || i == 1 || i >= len(body) || size > len(body)-i-1 {
			return ErrMalformed
		}
		packet := body[i+1 : i+1+size]
		body = body[i+1+size:]
		if err := decodeV3BinaryPacket(kind, packet, sink); err != nil {
			return err
		}
	}
	return nil
}

func decodeV3BinaryPacket(kind byte, packet []byte, sink Sink) error {
	if kind == 0 {
		if !utf8.Valid(packet) {
			return ErrNotUTF8
		}
		return DecodeText(packet, 3, sink)
	}
	if len(packet) == 0 || packet[0] != 4 {
		return ErrMalformed
	}
	return sink.Binary(packet[1:])
}
