package pickle

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"hipflask/server/internal/packet/jsonval"
)

// input is the pickle's bytes, read from the front.
type input struct {
	data []byte
	pos  int
}

func (in *input) rest() int { return len(in.data) - in.pos }

func (in *input) take(n int) ([]byte, *jsonval.Error) {
	if n > in.rest() {
		return nil, malformed("it ends early")
	}
	b := in.data[in.pos : in.pos+n : in.pos+n]
	in.pos += n
	return b, nil
}

func (in *input) byte() (byte, *jsonval.Error) {
	if in.rest() == 0 {
		return 0, malformed("it ends early")
	}
	in.pos++
	return in.data[in.pos-1], nil
}

func (in *input) uint64() (uint64, *jsonval.Error) {
	b, err := in.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// line returns the text up to the next newline, at most max bytes of it.
func (in *input) line(max int) ([]byte, *jsonval.Error) {
	rest := in.data[in.pos:]
	if len(rest) > max {
		rest = rest[:max]
	}
	n := bytes.IndexByte(rest, '\n')
	if n < 0 {
		return nil, malformed("a line without its end, or too long")
	}
	in.pos += n + 1
	return rest[:n], nil
}

// length reads the number that follows an opcode: a length, a memo entry, a
// small integer.
func (in *input) length(op byte) (uint64, *jsonval.Error) {
	size := 4
	switch op {
	case opPut, opGet:
		line, err := in.line(maxLine)
		if err != nil {
			return 0, err
		}
		n, bad := strconv.ParseUint(string(line), 10, 32)
		if bad != nil {
			return 0, malformed("a bad memo entry")
		}
		return n, nil
	case opBinUnicode8, opBinBytes8, opByteArray8:
		return in.uint64()
	case opBinInt1, opBinPut, opBinGet, opShortBinUni, opShortBinBytes, opLong1:
		size = 1
	case opBinInt2:
		size = 2
	}
	b, err := in.take(size)
	return littleEndian(b), err
}

// littleEndian is an unsigned number of at most eight bytes.
func littleEndian(b []byte) (n uint64) {
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n
}

// counted reads a length and that many bytes.
func (in *input) counted(op byte) ([]byte, *jsonval.Error) {
	n, err := in.length(op)
	if err != nil {
		return nil, err
	}
	return in.take(int(min(n, uint64(in.rest())+1))) // one more than there is fails
}

func (m *machine) bytes(op byte) (Object, *jsonval.Error) {
	b, err := m.counted(op)
	if err != nil {
		return Object{}, err
	}
	return m.boxed(Bytes, b), nil
}

func (m *machine) text(op byte) (Object, *jsonval.Error) {
	if op == opUnicode {
		line, err := m.line(m.rest())
		if err != nil {
			return Object{}, err
		}
		text, ok := unescape(line)
		if !ok {
			return Object{}, malformed("a bad escape in a string")
		}
		return m.boxed(Text, text), nil
	}
	b, err := m.counted(op)
	if err != nil {
		return Object{}, err
	}
	if !validText(b) {
		return Object{}, malformed("a string that is not UTF-8")
	}
	return m.boxed(Text, b), nil
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

// unescape decodes Python's raw-unicode-escape: Latin-1, with \uXXXX and
// \UXXXXXXXX, and no other escape.
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

// decimal reads INT, which also stands for the booleans of protocols 0 and 1,
// and LONG.
func (m *machine) decimal(op byte) (Object, *jsonval.Error) {
	line, err := m.line(maxLine)
	if err != nil {
		return Object{}, err
	}
	if op == opInt && len(line) == 2 && line[0] == '0' && line[1]|1 == '1' {
		return Object{kind: Bool, num: uint64(line[1] - '0')}, nil
	}
	if op == opLong {
		line = bytes.TrimSuffix(line, []byte("L"))
	}
	digits := bytes.TrimPrefix(line, []byte("-"))
	plain := len(digits) > 0 && len(digits) <= maxDigits && (digits[0] != '0' || len(line) == 1)
	for _, c := range digits {
		plain = plain && '0' <= c && c <= '9'
	}
	if !plain {
		return Object{}, malformed("a bad integer, or one of more than 4300 digits")
	}
	if n, err := strconv.ParseInt(string(line), 10, 64); err == nil {
		return integer(n), nil
	}
	return m.boxed(BigInt, line), nil
}

// long reads LONG1 and LONG4: two's complement, the lowest byte first.
func (m *machine) long(op byte) (Object, *jsonval.Error) {
	b, err := m.counted(op)
	if err != nil {
		return Object{}, err
	}
	if len(b) > maxIntegerBytes {
		return Object{}, malformed("an integer of more than 4300 digits")
	}
	// The time to make digits of it grows faster than its length, so that a long
	// one counts as many values.
	if err := m.count(len(b) / 4); err != nil {
		return Object{}, err
	}
	negative := len(b) > 0 && b[len(b)-1]&0x80 != 0
	if len(b) <= 8 {
		n := littleEndian(b)
		if negative {
			n |= ^uint64(0) << (8 * len(b)) // nothing where all eight are there
		}
		return integer(int64(n)), nil
	}
	magnitude := slices.Clone(b)
	slices.Reverse(magnitude)
	n := new(big.Int).SetBytes(magnitude)
	if negative {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if n.IsInt64() {
		return integer(n.Int64()), nil
	}
	return m.boxed(BigInt, n.Append(nil, 10)), nil
}

// floatLine reads FLOAT: what Python's repr wrote.
func (m *machine) floatLine() (float64, *jsonval.Error) {
	line, err := m.line(maxLine)
	if err != nil {
		return 0, err
	}
	plain := string(line) == "nan" || string(line) == "inf" || string(line) == "-inf"
	if !plain {
		plain = len(line) > 0
		for _, c := range line {
			plain = plain && ('0' <= c && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e')
		}
	}
	f, bad := strconv.ParseFloat(string(line), 64)
	if !plain || bad != nil {
		return 0, malformed("a bad float")
	}
	return f, nil
}
