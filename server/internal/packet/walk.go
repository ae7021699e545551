package packet

import "bytes"

// Parse checks that text is one JSON value, strictly, nesting at most maxDepth
// deep (0 means DefaultMaxDepth; at most DepthCeiling), and takes it as a Value
// without attachments. It keeps text. An error is always an *Error.
func Parse(text []byte, maxDepth int) (Value, error) {
	s := newScanner(text, 0, Limits{MaxDepth: maxDepth}.depth())
	start, end, ok := s.document()
	if !ok {
		return Value{}, s.err
	}
	return newValue(text[start:end:end], s.notes, nil), nil
}

// WithAttachments gives a Value the attachments that the placeholders in its
// text stand for. A placeholder of none of them is an error.
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

// inRange checks that each placeholder is one of these attachments.
func inRange(spans []span, attachments [][]byte) error {
	for _, sp := range spans {
		if sp.num < 0 || sp.num >= len(attachments) {
			return errNoAttachment
		}
	}
	return nil
}

// Elements calls f with each element of an array; the elements share the
// Value's memory. It stops at the first error. A Value that is no array is an
// error.
func (v Value) Elements(f func(element Value) error) error {
	r, err := v.inside('[', "not an array")
	if err != nil {
		return err
	}
	return r.elements(func(int) error { return f(v.part(&r)) })
}

// Members calls f with each member of an object, as Elements does. A key that
// comes twice is reported twice.
func (v Value) Members(f func(key string, member Value) error) error {
	r, err := v.inside('{', "not an object")
	if err != nil {
		return err
	}
	return r.members(func(key []byte) error { return f(unquoted(key), v.part(&r)) })
}

// inside returns a reader at the value, which has to begin with this bracket.
func (v Value) inside(bracket byte, otherwise string) (reader, error) {
	if !v.valid() {
		return reader{}, malformed("not a JSON value")
	}
	r := reader{scanner: newScanner(v.JSON, 0, DepthCeiling)}
	r.scanner.space()
	if !r.scanner.at(bracket) {
		return reader{}, malformed(otherwise)
	}
	return r, nil
}

// part reads the value at the reader's position.
func (v Value) part(r *reader) Value {
	s := &r.scanner
	s.notes, s.collect, s.spans = 0, len(v.Attachments) > 0, nil
	text := r.raw()
	part := newValue(text[:len(text):len(text)], s.notes, s.spans)
	if s.notes&noteMarker != 0 {
		part.Attachments = v.Attachments
	}
	return part
}

// Walker is told of a value part by part, by [Value.Walk]. Texts are UTF-8 and
// valid during the call alone; in them, half of a surrogate pair is U+FFFD.
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

// Walk tells w of the value and all that it holds, in the order of the text.
// It fails before the first call, or not at all.
func (v Value) Walk(w Walker) error {
	if len(v.JSON) == 0 {
		w.Null()
		return nil
	}
	s := newScanner(v.JSON, 0, DepthCeiling)
	if v.state&stateScanned == 0 || len(v.Attachments) > 0 {
		s.collect = len(v.Attachments) > 0
		if _, _, ok := s.document(); !ok {
			return s.err
		}
		if err := inRange(s.spans, v.Attachments); err != nil {
			return err
		}
	}
	walk := walker{to: w, spans: s.spans}
	walk.reader = reader{scanner: newScanner(v.JSON, 0, DepthCeiling), attachments: v.Attachments}
	walk.scanner.space()
	walk.value()
	return nil
}

// walker walks JSON that has been found valid.
type walker struct {
	reader
	to    Walker
	spans []span // the placeholders still to come
	text  []byte // a string without its escapes
}

func (w *walker) value() {
	s := &w.scanner
	switch c := s.data[s.pos]; c {
	case '"':
		w.to.Text(w.plain(w.raw()))
	case '[':
		w.array()
	case '{':
		w.object()
	case 't', 'f':
		w.raw()
		w.to.Bool(c == 't')
	case 'n':
		w.raw()
		w.to.Null()
	default:
		w.to.Number(w.raw())
	}
}

func (w *walker) array() {
	n := 0
	w.to.BeginArray()
	w.elements(func(int) error { n++; w.value(); return nil })
	w.to.EndArray(n)
}

func (w *walker) object() {
	if len(w.spans) > 0 && w.spans[0].start == w.scanner.pos {
		w.scanner.pos = w.spans[0].end
		w.to.Binary(w.attachments[w.spans[0].num])
		w.spans = w.spans[1:]
		return
	}
	n := 0
	w.to.BeginObject()
	w.members(func(key []byte) error {
		n++
		w.to.Key(w.plain(key))
		w.value()
		return nil
	})
	w.to.EndObject(n)
}

// plain returns what a string means; text has its quotes.
func (w *walker) plain(text []byte) []byte {
	text = text[1 : len(text)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	w.text = unquote(w.text[:0], text)
	return w.text
}

// AppendText appends a string as JSON, as the encoder writes it.
func AppendText(dst []byte, text string) []byte { return appendQuoted(dst, text) }
