package packet

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// field is a struct's field as JSON sees it.
type field struct {
	name      string
	index     []int
	tagged    bool // the name comes from a tag
	omitEmpty bool
	omitZero  bool
	quoted    bool // the option "string", on a type that has it
}

// jsonFields lists the fields that encoding/json would encode, in its order: those of embedded
// structs are taken in, and where a name comes up more than once the shallowest wins, then the one
// with a tag, and otherwise none.
func jsonFields(t reflect.Type) []field {
	type embedded struct {
		typ   reflect.Type
		index []int
	}
	var all []field
	seen := map[reflect.Type]bool{}
	for level := []embedded{{typ: t}}; len(level) > 0; {
		var next []embedded
		for _, s := range level {
			for i := range s.typ.NumField() {
				sf := s.typ.Field(i)
				f, inner := newField(sf, append(slices.Clip(s.index), i))
				if inner != nil && !seen[inner] {
					next = append(next, embedded{inner, f.index})
				} else if f.name != "" {
					all = append(all, f)
				}
			}
		}
		// A struct embedded twice on one level is read twice, so that its fields cancel each other
		// out.
		for _, s := range level {
			seen[s.typ] = true
		}
		level = slices.DeleteFunc(next, func(s embedded) bool { return seen[s.typ] })
	}
	return dominant(all)
}

// newField reads a field's tag. The name is empty if JSON does not see the field; inner is set if
// it is an embedded struct whose fields count as the outer's.
func newField(sf reflect.StructField, index []int) (f field, inner reflect.Type) {
	f.index = index
	tag := sf.Tag.Get("json")
	direct := sf.Type
	if direct.Kind() == reflect.Pointer && direct.Name() == "" {
		direct = direct.Elem()
	}
	isStruct := direct.Kind() == reflect.Struct
	if tag == "-" || !sf.IsExported() && !(sf.Anonymous && isStruct) {
		return f, nil
	}
	name, options, _ := strings.Cut(tag, ",")
	if validName(name) {
		f.name, f.tagged = name, true
	}
	if sf.Anonymous && isStruct && !f.tagged {
		return f, direct
	}
	if !f.tagged {
		f.name = sf.Name
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = true
		case "string":
			f.quoted = scalar(direct.Kind())
		}
	}
	return f, nil
}

// validName reports whether a tag's name is one that encoding/json takes.
func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// scalar reports whether the option "string" applies to the kind.
func scalar(k reflect.Kind) bool {
	return k == reflect.String || k >= reflect.Bool && k <= reflect.Float64
}

// dominant leaves one field a name, or none, and sorts by position.
func dominant(all []field) []field {
	slices.SortFunc(all, func(a, b field) int {
		return cmp.Or(cmp.Compare(a.name, b.name), a.rank(b), slices.Compare(a.index, b.index))
	})
	var out []field
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && all[end].name == all[i].name {
			end++
		}
		if end == i+1 || all[i].rank(all[i+1]) != 0 {
			out = append(out, all[i])
		}
		i = end
	}
	slices.SortFunc(out, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return out
}

// rank is negative if f comes before g of the same name.
func (f field) rank(g field) int {
	if d := cmp.Compare(len(f.index), len(g.index)); d != 0 || f.tagged == g.tagged {
		return d
	}
	if f.tagged {
		return -1
	}
	return 1
}

// of returns the field's value; ok is false if it lies behind a nil pointer.
func (f *field) of(v reflect.Value) (fv reflect.Value, ok bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// settable returns the field's value after having made what embedded pointers on the way point to.
func (f *field) settable(v reflect.Value) (reflect.Value, error) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, fmt.Errorf("packet: cannot set embedded pointer to unexported struct %v", v.Type().Elem())
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	if !v.CanSet() {
		return v, fmt.Errorf("packet: cannot set unexported embedded struct %v", v.Type())
	}
	return v, nil
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
