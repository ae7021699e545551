package pyprint

import (
	"math"
	"strconv"
)

// number reads a number: an int when it has neither fraction nor exponent, as
// json.loads decides it, else a float.
func (p *printer) number() bool {
	start := p.pos
	p.take('-')
	if !p.take('0') && !p.digits() {
		return false
	}
	isInt := true
	if p.take('.') {
		isInt = false
		if !p.digits() {
			return false
		}
	}
	if p.take('e') || p.take('E') {
		isInt = false
		if !p.take('-') {
			p.take('+')
		}
		if !p.digits() {
			return false
		}
	}
	text := p.src[start:p.pos]
	switch {
	case !isInt:
		p.dst = appendFloat(p.dst, text)
	case string(text) == "-0":
		p.dst = append(p.dst, '0')
	default:
		p.dst = append(p.dst, text...)
	}
	return true
}

// digits reads decimal digits and reports whether there were any.
func (p *printer) digits() bool {
	start := p.pos
	for p.pos < len(p.src) && '0' <= p.src[p.pos] && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

// appendFloat appends the repr of the double nearest to a JSON number: the
// fewest digits that read back as the same double, with an exponent below 1e-4
// and from 1e16 on, and with ".0" where a whole number has none.
func appendFloat(dst, text []byte) []byte {
	// The only error a JSON number can give is ErrRange, with the infinity that
	// Python prints too. (ParseFloat stops counting at exponents of 10^5: a
	// number with as many leading or trailing zeros can come out as 0 or inf.)
	f, _ := strconv.ParseFloat(string(text), 64)
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
