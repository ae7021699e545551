package packet

// The two members that an object must have to be an attachment's placeholder.
const (
	markerKey = "_placeholder"
	numberKey = "num"
)

// note is what a scan met on its way.
type note uint8

const (
	noteMarker note = 1 << iota // an object whose "_placeholder" is true
	noteBig                     // an integer beyond 2^53
)

// What scanner.marks says of the value at a position, beside an attachment's
// number.
const (
	markBig    = -1 // an integer beyond 2^53
	markHolder = -2 // an array or object with a marked value inside
)

// span is an object whose "_placeholder" is true, as positions in the text.
type span struct {
	start, end int
	num        int // the attachment, or -1 if the object is no proper placeholder
}

// scanner reads JSON (RFC 8259) once: it checks the syntax and the UTF-8,
// bounds the depth and finds placeholders and big integers. It keeps nothing
// and allocates nothing unless it is asked to collect. Each method reads on
// from pos and returns false after having set err.
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
	met     int // how many values were marked, or would have been

	// collect fills spans with the outermost objects that bear the marker.
	collect bool
	spans   []span
	// attachments above or equal to zero says that the text is a binary
	// packet's with that many: an improper placeholder is then an error.
	attachments int
	// marks, if not nil, is filled by the position of what Value.Decode has to
	// look at itself.
	marks map[int]int
}

func newScanner(data []byte, depth, maxDepth int) scanner {
	return scanner{data: data, depth: depth, maxDepth: maxDepth, attachments: -1}
}

func (s *scanner) fail(reason string) bool {
	s.err = malformed(reason)
	return false
}

// document reads one value and demands that nothing but white space stands
// around it. It returns the value's bounds.
func (s *scanner) document() (start, end int, ok bool) {
	s.space()
	start = s.pos
	if !s.value() {
		return 0, 0, false
	}
	end = s.pos
	return start, end, s.end()
}

// end demands that nothing but white space is left.
func (s *scanner) end() bool {
	s.space()
	if s.pos != len(s.data) {
		return s.fail("bytes after the JSON")
	}
	return true
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

func (s *scanner) value() bool {
	if s.pos == len(s.data) {
		return s.fail("JSON ends early")
	}
	switch c := s.data[s.pos]; c {
	case '"':
		return s.str()
	case '{':
		return s.object()
	case '[':
		return s.array()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || isDigit(c) {
			return s.number()
		}
		return s.fail("not a JSON value")
	}
}

func (s *scanner) literal(want string) bool {
	if len(s.data)-s.pos < len(want) || string(s.data[s.pos:s.pos+len(want)]) != want {
		return s.fail("not a JSON value")
	}
	s.pos += len(want)
	return true
}

// open steps over the bracket of an array or object.
func (s *scanner) open() bool {
	if s.depth == s.maxDepth {
		s.err = overLimit(LimitDepth, s.maxDepth)
		return false
	}
	s.depth++
	s.pos++
	s.space()
	return true
}

// more steps over what follows an element: it reports whether another element
// follows, after a comma, or the closing bracket came.
func (s *scanner) more(closing byte) (another, ok bool) {
	s.space()
	switch {
	case s.at(','):
		s.pos++
		s.space()
		return true, true
	case s.at(closing):
		s.close()
		return false, true
	}
	return false, s.fail("JSON array or object without its end")
}

func (s *scanner) close() {
	s.pos++
	s.depth--
}

func (s *scanner) array() bool {
	start, met := s.pos, s.met
	if !s.open() {
		return false
	}
	if s.at(']') {
		s.close()
		return true
	}
	for {
		if !s.value() {
			return false
		}
		another, ok := s.more(']')
		if !ok {
			return false
		}
		if !another {
			s.holds(start, met)
			return true
		}
	}
}

// object reads an object. Where a key comes twice the last one counts, as it
// does to those who will read the text.
func (s *scanner) object() bool {
	start, met := s.pos, s.met
	if !s.open() {
		return false
	}
	if s.at('}') {
		s.close()
		return true
	}
	members, marked, num := 0, false, -1
	for {
		if !s.at('"') {
			return s.fail("object key is not a string")
		}
		key := s.pos
		if !s.str() {
			return false
		}
		name := keyName(s.data[key+1:s.pos-1], s.escaped)
		s.space()
		if !s.at(':') {
			return s.fail("object key without a value")
		}
		s.pos++
		s.space()
		from := s.pos
		if !s.value() {
			return false
		}
		members++
		switch name {
		case markerKey:
			marked = s.data[from] == 't'
		case numberKey:
			num = attachmentNumber(s.data[from:s.pos])
		}
		another, ok := s.more('}')
		if !ok {
			return false
		}
		if !another {
			break
		}
	}
	if marked && members != 2 {
		num = -1
	}
	if marked && !s.placeholder(start, num) {
		return false
	}
	if !marked || !s.collect {
		s.holds(start, met)
	}
	return true
}

// holds marks the array or object at start if anything inside was marked.
func (s *scanner) holds(start, met int) {
	if s.marks != nil && s.met > met {
		s.marks[start] = markHolder
	}
}

// placeholder takes note of the object from start to pos, whose marker is true.
func (s *scanner) placeholder(start, num int) bool {
	s.notes |= noteMarker
	if s.attachments >= 0 && (num < 0 || num >= s.attachments || len(s.spans) == s.attachments) {
		return s.fail("placeholder of no attachment")
	}
	if !s.collect {
		return true
	}
	s.met++
	if s.marks != nil {
		s.marks[start] = num
	}
	// Only an improper placeholder can hold others, which go with it.
	for len(s.spans) > 0 && s.spans[len(s.spans)-1].start > start {
		s.spans = s.spans[:len(s.spans)-1]
	}
	s.spans = append(s.spans, span{start, s.pos, num})
	return true
}

// keyName returns the key if it is one of the two that matter. A key may be
// spelled with escapes, which those who read the text resolve as well.
func keyName(key []byte, escaped bool) string {
	if escaped {
		// No byte of a name needs more than the six of \u005f.
		if len(key) > 6*len(markerKey) {
			return ""
		}
		var buf [6 * len(markerKey)]byte
		key = unquote(buf[:0], key)
	}
	switch string(key) {
	case markerKey:
		return markerKey
	case numberKey:
		return numberKey
	}
	return ""
}

// attachmentNumber reads the plain digits of a placeholder's num; -1 is
// anything else.
func attachmentNumber(text []byte) int {
	if len(text) > 9 || text[0] == '0' && len(text) > 1 {
		return -1
	}
	n := 0
	for _, c := range text {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
