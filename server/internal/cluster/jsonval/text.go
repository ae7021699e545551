package jsonval

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"

	"hipflask/server/internal/packet"
)

// appendJSFloat appends what JavaScript makes of a finite number.
func appendJSFloat(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	if abs == 0 {
		return append(dst, '0')
	}
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes e-07 where JavaScript writes e-7.
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' {
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// AppendPythonFloat appends what Python's repr makes of a finite float.
func AppendPythonFloat(dst []byte, f float64) []byte {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// appendText appends text as a JSON string; see Builder.Text.
func appendText(dst, text []byte) []byte {
	if utf8.Valid(text) || bytes.IndexByte(text, 0xED) < 0 {
		return packet.AppendText(dst, string(text))
	}
	dst = append(dst, '"')
	from := 0
	for i := 0; i+2 < len(text); i++ {
		// U+D800 to U+DFFF in UTF-8's scheme: ED A0 80 to ED BF BF.
		if text[i] != 0xED || text[i+1]&0xE0 != 0xA0 || text[i+2]&0xC0 != 0x80 {
			continue
		}
		dst = appendInner(dst, text[from:i])
		half := 0xD000 | uint64(text[i+1]&0x3F)<<6 | uint64(text[i+2]&0x3F)
		dst = strconv.AppendUint(append(dst, `\u`...), half, 16)
		i += 2
		from = i + 1
	}
	return append(appendInner(dst, text[from:]), '"')
}

// appendInner appends text as a JSON string without its quotes.
func appendInner(dst, text []byte) []byte {
	quoted := packet.AppendText(nil, string(text))
	return append(dst, quoted[1:len(quoted)-1]...)
}
