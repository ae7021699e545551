package payload

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// Format is a way in which packets are written into a body.
type Format uint8

// The formats. JSONP's are string literals in a call that a script element runs.
const (
	V4       Format = iota // Engine.IO 4
	V3                     // Engine.IO 3 as text, for clients that cannot read binary
	V3Binary               // Engine.IO 3 as bytes
	V4JSONP
	V3JSONP
)

// Part is one packet as it stands in a body: bytes made for the format, then bytes that are the
// packet's own, uncopied. Either may be empty.
type Part struct{ Made, Own []byte }

// Len is the part's length in bytes.
func (p Part) Len() int { return len(p.Made) + len(p.Own) }

// Text writes a text packet, type digit included.
func (f Format) Text(packet []byte) Part {
	switch f {
	case V3:
		text := asciiText(packet)
		head := append(strconv.AppendInt(nil, int64(utf16Len(text)), 10), ':')
		if len(text) > len(packet) { // escaped, so ours
			return Part{Made: append(head, text...)}
		}
		return Part{Made: head, Own: packet}
	case V3Binary:
		return Part{Made: header(0, len(packet)), Own: packet}
	case V4JSONP:
		return literal(V4.Text(packet))
	case V3JSONP:
		return literal(V3.Text(packet))
	}
	return Part{Own: packet}
}

// Binary writes the data of a binary message.
func (f Format) Binary(data []byte) Part {
	switch f {
	case V3:
		n := 2 + base64.StdEncoding.EncodedLen(len(data))
		made := make([]byte, 0, n+12) // and the length in decimal digits
		made = append(strconv.AppendInt(made, int64(n), 10), ":b4"...)
		return Part{Made: base64.StdEncoding.AppendEncode(made, data)}
	case V3Binary:
		return Part{Made: append(header(1, len(data)+1), 4), Own: data}
	case V4JSONP:
		return literal(V4.Binary(data))
	case V3JSONP:
		return literal(V3.Binary(data))
	}
	made := append(make([]byte, 0, 1+base64.StdEncoding.EncodedLen(len(data))), 'b')
	return Part{Made: base64.StdEncoding.AppendEncode(made, data)}
}

// header is what stands before a packet of a binary payload: 0 for text or 1 for binary, the length
// in decimal digits of one byte each, 255.
func header(kind byte, n int) []byte {
	dst := append(make([]byte, 0, 12), kind)
	for _, digit := range strconv.Itoa(n) {
		dst = append(dst, byte(digit-'0'))
	}
	return append(dst, 255)
}

// Separator stands between two packets.
func (f Format) Separator() string {
	switch f {
	case V4:
		return string(rune(separator))
	case V4JSONP:
		return `\u001e`
	}
	return ""
}

// Around is what stands before and behind all packets. index, digits alone, is the number of the
// callback that a JSONP request names.
func (f Format) Around(index string) (before, behind string) {
	if f == V4JSONP || f == V3JSONP {
		return "___eio[" + index + `]("`, `");`
	}
	return "", ""
}

// ContentType is the media type of a body.
func (f Format) ContentType() string {
	switch f {
	case V3Binary:
		return "application/octet-stream"
	case V4JSONP, V3JSONP:
		return "text/javascript; charset=UTF-8"
	}
	return "text/plain; charset=UTF-8"
}

// literal writes a part as the inside of a string literal. json.Marshal escapes what JSON allows
// and JavaScript does not (U+2028, U+2029), and "<".
func literal(p Part) Part {
	quoted, _ := json.Marshal(string(p.Made) + string(p.Own)) // a string always marshals
	return Part{Made: quoted[1 : len(quoted)-1]}
}
