package pickle

import (
	"bytes"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hipflask/server/internal/packet"
)

// input is the pickle's bytes, read from the front. After the first error nothing is left, and what
// is read is zero.
type input struct {
	data []byte
	pos  int
	err  *packet.Error
}

func (in *input) rest() int { return len(in.data) - in.pos }

func (in *input) fail(reason string) { in.refuse(malformed(reason)) }

func (in *input) refuse(err *packet.Error) {
	if in.err == nil {
		in.err, in.pos = err, len(in.data)
	}
}

func (in *input) take(n int) []byte {
	if n > in.rest() {
		in.fail("it ends early")
		return nil
	}
	b := in.data[in.pos : in.pos+n : in.pos+n]
	in.pos += n
	return b
}

func (in *input) byte() byte { return byte(in.number(1)) }

// number reads an unsigned number of that many bytes.
func (in *input) number(size int) uint64 { return littleEndian(in.take(size)) }

// littleEndian is an unsigned number of at most eight bytes.
func littleEndian(b []byte) (n uint64) {
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n
}

// line returns the text up to the next newline, at most max bytes of it.
func (in *input) line(max int) []byte {
	rest := in.data[in.pos:]
	if len(rest) > max {
		rest = rest[:max]
	}
	n := bytes.IndexByte(rest, '\n')
	if n < 0 {
		in.fail("a line without its end, or too long")
		return nil
	}
	in.pos += n + 1
	return rest[:n]
}

// length reads the number that follows an opcode: a length, a memo entry, a small integer.
func (in *input) length(op byte) uint64 {
	switch op {
	case opPut, opGet:
		n, err := strconv.ParseUint(string(in.line(maxLine)), 10, 32)
		if err != nil {
			in.fail("a bad memo entry")
			return 0
		}
		return n
	case opBinUnicode8, opBinBytes8, opByteArray8:
		return in.number(8)
	case opBinInt1, opBinPut, opBinGet, opShortBinUni, opShortBinBytes, opLong1:
		return in.number(1)
	case opBinInt2:
		return in.number(2)
	}
	return in.number(4)
}

// counted reads a length and that many bytes.
func (in *input) counted(op byte) []byte {
	n := in.length(op)
	return in.take(int(min(n, uint64(in.rest())+1))) // one more than there is fails
}

func (m *machine) escapedText() Object {
	text, ok := unescape(m.line(m.rest()))
	if !ok {
		m.fail("a bad escape in a string")
	}
	return m.boxed(Text, text)
}

func (m *machine) text(op byte) Object {
	b := m.counted(op)
	if !validText(b) {
		m.fail("a string that is not UTF-8")
	}
	return m.boxed(Text, b)
}

// validText reports whether text is UTF-8, halves of surrogate pairs allowed.
func validText(text []byte) bool {
	if utf8.Valid(text) {
		return true
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			// U+D800 to U+DFFF in UTF-8's scheme: ED A0 80 to ED BF BF.
			if len(text) < 3 || text[0] != 0xED || text[1]&0xE0 != 0xA0 || text[2]&0xC0 != 0x80 {
				return false
			}
			n = 3
		}
		text = text[n:]
	}
	return true
}

// unescape decodes Python's raw-unicode-escape: Latin-1, with \uXXXX and \UXXXXXXXX, and no other
// escape.
func unescape(line []byte) ([]byte, bool) {
	text := make([]byte, 0, len(line))
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c != '\\' || i+1 == len(line) {
			text = utf8.AppendRune(text, rune(c))
			continue
		}
		i++
		digits := 0
		switch line[i] {
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			text = utf8.AppendRune(append(text, '\\'), rune(line[i]))
			continue
		}
		if len(line)-i-1 < digits {
			return nil, false
		}
		n, err := strconv.ParseUint(string(line[i+1:i+1+digits]), 16, 32)
		if err != nil || n > utf8.MaxRune {
			return nil, false
		}
		i += digits
		if 0xD800 <= n && n < 0xE000 { // a surrogate, which AppendRune does not write
			text = append(text, 0xE0|byte(n>>12), 0x80|byte(n>>6&0x3F), 0x80|byte(n&0x3F))
			continue
		}
		text = utf8.AppendRune(text, rune(n))
	}
	return text, true
}

// decimal reads INT, which also stands for the booleans of protocols 0 and 1, and LONG.
func (m *machine) decimal(op byte) Object {
	line := m.line(maxLine)
	if op == opInt && len(line) == 2 && line[0] == '0' && line[1]|1 == '1' {
		return Object{kind: Bool, num: uint64(line[1] - '0')}
	}
	if op == opLong {
		line = bytes.TrimSuffix(line, []byte("L"))
	}
	digits := bytes.TrimPrefix(line, []byte("-"))
	plain := len(digits) > 0 && len(digits) <= maxDigits && (digits[0] != '0' || len(line) == 1)
	if !plain || len(bytes.Trim(digits, "0123456789")) > 0 {
		m.fail("a bad integer, or one of more than 4300 digits")
		return Object{}
	}
	if n, err := strconv.ParseInt(string(line), 10, 64); err == nil {
		return integer(n)
	}
	return m.boxed(BigInt, line)
}

// long reads LONG1 and LONG4: two's complement, the lowest byte first.
func (m *machine) long(op byte) Object {
	b := m.counted(op)
	if len(b) > maxIntegerBytes {
		m.fail("an integer of more than 4300 digits")
	}
	// The time to make digits of it grows faster than its length, so that a long one counts as many
	// values.
	m.count(len(b) / 4)
	if m.err != nil {
		return Object{}
	}
	negative := len(b) > 0 && b[len(b)-1]&0x80 != 0
	if len(b) <= 8 {
		n := littleEndian(b)
		if negative {
			n |= ^uint64(0) << (8 * len(b)) // nothing where all eight are there
		}
		return integer(int64(n))
	}
	magnitude := slices.Clone(b)
	slices.Reverse(magnitude)
	n := new(big.Int).SetBytes(magnitude)
	if negative {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if n.IsInt64() {
		return integer(n.Int64())
	}
	return m.boxed(BigInt, n.Append(nil, 10))
}

// float reads FLOAT: what Python's repr wrote.
func (m *machine) float() Object {
	line := string(m.line(maxLine))
	f, err := strconv.ParseFloat(line, 64)
	switch word := line == "nan" || line == "inf" || line == "-inf"; {
	case err != nil, !word && strings.Trim(line, "0123456789.-+e") != "":
		m.fail("a bad float")
	}
	return Object{kind: Float, num: math.Float64bits(f)}
}
