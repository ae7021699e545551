package payload

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// undouble undoes the second UTF-8 encoding of a 1.x client: a packet whose characters all lie
// below U+0100 and, taken as bytes, are UTF-8 with something beyond ASCII in it. Text of a 2.x
// client looks like that only when it is such an accident already ("Ã©").
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

// asciiText returns a Socket.IO packet with the characters of its JSON part that lie outside ASCII
// written as \u escapes.
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
