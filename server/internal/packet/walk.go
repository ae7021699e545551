package packet

// Parse checks that text is one JSON value, strictly, nesting at most maxDepth deep (0 means
// DefaultMaxDepth; at most DepthCeiling), and takes it as a Value without attachments. It keeps
// text. An error is always an *Error.
func Parse(text []byte, maxDepth int) (Value, error) {
	s := newScanner(text, 0, Limits{MaxDepth: maxDepth}.depth())
	start, end, ok := s.document()
	if !ok {
		return Value{}, s.err
	}
	return newValue(text[start:end:end], s.notes, nil), nil
}

// WithAttachments gives a Value the attachments that the placeholders in its text stand for. A
// placeholder of none of them is an error.
func (v Value) WithAttachments(attachments [][]byte) (Value, error) {
	s := newScanner(v.JSON, 0, DepthCeiling)
	s.collect = len(attachments) > 0
	start, end, ok := s.document()
	if !ok {
		return v, s.err
	}
	if err := inRange(s.spans, attachments); err != nil || len(s.spans) == 0 {
		return v, err
	}
	v = newValue(v.JSON[start:end:end], s.notes, s.spans)
	v.Attachments = attachments
	return v, nil
}

// Elements calls f with each element of an array; the elements share the Value's memory. It stops
// at the first error. A Value that is no array is an error.
func (v Value) Elements(f func(element Value) error) error {
	s, err := v.inside('[', "not an array")
	if err != nil {
		return err
	}
	return s.elements(func(int) error { return f(v.part(&s)) })
}

// Members calls f with each member of an object, as Elements does. A key that comes twice is
// reported twice.
func (v Value) Members(f func(key string, member Value) error) error {
	s, err := v.inside('{', "not an object")
	if err != nil {
		return err
	}
	return s.members(func(key []byte) error { return f(unquoted(key), v.part(&s)) })
}

// inside returns a scanner at the value, which has to begin with this bracket.
func (v Value) inside(bracket byte, otherwise string) (scanner, error) {
	if !v.valid() {
		return scanner{}, malformed("not a JSON value")
	}
	s := newScanner(v.JSON, 0, DepthCeiling)
	s.space()
	if !s.at(bracket) {
		return scanner{}, malformed(otherwise)
	}
	return s, nil
}

// part reads the value at the scanner's position.
func (v Value) part(s *scanner) Value {
	s.notes, s.collect, s.spans = 0, len(v.Attachments) > 0, nil
	text := s.raw()
	part := newValue(text[:len(text):len(text)], s.notes, s.spans)
	if s.notes&noteMarker != 0 {
		part.Attachments = v.Attachments
	}
	return part
}

// Walk tells w of the value and all that it holds, in the order of the text. Texts are UTF-8; in
// them, half of a surrogate pair is U+FFFD. Walk fails before the first call, or not at all.
func (v Value) Walk(w Walker) error {
	if len(v.JSON) == 0 {
		w.Null()
		return nil
	}
	spans, _, err := v.scan()
	if err != nil {
		return err
	}
	return tell(v.JSON, true, telling{to: w, spans: spans, attachments: v.Attachments})
}

// Read is Walk in one pass, for those who make out escapes and placeholders themselves: strings and
// keys are as they are written between their quotes, see [Unescape], and placeholders are objects.
// What w got before an error is of no use.
func (v Value) Read(w Walker) error {
	return tell(v.JSON, v.state&stateScanned != 0, telling{to: w, verbatim: true})
}

// Scalar returns the JSON of a value that is neither an array nor an object.
func (v Value) Scalar() (text []byte, ok bool) {
	if v.state&stateScanned == 0 {
		v, _ = Parse(v.JSON, 0)
	}
	text = v.JSON
	return text, len(text) > 0 && text[0] != '[' && text[0] != '{'
}

func tell(text []byte, trusted bool, t telling) error {
	s := newScanner(text, 0, DepthCeiling)
	s.trusted, s.tell = trusted, t
	if _, _, ok := s.document(); !ok {
		return s.err
	}
	return nil
}
