package pyprint

import (
	"math"
	"strconv"
)

// appendNumber appends a number: an int when it has neither fraction nor exponent, as json.loads
// decides it, else a float.
func appendNumber(dst, text []byte) []byte {
	for _, c := range text {
		if c == '.' || c == 'e' || c == 'E' {
			return appendFloat(dst, text)
		}
	}
	if string(text) == "-0" {
		return append(dst, '0')
	}
	return append(dst, text...)
}

// appendFloat appends the repr of the double nearest to a JSON number.
func appendFloat(dst, text []byte) []byte {
	// The only error a JSON number can give is ErrRange, with the infinity that Python prints too.
	// (ParseFloat stops counting at exponents of 10^5: a number with as many leading or trailing
	// zeros can come out as 0 or inf.)
	f, _ := strconv.ParseFloat(string(text), 64)
	return AppendFloat(dst, f)
}

// AppendFloat appends the repr of a double that is not NaN: the fewest digits that read back as the
// same double, with an exponent below 1e-4 and from 1e16 on, and with ".0" where a whole number has
// none.
func AppendFloat(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case math.IsInf(f, 0):
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "inf"...)
	case abs != 0 && (abs < 1e-4 || abs >= 1e16):
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if abs == math.Trunc(abs) {
		dst = append(dst, ".0"...)
	}
	return dst
}
