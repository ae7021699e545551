package packet

import "bytes"

// Value is one argument as it came. The JSON and the attachments of a decoded
// Value are shared with everyone who holds it and must not be written to;
// to send something else, make a new Value.
//
// A Value made by hand is checked when it is encoded. The zero Value is null.
type Value struct {
	// JSON is strict JSON text. In a binary packet's value an attachment
	// stands as {"_placeholder":true,"num":N}.
	JSON []byte
	// Attachments are those of the whole packet, indexed by num; nil when the
	// value holds no placeholder of a binary packet.
	Attachments [][]byte

	// With stateOrdered, the placeholders are numbered first, first+1, ... in
	// the order of the text; count says how many there are.
	first, count int32
	state        state
}

// state is what a scan found out about a Value. Without stateScanned the
// others mean nothing.
type state uint8

const (
	stateScanned state = 1 << iota // the JSON is valid
	stateMarker                    // it holds an object whose "_placeholder" is true
	stateBig                       // it holds an integer beyond 2^53
	stateOrdered                   // see Value.first
)

// newValue makes the Value of a scanned argument. spans are its placeholders,
// if it belongs to a binary packet.
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

// UnmarshalJSON keeps a copy of the text, so that a Value can be part of what is
// decoded.
func (v *Value) UnmarshalJSON(text []byte) error {
	*v = Value{JSON: bytes.Clone(text)}
	return nil
}

// carrier is a Value, a Carrier, or a type that embeds one: it is written as that Value, and
// decoded into it, attachments included.
type carrier interface{ carried() Value }

func (v Value) carried() Value { return v }

// receiver is the pointer to a carrier.
type receiver interface{ carry(Value) }

func (v *Value) carry(x Value) { *v = x }

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return len(v.JSON) == 0 || string(v.JSON) == "null" }

// Text returns the value's text if the whole value is a JSON string. Half of a
// surrogate pair, which Go text cannot hold, becomes U+FFFD.
func (v Value) Text() (string, bool) {
	if len(v.JSON) == 0 || v.JSON[0] != '"' || !v.valid() {
		return "", false
	}
	// A hand-made value may have white space after the closing quote.
	return unquoted(v.JSON[:bytes.LastIndexByte(v.JSON, '"')+1]), true
}

// Bytes returns the attachment if the whole value is one. It is shared, as the
// Value is: whoever wants to write to it makes a copy, or uses Decode.
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
