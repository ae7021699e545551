package packet

import "slices"

// NewValue writes a Go value down as an argument, as [AppendEvent] would. What
// happens to the Go value afterwards does not show in it.
func NewValue(v any) (Value, error) {
	if val, ok := v.(Value); ok {
		return val, nil
	}
	e := encoder{typ: Event}
	if err := e.any(v); err != nil {
		return Value{}, err
	}
	if e.lookalike && len(e.attachments) > 0 { // as in encode
		e = encoder{typ: Event, binary: true}
		if err := e.any(v); err != nil {
			return Value{}, err
		}
	}
	for i, data := range e.attachments {
		e.attachments[i] = slices.Clone(data)
	}
	return Value{JSON: e.dst, Attachments: e.attachments}, nil
}

// TextValue is a string as an argument.
func TextValue(text string) Value {
	return Value{JSON: appendQuoted(nil, text), state: stateScanned}
}

// BytesValue is one attachment as an argument. It keeps data.
func BytesValue(data []byte) Value {
	if data == nil {
		data = []byte{} // nil would be null
	}
	e := encoder{typ: Event}
	e.attach(data)
	return Value{JSON: e.dst, Attachments: [][]byte{data}, count: 1, state: stateScanned | stateMarker | stateOrdered}
}
