package packet

// The two members that an object must have to be an attachment's placeholder.
const (
	markerKey = "_placeholder"
	numberKey = "num"
)

// document reads one value and demands that nothing but white space stands around it. It returns
// the value's bounds.
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

func (s *scanner) value() bool {
	if s.pos == len(s.data) {
		return s.fail("JSON ends early")
	}
	start, ok := s.pos, false
	switch c := s.data[start]; c {
	case '{':
		return s.object()
	case '[':
		return s.array()
	case '"':
		ok = s.str()
	case 't':
		ok = s.literal("true")
	case 'f':
		ok = s.literal("false")
	case 'n':
		ok = s.literal("null")
	default:
		if c != '-' && !isDigit(c) {
			return s.fail("not a JSON value")
		}
		ok = s.number()
	}
	if ok && s.tell.to != nil {
		s.tell.scalar(s.data[start:s.pos], s.escaped)
	}
	return ok
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

// more steps over what follows an element: it reports whether another element follows, after a
// comma, or the closing bracket came.
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
	if !s.open() {
		return false
	}
	if s.tell.to != nil {
		s.tell.to.BeginArray()
	}
	n, another := 0, !s.at(']')
	if !another {
		s.close()
	}
	for ok := true; another; n++ {
		if !s.value() {
			return false
		}
		if another, ok = s.more(']'); !ok {
			return false
		}
	}
	if s.tell.to != nil {
		s.tell.to.EndArray(n)
	}
	return true
}

// object reads an object. Where a key comes twice the last one counts, as it does to those who will
// read the text.
func (s *scanner) object() bool {
	start := s.pos
	if s.tell.to != nil && s.attachment() {
		return true
	}
	if !s.open() {
		return false
	}
	if s.tell.to != nil {
		s.tell.to.BeginObject()
	}
	members, marked, num := 0, false, -1
	another := !s.at('}')
	if !another {
		s.close()
	}
	for ok := true; another; members++ {
		name, named := s.key()
		if !named {
			return false
		}
		from := s.pos
		if !s.value() {
			return false
		}
		switch name {
		case markerKey:
			marked = s.data[from] == 't'
		case numberKey:
			num = attachmentNumber(s.data[from:s.pos])
		}
		if another, ok = s.more('}'); !ok {
			return false
		}
	}
	if s.tell.to != nil {
		s.tell.to.EndObject(members)
	}
	if marked && members != 2 {
		num = -1
	}
	return !marked || s.placeholder(start, num)
}

// key reads a member's key and what stands before the value, and returns the key if it is one of a
// placeholder's.
func (s *scanner) key() (name string, ok bool) {
	if !s.at('"') {
		return "", s.fail("object key is not a string")
	}
	start := s.pos
	if !s.str() {
		return "", false
	}
	text := s.data[start:s.pos]
	if t := &s.tell; t.to != nil {
		t.to.Key(t.plain(text, s.escaped))
	}
	if c := text[1]; s.escaped || c == markerKey[0] || c == numberKey[0] {
		name = keyName(text[1:len(text)-1], s.escaped)
	}
	s.space()
	if !s.at(':') {
		return "", s.fail("object key without a value")
	}
	s.pos++
	s.space()
	return name, true
}

// attachment steps over the object if it is one of the placeholders that are known, and tells of
// what it stands for.
func (s *scanner) attachment() bool {
	t := &s.tell
	if len(t.spans) == 0 || t.spans[0].start != s.pos {
		return false
	}
	s.pos = t.spans[0].end
	t.to.Binary(t.attachments[t.spans[0].num])
	t.spans = t.spans[1:]
	return true
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
	// Only an improper placeholder can hold others, which go with it.
	for len(s.spans) > 0 && s.spans[len(s.spans)-1].start > start {
		s.spans = s.spans[:len(s.spans)-1]
	}
	s.spans = append(s.spans, span{start, s.pos, num})
	return true
}

// keyName returns the key if it is one of the two that matter. A key may be spelled with escapes,
// which those who read the text resolve as well.
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

// attachmentNumber reads the plain digits of a placeholder's num; -1 is anything else.
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
