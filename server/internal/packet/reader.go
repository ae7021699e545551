package packet

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// reader decodes valid JSON. Types that decode themselves, and what is rare, it leaves to
// json.Unmarshal. Its pos is where the next value begins.
type reader struct {
	scanner
	pending     []span // the placeholders still to come
	attachments [][]byte
	alone       bool // json.Unmarshal cannot decode the whole
}

// carried takes the next value as it is.
func (r *reader) carried() Value {
	r.notes, r.collect, r.spans = 0, len(r.attachments) > 0, nil
	text := r.raw()
	v := newValue(append(make([]byte, 0, len(text)), text...), r.notes, r.spans)
	r.collect = false
	if r.notes&noteMarker != 0 {
		v.Attachments = r.attachments
	}
	return v
}

// placeholder returns the attachment's number if the next value stands for one.
func (r *reader) placeholder() (num int, ok bool) {
	for len(r.pending) > 0 && r.pending[0].start < r.pos {
		r.pending = r.pending[1:] // stepped over
	}
	if len(r.pending) == 0 || r.pending[0].start != r.pos {
		return 0, false
	}
	return r.pending[0].num, true
}

// copyOf never returns nil, which would mean null.
func (r *reader) copyOf(num int) []byte {
	return append([]byte{}, r.attachments[num]...)
}

// any decodes the next value for an interface.
func (r *reader) any() (any, error) {
	switch c := r.data[r.pos]; c {
	case '[':
		list := []any{}
		err := r.elements(func(int) error {
			x, err := r.any()
			list = append(list, x)
			return err
		})
		return list, err
	case '{':
		if num, ok := r.placeholder(); ok {
			r.raw()
			return r.copyOf(num), nil
		}
		object := map[string]any{}
		err := r.members(func(key []byte) error {
			x, err := r.any()
			object[unquoted(key)] = x
			return err
		})
		return object, err
	case '"':
		return unquoted(r.raw()), nil
	case 't', 'f':
		return len(r.raw()) == len("true"), nil
	case 'n':
		r.raw()
		return nil, nil
	}
	r.notes = 0
	text := string(r.raw())
	if r.notes&noteBig != 0 {
		return json.Number(text), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, &json.UnmarshalTypeError{Value: "number " + text, Type: reflect.TypeFor[float64](), Offset: int64(r.pos)}
	}
	return f, nil
}
