package flasksession

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"hipflask/server/internal/packet"
)

// maxWriteDepth bounds the levels of JSON, tags among them. Flask runs out of Python's stack at
// some 300.
const maxWriteDepth = 100

var errDepth = fmt.Errorf("nested deeper than %d, or cyclic", maxWriteDepth)

// encodeTagged writes Flask's tagged JSON.
func encodeTagged(o *object) ([]byte, error) {
	var e encoder
	if err := e.value(o); err != nil {
		return nil, fmt.Errorf("flasksession: %w", err)
	}
	return e.dst, nil
}

type encoder struct {
	dst   []byte
	depth int
}

// within writes brackets around what inside writes.
func (e *encoder) within(brackets string, inside func() error) error {
	if e.depth == maxWriteDepth {
		return errDepth
	}
	e.depth++
	e.dst = append(e.dst, brackets[0])
	err := inside()
	e.dst = append(e.dst, brackets[1])
	e.depth--
	return err
}

func (e *encoder) tagged(tag string, inside func() error) error {
	return e.within("{}", func() error {
		e.key(tag)
		return inside()
	})
}

func (e *encoder) taggedText(tag, text string) error {
	return e.tagged(tag, func() error { e.text(text); return nil })
}

func (e *encoder) text(text string) { e.dst = packet.AppendText(e.dst, text) }
func (e *encoder) key(name string)  { e.text(name); e.dst = append(e.dst, ':') }

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.dst = append(e.dst, "null"...)
	case *object:
		return e.dict(v.keys, func(key string) any { return v.values[key] })
	case list:
		return e.list(len(v), func(i int) any { return v[i] })
	case tuple:
		return e.tuple(v)
	case Tuple:
		return e.tuple(v)
	case []byte:
		return e.bytes(v)
	case Markup:
		return e.taggedText(tagMarkup, string(v))
	case UUID:
		return e.taggedText(tagUUID, hex.EncodeToString(v[:]))
	case time.Time:
		return e.date(v)
	case *big.Int:
		return e.integer(v)
	case big.Int:
		return e.integer(&v)
	default:
		return e.reflected(reflect.ValueOf(v))
	}
	return nil
}

func (e *encoder) dict(keys []string, at func(string) any) error {
	members := func(suffix string) error {
		return e.within("{}", func() error {
			for i, key := range keys {
				if i > 0 {
					e.dst = append(e.dst, ',')
				}
				e.key(key + suffix)
				if err := e.value(at(key)); err != nil {
					return fmt.Errorf("%q: %w", key, err)
				}
			}
			return nil
		})
	}
	if len(keys) == 1 && isTag(keys[0]) { // it would be taken for a tag
		return e.tagged(tagDict, func() error { return members(dictSuffix) })
	}
	return members("")
}

func (e *encoder) list(n int, at func(int) any) error {
	return e.within("[]", func() error {
		for i := range n {
			if i > 0 {
				e.dst = append(e.dst, ',')
			}
			if err := e.value(at(i)); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	})
}

func (e *encoder) tuple(v []any) error {
	return e.tagged(tagTuple, func() error { return e.list(len(v), func(i int) any { return v[i] }) })
}

func (e *encoder) bytes(v []byte) error {
	return e.taggedText(tagBytes, base64.StdEncoding.EncodeToString(v))
}

// date writes what Python reads as the same date: it takes years before 100 for others.
func (e *encoder) date(v time.Time) error {
	v = v.UTC()
	if v.Year() < 100 || v.Year() > 9999 {
		return errors.New("a date has a year from 100 to 9999")
	}
	return e.taggedText(tagDate, v.Format(http.TimeFormat))
}

func (e *encoder) integer(v *big.Int) error {
	if v == nil {
		e.dst = append(e.dst, "null"...)
		return nil
	}
	start := len(e.dst)
	e.dst = v.Append(e.dst, 10)
	if len(e.dst)-start > maxDigits {
		return errDigits
	}
	return nil
}

// float writes a number with a point or an exponent, which alone make it a float in Python.
func (e *encoder) float(v float64, bits int) {
	switch {
	case math.IsNaN(v):
		e.dst = append(e.dst, "NaN"...)
	case math.IsInf(v, 1):
		e.dst = append(e.dst, "Infinity"...)
	case math.IsInf(v, -1):
		e.dst = append(e.dst, "-Infinity"...)
	default:
		start := len(e.dst)
		e.dst = strconv.AppendFloat(e.dst, v, 'g', -1, bits)
		if !slices.ContainsFunc(e.dst[start:], func(c byte) bool { return c == '.' || c == 'e' }) {
			e.dst = append(e.dst, ".0"...)
		}
	}
}

// reflected writes what has no case of its own in value.
func (e *encoder) reflected(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		e.dst = strconv.AppendBool(e.dst, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.dst = strconv.AppendInt(e.dst, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.dst = strconv.AppendUint(e.dst, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		e.float(v.Float(), v.Type().Bits())
	case reflect.String:
		e.text(v.String())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return e.bytes(v.Bytes())
		}
		return e.list(v.Len(), func(i int) any { return v.Index(i).Interface() })
	case reflect.Map:
		return e.reflectedMap(v)
	case reflect.Pointer:
		return e.pointer(v)
	default:
		return fmt.Errorf("a value of type %v has no form in Flask's session", v.Type())
	}
	return nil
}

// reflectedMap writes the keys in order, as Flask does.
func (e *encoder) reflectedMap(v reflect.Value) error {
	if v.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("a map of type %v has keys that are no text", v.Type())
	}
	values := make(map[string]any, v.Len())
	for key, value := range v.Seq2() {
		values[key.String()] = value.Interface()
	}
	return e.dict(slices.Sorted(maps.Keys(values)), func(key string) any { return values[key] })
}

func (e *encoder) pointer(v reflect.Value) error {
	if v.IsNil() {
		e.dst = append(e.dst, "null"...)
		return nil
	}
	if e.depth == maxWriteDepth { // a pointer to itself has no end
		return errDepth
	}
	e.depth++
	err := e.value(v.Elem().Interface())
	e.depth--
	return err
}
