package packet

import (
	"encoding/binary"
	"unicode/utf8"
)

// str reads a string, quotes included.
func (s *scanner) str() bool {
	s.escaped = false
	data, i := s.data, s.pos+1
	var seen uint64 // all bytes so far, one over the other: are they ASCII?
	for i < len(data) {
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			if !plain(w) {
				break
			}
			seen |= w
			i += 8
		}
		if i == len(data) {
			break
		}
		switch c := data[i]; {
		case c == '"':
			if seen&highBits != 0 && !utf8.Valid(data[s.pos:i]) {
				return s.fail("invalid UTF-8 in a string")
			}
			s.pos = i + 1
			return true
		case c == '\\':
			s.escaped = true
			n := escapeLen(data[i:])
			if n == 0 {
				return s.fail("invalid escape in a string")
			}
			i += n
		case c < ' ':
			return s.fail("control character in a string")
		default:
			seen |= uint64(c)
			i++
		}
	}
	return s.fail("JSON string without its end")
}

const highBits = 0x8080808080808080

// plain reports whether none of eight bytes is a quote, a backslash or a
// control character. It may say no where yes were right.
func plain(w uint64) bool {
	const ones = 0x0101010101010101
	quote, backslash := w^'"'*ones, w^'\\'*ones
	return ((w-' '*ones)|(quote-ones)|(backslash-ones))&^w&highBits == 0
}

// escapeLen returns the length of the escape that text begins with, 0 if it is
// not a valid one. Half of a surrogate pair is valid, as RFC 8259 says in
// section 8.2.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(text[2:]); ok {
			return 6
		}
	}
	return 0
}

// number reads a number and takes note if it is an integer beyond 2^53.
func (s *scanner) number() bool {
	start := s.pos
	if s.at('-') {
		s.pos++
	}
	digits := s.pos
	if s.at('0') {
		s.pos++
	} else if !s.digits() {
		return false
	}
	n, integer := s.pos-digits, true
	if s.at('.') {
		integer = false
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.at('e') || s.at('E') {
		integer = false
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return false
		}
	}
	const exact = "9007199254740992"
	if integer && n >= len(exact) && (n > len(exact) || string(s.data[digits:s.pos]) > exact) {
		s.notes |= noteBig
		s.met++
		if s.marks != nil {
			s.marks[start] = markBig
		}
	}
	return true
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
		s.pos++
	}
	if s.pos == start {
		return s.fail("number without its digits")
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
