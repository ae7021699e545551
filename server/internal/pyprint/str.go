package pyprint

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"hipflask/server/internal/packet"
)

// appendStr appends a string as str does; s is how JSON writes it between its quotes.
func appendStr(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		r, size := packet.Unescape(s[i:])
		dst = appendRune(append(dst, s[:i]...), r, utf16.IsSurrogate(r))
		s = s[i+size:]
	}
}

// appendRepr appends a string as repr does; s is as for appendStr.
func appendRepr(dst, s []byte) []byte {
	open := len(dst)
	dst = append(dst, '\'')
	run, i := 0, 0 // s[run:i] is to be copied as it is
	for {
		i += plain(s[i:])
		if i == len(s) {
			break
		}
		switch c := s[i]; {
		case c == '\\':
			r, size := packet.Unescape(s[i:])
			dst = append(dst, s[run:i]...)
			dst = appendRune(dst, r, r == '\\' || !isPrintable(r))
			i += size
			run = i
		case c == '\'':
			i++
		default:
			r, size := utf8.DecodeRune(s[i:])
			if !isPrintable(r) {
				dst = append(dst, s[run:i]...)
				dst = appendEscaped(dst, r)
				run = i + size
			}
			i += size
		}
	}
	return closeQuote(append(dst, s[run:]...), open)
}

// plain returns how many of the first bytes of s mean themselves in a JSON string and in every
// repr: printable ASCII other than ' " and \.
func plain(s []byte) int {
	const ones = 0x0101010101010101
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(s[n:])
		// Each term has the top bit of a byte set if that byte is (in turn) not ASCII, a control
		// character, DEL, or equal to the one named. A carry or borrow can set it wrongly only
		// above a byte that is marked already, and the lowest mark is the one that counts.
		marks := w | (w - ' '*ones) | (w + ones) |
			((w ^ '\''*ones) - ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)
		if marks &= 0x80 * ones; marks != 0 {
			return n + bits.TrailingZeros64(marks)/8
		}
	}
	for ; n < len(s); n++ {
		if c := s[n]; c < ' ' || c >= 0x7f || c == '\'' || c == '"' || c == '\\' {
			break
		}
	}
	return n
}

// appendRune appends a character that the JSON text gave by an escape.
func appendRune(dst []byte, r rune, escape bool) []byte {
	if escape {
		return appendEscaped(dst, r)
	}
	return utf8.AppendRune(dst, r)
}

// appendEscaped appends the escape that repr shows for r.
func appendEscaped(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	letter, digits := byte('U'), 8
	switch {
	case r == '\\':
		return append(dst, '\\', '\\')
	case r == '\t':
		return append(dst, '\\', 't')
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r <= 0xff:
		letter, digits = 'x', 2
	case r <= 0xffff:
		letter, digits = 'u', 4
	}
	dst = append(dst, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hex[r>>shift&0xf])
	}
	return dst
}

// closeQuote ends the repr that began with a single quote at dst[open], now that its text is known:
// in double quotes when it holds ' and no ", else in single quotes with every ' in it escaped.
func closeQuote(dst []byte, open int) []byte {
	text := dst[open+1:]
	singles := bytes.Count(text, []byte{'\''})
	if singles == 0 {
		return append(dst, '\'')
	}
	if bytes.IndexByte(text, '"') < 0 {
		dst[open] = '"'
		return append(dst, '"')
	}
	from := len(dst)
	dst = slices.Grow(dst, singles+1)[:from+singles]
	// From the back, so that nothing is overwritten before it is moved.
	for to := len(dst); to > from; {
		from--
		to--
		dst[to] = dst[from]
		if dst[from] == '\'' {
			to--
			dst[to] = '\\'
		}
	}
	return append(dst, '\'')
}

// appendBytes appends the repr of a bytes object.
func appendBytes(dst, b []byte) []byte {
	dst = slices.Grow(dst, len(b)+len(`b''`))
	dst = append(dst, "b'"...)
	open := len(dst) - 1
	for len(b) > 0 {
		n := plain(b)
		dst = append(dst, b[:n]...)
		b = b[n:]
		if n == 0 {
			if c := b[0]; c == '\'' || c == '"' {
				dst = append(dst, c)
			} else {
				dst = appendEscaped(dst, rune(c))
			}
			b = b[1:]
		}
	}
	return closeQuote(dst, open)
}
