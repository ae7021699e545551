package packet

import "slices"

// NewValue writes a Go value down as an argument, as [AppendEvent] would. What happens to the Go
// value afterwards does not show in it.
func NewValue(v any) (Value, error) {
	if val, ok := v.(Value); ok {
		return val, nil
	}
	e := encoder{dst: make([]byte, 0, 64), depth: 1} // where arguments stand
	if err := e.twice(func() error { return e.any(v) }); err != nil {
		return Value{}, err
	}
	for i, data := range e.attachments {
		e.attachments[i] = slices.Clone(data)
	}
	return e.written(), nil
}

// written is what the encoder has written, as a Value: nobody need scan it again.
func (e *encoder) written() Value {
	v := Value{JSON: e.dst, Attachments: e.attachments, state: stateScanned | stateBig}
	if n := len(e.attachments); n > 0 {
		v.count = int32(n)
		v.state |= stateMarker | stateOrdered
	} else if e.lookalike {
		v.state |= stateMarker
	}
	return v
}

// AppendJSON appends a Go value as the arguments of an event are written, and returns the
// attachments that stand in it. After an error dst is returned as it was given.
func AppendJSON(dst []byte, v any) ([]byte, [][]byte, error) {
	e := encoder{dst: dst}
	err := e.twice(func() error { return e.any(v) })
	return e.dst, e.attachments, err
}

// TextValue is a string as an argument.
func TextValue(text string) Value {
	return Value{JSON: AppendText(make([]byte, 0, len(text)+2), text), state: stateScanned}
}

// BytesValue is one attachment as an argument. It keeps data.
func BytesValue(data []byte) Value {
	if data == nil {
		data = []byte{} // nil would be null
	}
	var e encoder
	e.attach(data)
	return e.written()
}
