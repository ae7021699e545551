package pyprint

import "slices"

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
