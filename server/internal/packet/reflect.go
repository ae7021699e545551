package packet

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
)

// float writes a number as JavaScript would; what JSON does not have is null.
func (e *encoder) float(f float64, bits int) {
	abs := math.Abs(f)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.null()
		return
	}
	small, large := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs == 0 || !small && !large {
		e.dst = strconv.AppendFloat(e.dst, f, 'f', -1, bits)
		return
	}
	e.dst = strconv.AppendFloat(e.dst, f, 'e', -1, bits)
	// Go writes e-07 where JavaScript writes e-7.
	if n := len(e.dst); e.dst[n-4] == 'e' && e.dst[n-3] == '-' && e.dst[n-2] == '0' {
		e.dst = append(e.dst[:n-2], e.dst[n-1])
	}
}

func (e *encoder) list(list []any) error {
	if list == nil {
		e.null()
		return nil
	}
	return e.elements(len(list), func(i int) error { return e.any(list[i]) })
}

func (e *encoder) elements(n int, element func(i int) error) error {
	if err := e.enter(); err != nil {
		return err
	}
	e.dst = append(e.dst, '[')
	for i := range n {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		if err := element(i); err != nil {
			return err
		}
	}
	e.dst = append(e.dst, ']')
	e.depth--
	return nil
}

func (e *encoder) stringMap(m map[string]any) error {
	if m == nil {
		e.null()
		return nil
	}
	o, err := e.object()
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		o.key(key)
		if err := e.any(m[key]); err != nil {
			return err
		}
	}
	o.end()
	return nil
}

// reflected writes a value of any type.
func (e *encoder) reflected(v any) error { return e.reflect(reflect.ValueOf(v)) }

func (e *encoder) reflect(v reflect.Value) error {
	if done, err := e.custom(v); done {
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		e.dst = strconv.AppendBool(e.dst, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.dst = strconv.AppendInt(e.dst, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.dst = strconv.AppendUint(e.dst, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		e.float(v.Float(), v.Type().Bits())
	case reflect.String:
		e.dst = appendQuoted(e.dst, v.String())
	case reflect.Interface:
		if v.IsNil() {
			e.null()
			return nil
		}
		return e.any(v.Elem().Interface())
	case reflect.Pointer:
		return e.pointer(v)
	case reflect.Slice, reflect.Array:
		return e.sequence(v)
	case reflect.Map:
		return e.reflectMap(v)
	case reflect.Struct:
		return e.structure(v)
	default:
		return &json.UnsupportedTypeError{Type: v.Type()}
	}
	return nil
}

// custom writes values whose type says how: Value, json.Number and those that
// marshal themselves. done is false for all others.
func (e *encoder) custom(v reflect.Value) (done bool, err error) {
	k := v.Kind()
	if k == reflect.Invalid || k == reflect.Interface || k == reflect.Pointer && v.IsNil() || !v.CanInterface() {
		return false, nil
	}
	x := v.Interface()
	switch x := x.(type) {
	case carrier:
		return true, e.value(x.carried())
	case json.Number:
		return true, e.number(x)
	}
	if v.CanAddr() && k != reflect.Pointer {
		x = v.Addr().Interface()
	}
	switch x := x.(type) {
	case json.Marshaler:
		text, err := x.MarshalJSON()
		if err != nil {
			return true, err
		}
		return true, e.raw(text)
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		e.dst = appendQuoted(e.dst, string(text))
		return true, err
	}
	return false, nil
}

// number writes a json.Number, the empty one as 0 as encoding/json does.
func (e *encoder) number(n json.Number) error {
	if n == "" {
		n = "0"
	}
	s := newScanner([]byte(n), 0, 0)
	if !s.number() || s.pos != len(n) {
		return fmt.Errorf("%w: not a number", errRawJSON)
	}
	e.dst = append(e.dst, n...)
	return nil
}

func (e *encoder) pointer(v reflect.Value) error {
	if v.IsNil() {
		e.null()
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	err := e.reflect(v.Elem())
	e.depth--
	return err
}

func (e *encoder) sequence(v reflect.Value) error {
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			e.null()
			return nil
		}
		if isBytes(v.Type()) {
			e.attach(v.Bytes())
			return nil
		}
	}
	return e.elements(v.Len(), func(i int) error { return e.reflect(v.Index(i)) })
}

// isBytes reports whether a slice type is one of plain bytes.
func isBytes(t reflect.Type) bool {
	p := reflect.PointerTo(t.Elem())
	return t.Elem().Kind() == reflect.Uint8 &&
		!p.Implements(reflect.TypeFor[json.Marshaler]()) && !p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

func (e *encoder) reflectMap(v reflect.Value) error {
	if v.IsNil() {
		e.null()
		return nil
	}
	o, err := e.object()
	if err != nil {
		return err
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, err := keyOf(it.Key())
		if err != nil {
			return err
		}
		entries = append(entries, entry{key, it.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	for _, en := range entries {
		o.key(en.key)
		if err := e.reflect(en.value); err != nil {
			return err
		}
	}
	o.end()
	return nil
}

// keyOf returns a map key's text.
func keyOf(k reflect.Value) (string, error) {
	if k.Kind() == reflect.String {
		return k.String(), nil
	}
	if tm, ok := k.Interface().(encoding.TextMarshaler); ok {
		if k.Kind() == reflect.Pointer && k.IsNil() {
			return "", nil
		}
		text, err := tm.MarshalText()
		return string(text), err
	}
	switch {
	case k.CanInt():
		return strconv.FormatInt(k.Int(), 10), nil
	case k.CanUint():
		return strconv.FormatUint(k.Uint(), 10), nil
	}
	return "", &json.UnsupportedTypeError{Type: k.Type()}
}

func (e *encoder) structure(v reflect.Value) error {
	o, err := e.object()
	if err != nil {
		return err
	}
	for _, f := range jsonFields(v.Type()) {
		fv, ok := f.of(v)
		if !ok || f.omitEmpty && isEmpty(fv) || f.omitZero && isZero(fv) {
			continue
		}
		o.key(f.name)
		start := len(e.dst)
		if err := e.reflect(fv); err != nil {
			return err
		}
		if f.quoted && string(e.dst[start:]) != "null" {
			e.dst = appendQuoted(e.dst[:start], string(e.dst[start:]))
		}
	}
	o.end()
	return nil
}

// isEmpty is encoding/json's meaning of omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// isZero is encoding/json's meaning of omitzero.
func isZero(v reflect.Value) bool {
	nilPointer := v.Kind() == reflect.Pointer && v.IsNil()
	if nilPointer || v.Kind() == reflect.Interface || !v.CanInterface() {
		return v.IsZero()
	}
	x := v.Interface()
	if v.CanAddr() && v.Kind() != reflect.Pointer {
		x = v.Addr().Interface()
	}
	if z, ok := x.(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return v.IsZero()
}
