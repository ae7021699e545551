package packet

import (
	"bytes"
)

// Value is one argument as it came. The JSON and the attachments of a decoded Value are shared with
// everyone who holds it and must not be written to; to send something else, make a new Value.
//
// A Value made by hand is checked when it is encoded. The zero Value is null.
type Value struct {
	// JSON is strict JSON text. In a binary packet's value an attachment stands as
	// {"_placeholder":true,"num":N}.
	JSON []byte
	// Attachments are those of the whole packet, indexed by num; nil when the value holds no
	// placeholder of a binary packet.
	Attachments [][]byte

	// With stateOrdered, the placeholders are numbered first, first+1, ... in the order of the
	// text; count says how many there are.
	first, count int32
	state        state
}

// state is what a scan found out about a Value. Without stateScanned the others mean nothing.
type state uint8

const (
	stateScanned state = 1 << iota // the JSON is valid
	stateMarker                    // it may hold an object whose "_placeholder" is true
	stateBig                       // it may hold an integer beyond 2^53
	stateOrdered                   // see Value.first
)

// newValue makes the Value of a scanned argument. spans are its placeholders, if it belongs to a
// binary packet.
func newValue(json []byte, notes note, spans []span) Value {
	v := Value{JSON: json, state: stateScanned}
	if notes&noteBig != 0 {
		v.state |= stateBig
	}
	if notes&noteMarker == 0 {
		return v
	}
	v.state |= stateMarker
	for i, sp := range spans {
		if sp.num != spans[0].num+i {
			return v
		}
	}
	if len(spans) > 0 {
		v.first, v.count = int32(spans[0].num), int32(len(spans))
		v.state |= stateOrdered
	}
	return v
}

// UnmarshalJSON keeps a copy of the text, so that a Value can be part of what is decoded.
func (v *Value) UnmarshalJSON(text []byte) error {
	*v = Value{JSON: bytes.Clone(text)}
	return nil
}

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return len(v.JSON) == 0 || string(v.JSON) == "null" }

// Text returns the value's text if the whole value is a JSON string. Half of a surrogate pair,
// which Go text cannot hold, becomes U+FFFD.
func (v Value) Text() (string, bool) {
	if len(v.JSON) == 0 || v.JSON[0] != '"' || !v.valid() {
		return "", false
	}
	// A hand-made value may have white space after the closing quote.
	return unquoted(v.JSON[:bytes.LastIndexByte(v.JSON, '"')+1]), true
}

// Bytes returns the attachment if the whole value is one. It is shared, as the Value is: whoever
// wants to write to it makes a copy, or uses Decode.
func (v Value) Bytes() ([]byte, bool) {
	if len(v.Attachments) == 0 {
		return nil, false
	}
	s := newScanner(v.JSON, 0, DepthCeiling)
	s.collect = true
	start, end, ok := s.document()
	if !ok || len(s.spans) != 1 {
		return nil, false
	}
	sp := s.spans[0]
	if sp.start != start || sp.end != end || sp.num < 0 || sp.num >= len(v.Attachments) {
		return nil, false
	}
	return v.Attachments[sp.num], true
}

// valid reports whether the JSON is, scanning it if nobody has.
func (v Value) valid() bool {
	if v.state&stateScanned != 0 {
		return true
	}
	s := newScanner(v.JSON, 0, DepthCeiling)
	_, _, ok := s.document()
	return ok
}

// scan finds the placeholders that stand for the Value's attachments, all of which there have to
// be. The JSON has been found valid then.
func (v Value) scan() (spans []span, big bool, err error) {
	if v.state&stateScanned != 0 && len(v.Attachments) == 0 {
		return nil, v.state&stateBig != 0, nil
	}
	s := newScanner(v.JSON, 0, DepthCeiling)
	s.collect = len(v.Attachments) > 0
	if _, _, ok := s.document(); !ok {
		return nil, false, s.err
	}
	return s.spans, s.notes&noteBig != 0, inRange(s.spans, v.Attachments)
}

// Splice appends the JSON to dst with what binary appends in the place of each attachment.
func (v Value) Splice(dst []byte, binary func(dst, data []byte) []byte) ([]byte, error) {
	return v.splice(dst, 0, binary)
}

func (v Value) splice(dst []byte, depth int, binary func(dst, data []byte) []byte) ([]byte, error) {
	if len(v.JSON) == 0 {
		return append(dst, "null"...), nil
	}
	s := newScanner(v.JSON, depth, DepthCeiling)
	s.collect = len(v.Attachments) > 0
	from, end, ok := s.document()
	if !ok {
		return dst, s.err
	}
	if err := inRange(s.spans, v.Attachments); err != nil {
		return dst, err
	}
	for _, sp := range s.spans {
		dst = append(dst, v.JSON[from:sp.start]...)
		dst = binary(dst, v.Attachments[sp.num])
		from = sp.end
	}
	return append(dst, v.JSON[from:end]...), nil
}

// inRange checks that each placeholder is one of these attachments.
func inRange(spans []span, attachments [][]byte) error {
	for _, sp := range spans {
		if sp.num < 0 || sp.num >= len(attachments) {
			return malformed("placeholder of no attachment")
		}
	}
	return nil
}
