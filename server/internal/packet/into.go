package packet

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// Decode stores the value where into points to, as json.Unmarshal would, with these differences:
//
//   - An attachment goes into a []byte, or into an interface as a []byte. Each
//     is a copy that belongs to the caller. Where a string, a number and so on
//     is wanted, an attachment is a *json.UnmarshalTypeError.
//   - In an interface an integer beyond 2^53 becomes a json.Number, which keeps
//     its digits; every other number a float64.
//   - In a value with attachments decoding stops at the first error;
//     json.Unmarshal goes on past a wrong type.
//   - A list is decoded into memory of its own, never into that of a list before it.
//
// A type with its own UnmarshalJSON sees attachments as placeholders.
func (v Value) Decode(into any) error {
	rv := reflect.ValueOf(into)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(into)}
	}
	if len(v.JSON) == 0 {
		v = Value{JSON: []byte("null"), state: stateScanned}
	}
	spans, big, err := v.scan()
	if err != nil {
		return err
	}
	r := reader{scanner: newScanner(v.JSON, 0, DepthCeiling), pending: spans, attachments: v.Attachments, alone: big || len(spans) > 0}
	r.trusted = true
	r.space()
	err = r.into(planOf(rv.Type().Elem()), rv.Elem())
	if err != nil && len(spans) == 0 {
		// What is wrong json.Unmarshal says better; or it is only out of the ordinary.
		if jsons := json.Unmarshal(v.JSON, into); jsons != nil || !r.alone {
			return jsons
		}
	}
	return err
}

// into decodes the next value into rv, which is addressable.
func (r *reader) into(p *plan, rv reflect.Value) error {
	c := r.data[r.pos]
	switch {
	case p.carries:
		rv.Addr().Interface().(receiver).carry(r.carried())
		return nil
	case p.foreign:
		return r.foreign(rv)
	case p.kind == reflect.Pointer:
		return r.pointer(p, rv)
	case p.kind == reflect.Interface:
		return r.iface(rv)
	case c == 'n':
		r.raw()
		if p.kind == reflect.Map || p.kind == reflect.Slice {
			rv.SetZero()
		}
		return nil
	case c == '"':
		return r.text(p, rv)
	case c == '[':
		return r.array(p, rv)
	case c == '{':
		return r.object(p, rv)
	case c == 't' || c == 'f':
		if p.kind != reflect.Bool {
			return r.wrong("bool", rv)
		}
		r.raw()
		rv.SetBool(c == 't')
		return nil
	}
	return r.numeric(p, rv)
}

// wrong is the error for a value that does not fit into rv.
func (r *reader) wrong(value string, rv reflect.Value) error {
	return &json.UnmarshalTypeError{Value: value, Type: rv.Type(), Offset: int64(r.pos)}
}

func (r *reader) foreign(rv reflect.Value) error {
	return json.Unmarshal(r.raw(), rv.Addr().Interface())
}

func (r *reader) pointer(p *plan, rv reflect.Value) error {
	if r.at('n') {
		r.raw()
		rv.SetZero()
		return nil
	}
	if rv.IsNil() {
		rv.Set(reflect.New(rv.Type().Elem()))
	}
	return r.into(p.elem, rv.Elem())
}

// iface decodes into what an interface's pointer points to, or sets the interface.
func (r *reader) iface(rv reflect.Value) error {
	if e := rv.Elem(); e.Kind() == reflect.Pointer && !e.IsNil() && e.Elem() != rv &&
		(!r.at('n') || e.Elem().Kind() == reflect.Pointer) {
		return r.into(planOf(e.Type().Elem()), e.Elem())
	}
	if rv.NumMethod() > 0 {
		if _, ok := r.placeholder(); ok {
			return r.wrong("binary attachment", rv)
		}
		return r.foreign(rv)
	}
	x, err := r.any()
	if err != nil {
		return err
	}
	if x == nil {
		rv.SetZero()
		return nil
	}
	rv.Set(reflect.ValueOf(x))
	return nil
}

func (r *reader) text(p *plan, rv reflect.Value) error {
	switch {
	case p.kind == reflect.String:
		rv.SetString(unquoted(r.raw()))
		return nil
	case p.kind == reflect.Slice: // base64
		return r.foreign(rv)
	}
	return r.wrong("string", rv)
}

func (r *reader) numeric(p *plan, rv reflect.Value) error {
	text := string(r.raw())
	switch p.kind {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && !rv.OverflowInt(n) {
			rv.SetInt(n)
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n, err := strconv.ParseUint(text, 10, 64); err == nil && !rv.OverflowUint(n) {
			rv.SetUint(n)
			return nil
		}
	case reflect.Float32, reflect.Float64:
		if f, err := strconv.ParseFloat(text, rv.Type().Bits()); err == nil {
			rv.SetFloat(f)
			return nil
		}
	}
	return r.wrong("number "+text, rv)
}

func (r *reader) array(p *plan, rv reflect.Value) error {
	switch p.kind {
	case reflect.Slice:
		rv.Set(reflect.MakeSlice(rv.Type(), 0, 0)) // its old array may be somebody else's
		return r.elements(func(i int) error {
			rv.Grow(1)
			rv.SetLen(i + 1)
			return r.into(p.elem, rv.Index(i))
		})
	case reflect.Array:
		rv.SetZero()
		return r.elements(func(i int) error {
			if i < rv.Len() {
				return r.into(p.elem, rv.Index(i))
			}
			r.raw()
			return nil
		})
	}
	return r.wrong("array", rv)
}

func (r *reader) object(p *plan, rv reflect.Value) error {
	if num, ok := r.placeholder(); ok {
		if p.kind != reflect.Slice || p.elem.kind != reflect.Uint8 {
			return r.wrong("binary attachment", rv)
		}
		r.raw()
		rv.SetBytes(r.copyOf(num))
		return nil
	}
	switch p.kind {
	case reflect.Map:
		return r.intoMap(p, rv)
	case reflect.Struct:
		return r.intoStruct(p, rv)
	}
	return r.wrong("object", rv)
}

func (r *reader) intoMap(p *plan, rv reflect.Value) error {
	t := rv.Type()
	if rv.IsNil() {
		rv.Set(reflect.MakeMap(t))
	}
	elem := reflect.New(t.Elem()).Elem()
	return r.members(func(key []byte) error {
		k, err := mapKey(p, t.Key(), key)
		if err != nil {
			return err
		}
		elem.SetZero()
		if err := r.into(p.elem, elem); err != nil {
			return err
		}
		rv.SetMapIndex(k, elem)
		return nil
	})
}

// mapKey makes the key of a map of plan p. If it is more than a string json.Unmarshal does, by way
// of a map with nothing else in it: it knows all that a key's type can be.
func mapKey(p *plan, t reflect.Type, key []byte) (reflect.Value, error) {
	if p.textKey {
		return reflect.ValueOf(unquoted(key)).Convert(t), nil
	}
	one := reflect.New(reflect.MapOf(t, reflect.TypeFor[struct{}]()))
	if err := json.Unmarshal(fmt.Appendf(nil, "{%s:{}}", key), one.Interface()); err != nil {
		return reflect.Value{}, err
	}
	keys := one.Elem().MapKeys()
	return keys[0], nil
}

func (r *reader) intoStruct(p *plan, rv reflect.Value) error {
	next := 0
	return r.members(func(key []byte) error {
		name := key[1 : len(key)-1]
		if r.escaped {
			name = unquote(nil, name)
		}
		f, i := p.field(name, next)
		if f == nil {
			r.raw()
			return nil
		}
		next = i + 1
		fv, err := f.settable(rv)
		if err != nil {
			return err
		}
		if f.quoted {
			return r.quoted(fv)
		}
		return r.into(f.plan, fv)
	})
}

// quoted decodes the value of a field with the option "string": JSON within a JSON string, or null.
func (r *reader) quoted(rv reflect.Value) error {
	text := r.raw()
	if !r.alone {
		return r.wrong("quoted value", rv) // json.Unmarshal is to decode the whole
	}
	if text[0] == '"' {
		text = []byte(unquoted(text))
	} else if text[0] != 'n' {
		return r.wrong("unquoted value", rv)
	}
	return json.Unmarshal(text, rv.Addr().Interface())
}
