package packet

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendText appends text as a JSON string, as the encoder writes it. Invalid UTF-8 becomes U+FFFD.
// Beyond what RFC 8259 demands nothing is escaped: no HTML, no U+2028.
func AppendText(dst []byte, text string) []byte { return appendQuoted(dst, text, false) }

// AppendHalves is AppendText for what Python's surrogatepass makes of a string: half of a surrogate
// pair, in three bytes, becomes an escape.
func AppendHalves(dst []byte, text string) []byte { return appendQuoted(dst, text, true) }

func appendQuoted(dst []byte, text string, halves bool) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, text[from:i]...)
				if half := halfAt(text[i:]); halves && half > 0 {
					dst = strconv.AppendUint(append(dst, `\u`...), uint64(half), 16)
					n = 3
				} else {
					dst = append(dst, "\uFFFD"...)
				}
				from = i + n
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, text[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	dst = append(dst, text[from:]...)
	return append(dst, '"')
}

// halfAt returns the half of a surrogate pair that text begins with, 0 if there is none: U+D800 to
// U+DFFF in UTF-8's scheme are ED A0 80 to ED BF BF.
func halfAt(text string) rune {
	if len(text) < 3 || text[0] != 0xED || text[1]&0xE0 != 0xA0 || text[2]&0xC0 != 0x80 {
		return 0
	}
	return 0xD000 | rune(text[1]&0x3F)<<6 | rune(text[2]&0x3F)
}

// AppendFloat appends a number of so many bits as JavaScript writes it; what JSON does not have is
// null.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	abs := math.Abs(f)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	small, large := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs == 0 || !small && !large {
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	// Go writes e-07 where JavaScript writes e-7.
	if n := len(dst); dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// unquoted returns what a scanned string or key means; text has its quotes.
func unquoted(text []byte) string {
	text = text[1 : len(text)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text)
	}
	return string(unquote(make([]byte, 0, len(text)), text))
}

// unquote appends what a scanned JSON string means; text is without its quotes. Half of a surrogate
// pair becomes U+FFFD, since Go text cannot hold it.
func unquote(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		r, n := Unescape(text[i:])
		dst = utf8.AppendRune(dst, r)
		text = text[i+n:]
	}
}

// Unescape returns the character of the escape that a valid JSON string goes on with, and the
// escape's length; a surrogate pair is one. Half of such a pair is returned as it is.
func Unescape(text []byte) (r rune, n int) {
	switch text[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(text[1]), 2
	}
	r, _ = hex4(text[2:])
	if utf16.IsSurrogate(r) && len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if low, ok := hex4(text[8:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
	}
	return r, 6
}

// hex4 reads four hexadecimal digits.
func hex4(text []byte) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range text[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
