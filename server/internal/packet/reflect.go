package packet

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// any writes a value of the types that arguments mostly have, without reflection.
func (e *encoder) any(v any) error {
	switch v := v.(type) {
	case nil:
		e.null()
	case Value:
		return e.value(v)
	case json.RawMessage:
		if v == nil {
			e.null()
			return nil
		}
		return e.raw(v)
	case []byte:
		e.attach(v)
	case string:
		e.dst = AppendText(e.dst, v)
	case bool:
		e.dst = strconv.AppendBool(e.dst, v)
	case int:
		e.dst = strconv.AppendInt(e.dst, int64(v), 10)
	case int64:
		e.dst = strconv.AppendInt(e.dst, v, 10)
	case uint64:
		e.dst = strconv.AppendUint(e.dst, v, 10)
	case float64:
		e.float(v, 64)
	case map[string]any:
		return e.stringMap(v)
	case []any:
		return e.list(v)
	default:
		return e.reflect(planOf(reflect.TypeOf(v)), reflect.ValueOf(v))
	}
	return nil
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

// reflect writes a value of any type, of which p is the plan.
func (e *encoder) reflect(p *plan, v reflect.Value) error {
	how := p.writes
	if v.CanAddr() {
		how = p.writesAddr
	}
	if how != writesNot && v.CanInterface() && !(p.kind == reflect.Pointer && v.IsNil()) {
		return e.custom(p, how, v)
	}
	switch p.kind {
	case reflect.Bool:
		e.dst = strconv.AppendBool(e.dst, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.dst = strconv.AppendInt(e.dst, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.dst = strconv.AppendUint(e.dst, v.Uint(), 10)
	case reflect.Float32:
		e.float(v.Float(), 32)
	case reflect.Float64:
		e.float(v.Float(), 64)
	case reflect.String:
		e.text(v.String())
	case reflect.Interface:
		return e.any(v.Interface())
	case reflect.Pointer:
		return e.pointer(p, v)
	case reflect.Slice, reflect.Array:
		return e.sequence(p, v)
	case reflect.Map:
		return e.reflectMap(p, v)
	case reflect.Struct:
		return e.structure(p, v)
	default:
		return &json.UnsupportedTypeError{Type: v.Type()}
	}
	return nil
}

// custom writes a value whose type says how.
func (e *encoder) custom(p *plan, how writes, v reflect.Value) error {
	switch how {
	case writesCarrier:
		return e.value(v.Interface().(carrier).carried())
	case writesNumber:
		return e.number(v.String())
	}
	if v.CanAddr() && p.kind != reflect.Pointer {
		v = v.Addr()
	}
	if how == writesJSON {
		text, err := v.Interface().(json.Marshaler).MarshalJSON()
		if err != nil {
			return err
		}
		return e.raw(text)
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	e.text(string(text))
	return err
}

// number writes a json.Number, the empty one as 0 as encoding/json does.
func (e *encoder) number(n string) error {
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

func (e *encoder) pointer(p *plan, v reflect.Value) error {
	if v.IsNil() {
		e.null()
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	err := e.reflect(p.elem, v.Elem())
	e.depth--
	return err
}

func (e *encoder) sequence(p *plan, v reflect.Value) error {
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			e.null()
			return nil
		}
		if p.bytes {
			e.attach(v.Bytes())
			return nil
		}
	}
	return e.elements(v.Len(), func(i int) error { return e.reflect(p.elem, v.Index(i)) })
}

func (e *encoder) reflectMap(p *plan, v reflect.Value) error {
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
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	for _, en := range entries {
		o.key(en.key)
		if err := e.reflect(p.elem, en.value); err != nil {
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

func (e *encoder) structure(p *plan, v reflect.Value) error {
	o, err := e.object()
	if err != nil {
		return err
	}
	for i := range p.fields {
		f := &p.fields[i]
		fv, ok := f.of(v)
		if !ok || f.omitEmpty && isEmpty(fv) || f.omitZero && isZero(fv) {
			continue
		}
		o.field(f)
		start := len(e.dst)
		if err := e.reflect(f.plan, fv); err != nil {
			return err
		}
		if f.quoted && string(e.dst[start:]) != "null" {
			e.dst = AppendText(e.dst[:start], string(e.dst[start:]))
		}
	}
	o.end()
	return nil
}
