package packet

import (
	"encoding/binary"
	"unicode/utf8"
)

// note is what a scan met on its way.
type note uint8

const (
	noteMarker note = 1 << iota // an object whose "_placeholder" is true
	noteBig                     // an integer beyond 2^53
)

// span is an object whose "_placeholder" is true, as positions in the text.
type span struct {
	start, end int
	num        int // the attachment, or -1 if the object is no proper placeholder
}

// Walker is told of a value part by part, by [Value.Walk] and [Value.Read]. Texts are valid during
// the call alone.
type Walker interface {
	Null()
	Bool(bool)
	Number(text []byte) // as JSON writes it
	Text(text []byte)
	Binary(data []byte) // an attachment; never to be written to
	BeginArray()
	EndArray(elements int)
	BeginObject()
	Key(text []byte)
	EndObject(members int)
}

// telling tells a Walker what a scanner reads, if there is one.
type telling struct {
	to          Walker
	spans       []span // the placeholders still to come, which are passed on as attachments
	attachments [][]byte
	verbatim    bool   // strings are passed on as they are written
	text        []byte // a string without its escapes
}

// plain returns what a string means; text has its quotes.
func (t *telling) plain(text []byte, escaped bool) []byte {
	text = text[1 : len(text)-1]
	if !escaped || t.verbatim {
		return text
	}
	t.text = unquote(t.text[:0], text)
	return t.text
}

// scalar tells of anything but an array or object.
func (t *telling) scalar(text []byte, escaped bool) {
	switch text[0] {
	case '"':
		t.to.Text(t.plain(text, escaped))
	case 't', 'f':
		t.to.Bool(text[0] == 't')
	case 'n':
		t.to.Null()
	default:
		t.to.Number(text)
	}
}

// scanner reads JSON (RFC 8259) once: it checks the syntax and the UTF-8, bounds the depth and
// finds placeholders and big integers. It keeps nothing and allocates nothing unless it is asked
// to. Each method that returns a bool reads on from pos and returns false after having set err.
//
// Its recursion is bounded by maxDepth, which never exceeds DepthCeiling.
type scanner struct {
	data     []byte
	pos      int
	depth    int
	maxDepth int
	err      *Error

	escaped bool // the string read last holds a backslash
	notes   note

	// collect fills spans with the outermost objects that bear the marker.
	collect bool
	spans   []span
	// attachments above or equal to zero says that the text is a binary packet's with that many: an
	// improper placeholder is then an error.
	attachments int

	trusted bool // the text has been found valid

	tell telling
}

func newScanner(data []byte, depth, maxDepth int) scanner {
	return scanner{data: data, depth: depth, maxDepth: maxDepth, attachments: -1}
}

func (s *scanner) fail(reason string) bool {
	s.err = malformed(reason)
	return false
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// at reports whether the next byte is c.
func (s *scanner) at(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

func (s *scanner) literal(want string) bool {
	if len(s.data)-s.pos < len(want) || string(s.data[s.pos:s.pos+len(want)]) != want {
		return s.fail("not a JSON value")
	}
	s.pos += len(want)
	return true
}

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
			if seen&highBits != 0 && !s.trusted && !utf8.Valid(data[s.pos:i]) {
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

// plain reports whether none of eight bytes is a quote, a backslash or a control character. It may
// say no where yes were right.
func plain(w uint64) bool {
	const ones = 0x0101010101010101
	quote, backslash := w^'"'*ones, w^'\\'*ones
	return ((w-' '*ones)|(quote-ones)|(backslash-ones))&^w&highBits == 0
}

// escapeLen returns the length of the escape that text begins with, 0 if it is not a valid one.
// Half of a surrogate pair is valid, as RFC 8259 says in section 8.2.
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
