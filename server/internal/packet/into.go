package packet

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// Decode stores the value where into points, as json.Unmarshal would, with
// these differences:
//
//   - An attachment goes into a []byte, or into an interface as a []byte. Each
//     is a copy that belongs to the caller. Where a string, a number and so on
//     is wanted, an attachment is a *json.UnmarshalTypeError.
//   - In an interface an integer beyond 2^53 becomes a json.Number, which keeps
//     its digits; every other number a float64.
//   - In a value with attachments or such integers decoding stops at the first
//     error; json.Unmarshal goes on past a wrong type.
//
// A type with its own UnmarshalJSON sees attachments as placeholders.
func (v Value) Decode(into any) error {
	rv := reflect.ValueOf(into)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(into)}
	}
	text := v.JSON
	if len(text) == 0 {
		text = []byte("null")
	}
	if v.state&stateScanned != 0 && v.state&stateBig == 0 && len(v.Attachments) == 0 {
		return json.Unmarshal(text, into)
	}
	s := newScanner(text, 0, DepthCeiling)
	s.collect = len(v.Attachments) > 0
	s.marks = make(map[int]int)
	start, _, ok := s.document()
	if !ok {
		return s.err
	}
	for _, sp := range s.spans {
		if sp.num < 0 || sp.num >= len(v.Attachments) {
			return errNoAttachment
		}
	}
	if len(s.marks) == 0 || len(s.spans) == 0 && !holdsInterface(rv.Type(), make(map[reflect.Type]bool)) {
		return json.Unmarshal(text, into)
	}
	r := reader{scanner: newScanner(text, 0, DepthCeiling), marks: s.marks, attachments: v.Attachments}
	r.scanner.pos = start
	return r.into(rv.Elem())
}

// holdsInterface reports whether a value of the type can hold an interface.
func holdsInterface(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsInterface(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsInterface(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// reader decodes valid JSON that holds something json.Unmarshal cannot give:
// attachments, or big integers in interfaces. It walks the arrays and objects
// on the way to these and leaves all the rest to json.Unmarshal.
type reader struct {
	scanner     scanner // its pos is where the next value begins
	marks       map[int]int
	attachments [][]byte
}

// raw steps over the value and returns its text.
func (r *reader) raw() []byte {
	start := r.scanner.pos
	r.scanner.value() // cannot fail: the text was scanned before
	return r.scanner.data[start:r.scanner.pos]
}

// into decodes the next value into rv, which is addressable.
func (r *reader) into(rv reflect.Value) error {
	mark, marked := r.marks[r.scanner.pos]
	target, opaque := indirect(rv, marked)
	if to, ok := target.Addr().Interface().(receiver); ok && marked {
		to.carry(Value{JSON: bytes.Clone(r.raw()), Attachments: r.attachments})
		return nil
	}
	if !marked || opaque {
		return json.Unmarshal(r.raw(), target.Addr().Interface())
	}
	if target.Kind() == reflect.Interface && target.NumMethod() == 0 {
		x, err := r.any()
		if err == nil {
			target.Set(reflect.ValueOf(x))
		}
		return err
	}
	switch {
	case mark >= 0:
		return r.attachment(target, mark)
	case mark == markHolder && r.scanner.at('{'):
		return r.object(target)
	case mark == markHolder:
		return r.array(target)
	}
	return json.Unmarshal(r.raw(), target.Addr().Interface())
}

// indirect follows pointers, making what they point to, up to something that
// is not one. opaque says that the type decodes itself. What is not marked is
// json.Unmarshal's, pointers included.
func indirect(rv reflect.Value, marked bool) (target reflect.Value, opaque bool) {
	for marked {
		if rv.Kind() == reflect.Interface && !rv.IsNil() {
			if e := rv.Elem(); e.Kind() == reflect.Pointer && !e.IsNil() && e.Elem() != rv {
				rv = e.Elem()
				continue
			}
		}
		switch rv.Addr().Interface().(type) {
		case json.Unmarshaler, encoding.TextUnmarshaler:
			return rv, true
		}
		if rv.Kind() != reflect.Pointer {
			break
		}
		if rv.IsNil() {
			rv.Set(reflect.New(rv.Type().Elem()))
		}
		rv = rv.Elem()
	}
	return rv, false
}

func (r *reader) attachment(target reflect.Value, num int) error {
	start := r.scanner.pos
	r.raw()
	if t := target.Type(); t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Uint8 {
		return &json.UnmarshalTypeError{Value: "binary attachment", Type: t, Offset: int64(start)}
	}
	target.SetBytes(r.copyOf(num))
	return nil
}

// copyOf never returns nil, which would mean null.
func (r *reader) copyOf(num int) []byte {
	return append([]byte{}, r.attachments[num]...)
}

// any decodes the next value for an interface.
func (r *reader) any() (any, error) {
	switch c := r.scanner.data[r.scanner.pos]; c {
	case '[':
		list := []any{}
		err := r.elements(func(int) error {
			x, err := r.any()
			list = append(list, x)
			return err
		})
		return list, err
	case '{':
		if num, marked := r.marks[r.scanner.pos]; marked && num >= 0 {
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
	_, big := r.marks[r.scanner.pos]
	text := string(r.raw())
	if big {
		return json.Number(text), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, &json.UnmarshalTypeError{Value: "number " + text, Type: reflect.TypeFor[float64](), Offset: int64(r.scanner.pos)}
	}
	return f, nil
}

// enter steps into an array or object, or over an empty one, and reports whether
// there is anything inside.
func (r *reader) enter(closing byte) bool {
	r.scanner.open()
	if r.scanner.at(closing) {
		r.scanner.close()
		return false
	}
	return true
}

// elements calls decode at each element of an array.
func (r *reader) elements(decode func(i int) error) error {
	another := r.enter(']')
	for i := 0; another; i++ {
		if err := decode(i); err != nil {
			return err
		}
		another, _ = r.scanner.more(']')
	}
	return nil
}

// members calls decode at each value of an object, with the key as it is
// written, quotes included.
func (r *reader) members(decode func(key []byte) error) error {
	another := r.enter('}')
	for another {
		key := r.raw()
		r.scanner.space()
		r.scanner.pos++ // the colon
		r.scanner.space()
		if err := decode(key); err != nil {
			return err
		}
		another, _ = r.scanner.more('}')
	}
	return nil
}

// unquoted returns what a string or key means; text has its quotes.
func unquoted(text []byte) string {
	text = text[1 : len(text)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text)
	}
	return string(unquote(make([]byte, 0, len(text)), text))
}

func (r *reader) array(target reflect.Value) error {
	switch target.Kind() {
	case reflect.Slice:
		target.SetZero() // its old array may be somebody else's
		return r.elements(func(i int) error {
			target.Grow(1)
			target.SetLen(i + 1)
			return r.into(target.Index(i))
		})
	case reflect.Array:
		target.SetZero()
		return r.elements(func(i int) error {
			if i < target.Len() {
				return r.into(target.Index(i))
			}
			r.raw()
			return nil
		})
	}
	return &json.UnmarshalTypeError{Value: "array", Type: target.Type(), Offset: int64(r.scanner.pos)}
}

func (r *reader) object(target reflect.Value) error {
	switch target.Kind() {
	case reflect.Map:
		return r.intoMap(target)
	case reflect.Struct:
		return r.intoStruct(target)
	}
	return &json.UnmarshalTypeError{Value: "object", Type: target.Type(), Offset: int64(r.scanner.pos)}
}

func (r *reader) intoMap(target reflect.Value) error {
	t := target.Type()
	if target.IsNil() {
		target.Set(reflect.MakeMap(t))
	}
	return r.members(func(key []byte) error {
		k, err := mapKey(t.Key(), key)
		if err != nil {
			return err
		}
		elem := reflect.New(t.Elem()).Elem()
		if err := r.into(elem); err != nil {
			return err
		}
		target.SetMapIndex(k, elem)
		return nil
	})
}

// mapKey has json.Unmarshal make the key, by way of a map with nothing else in
// it: it knows all that a key's type can be.
func mapKey(t reflect.Type, key []byte) (reflect.Value, error) {
	one := reflect.New(reflect.MapOf(t, reflect.TypeFor[struct{}]()))
	if err := json.Unmarshal(fmt.Appendf(nil, "{%s:{}}", key), one.Interface()); err != nil {
		return reflect.Value{}, err
	}
	keys := one.Elem().MapKeys()
	return keys[0], nil
}

func (r *reader) intoStruct(target reflect.Value) error {
	fields := jsonFields(target.Type())
	return r.members(func(key []byte) error {
		f := findField(fields, unquoted(key))
		if f == nil {
			r.raw()
			return nil
		}
		rv, err := f.settable(target)
		if err != nil {
			return err
		}
		if f.quoted {
			return r.quoted(rv)
		}
		return r.into(rv)
	})
}

// quoted decodes the value of a field with the option "string": JSON within a
// JSON string, or null.
func (r *reader) quoted(rv reflect.Value) error {
	text := r.raw()
	if text[0] == '"' {
		text = []byte(unquoted(text))
	} else if text[0] != 'n' {
		return &json.UnmarshalTypeError{Value: "unquoted value", Type: rv.Type(), Offset: int64(r.scanner.pos)}
	}
	return json.Unmarshal(text, rv.Addr().Interface())
}
