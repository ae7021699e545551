package pyprint

import (
	"bytes"
	"slices"
)

// appendBytes appends the repr of a bytes object.
func appendBytes(dst, b []byte) []byte {
	quote := byte('\'')
	if bytes.IndexByte(b, '\'') >= 0 && bytes.IndexByte(b, '"') < 0 {
		quote = '"'
	}
	dst = slices.Grow(dst, len(b)+len(`b''`))
	dst = append(dst, 'b', quote)
	for len(b) > 0 {
		n := plain(b)
		dst = append(dst, b[:n]...)
		b = b[n:]
		if n == 0 {
			switch c := b[0]; {
			case c == quote:
				dst = append(dst, '\\', c)
			case c == '\'' || c == '"':
				dst = append(dst, c)
			default:
				dst = appendEscaped(dst, rune(c))
			}
			b = b[1:]
		}
	}
	return append(dst, quote)
}
