package packet

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// plan is what coding values of one Go type takes, worked out once.
type plan struct {
	kind  reflect.Kind
	elem  *plan // of a pointer, slice, array or map
	bytes bool  // a slice of plain bytes: an attachment

	writes     writes // how a value of the type writes itself
	writesAddr writes // and if it has an address

	carries bool // its pointer is a receiver
	foreign bool // its pointer decodes itself, or json.Unmarshal knows more of it
	textKey bool // a map's keys are strings and no more

	fields []planned      // of a struct
	exact  map[string]int // their indexes by name
}

// planned is a struct's field.
type planned struct {
	field
	key  string // as it is written: the name in quotes, a colon
	plan *plan  // of its type
}

// writes says which of a type's methods writes its values.
type writes uint8

const (
	writesNot writes = iota
	writesCarrier
	writesNumber
	writesJSON
	writesText
)

// plans holds the plan of each type met so far. It is the package's only variable: as in
// encoding/json, what it holds follows from the program's types alone, of which there are finitely
// many, and all who code values share it without having to hand it on.
var plans sync.Map // by reflect.Type

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	made := planner{}
	p := made.plan(t)
	for t, p := range made { // complete only now, where types refer to themselves
		plans.LoadOrStore(t, p)
	}
	return p
}

// planner makes plans, those of a type's parts with it.
type planner map[reflect.Type]*plan

func (made planner) plan(t reflect.Type) *plan {
	if p, ok := made[t]; ok {
		return p
	}
	p := &plan{kind: t.Kind()}
	made[t] = p
	p.methods(t)
	switch p.kind {
	case reflect.Map:
		p.textKey = t.Key().Kind() == reflect.String && !reflect.PointerTo(t.Key()).Implements(textUnmarshaler())
		p.elem = made.plan(t.Elem())
	case reflect.Pointer, reflect.Array, reflect.Slice:
		p.elem = made.plan(t.Elem())
		p.bytes = p.kind == reflect.Slice && isBytes(t)
	case reflect.Struct:
		p.exact = map[string]int{}
		for i, f := range jsonFields(t) {
			p.exact[f.name] = i
			p.fields = append(p.fields, planned{f, string(append(AppendText(nil, f.name), ':')), made.plan(t.FieldByIndex(f.index).Type)})
		}
	}
	return p
}

// methods fills in what the type's methods decide.
func (p *plan) methods(t reflect.Type) {
	if p.kind == reflect.Interface {
		return
	}
	number := t == reflect.TypeFor[json.Number]()
	switch {
	case t.Implements(reflect.TypeFor[carrier]()):
		p.writes, p.writesAddr = writesCarrier, writesCarrier
	case number:
		p.writes, p.writesAddr = writesNumber, writesNumber
	default:
		p.writes = marshals(t)
		p.writesAddr = p.writes
		if p.kind != reflect.Pointer {
			p.writesAddr = marshals(reflect.PointerTo(t))
		}
	}
	to := reflect.PointerTo(t)
	p.carries = to.Implements(reflect.TypeFor[receiver]())
	p.foreign = number || to.Implements(reflect.TypeFor[json.Unmarshaler]()) || to.Implements(textUnmarshaler())
}

func marshals(t reflect.Type) writes {
	switch {
	case t.Implements(reflect.TypeFor[json.Marshaler]()):
		return writesJSON
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return writesText
	}
	return writesNot
}

func textUnmarshaler() reflect.Type { return reflect.TypeFor[encoding.TextUnmarshaler]() }

// isBytes reports whether a slice type is one of plain bytes.
func isBytes(t reflect.Type) bool {
	return t.Elem().Kind() == reflect.Uint8 && marshals(reflect.PointerTo(t.Elem())) == writesNot
}

// field looks a key up as encoding/json does: exactly, then without regard to case. It returns nil
// if there is none. next is where it is likely to be.
func (p *plan) field(key []byte, next int) (f *planned, index int) {
	if next < len(p.fields) && p.fields[next].name == string(key) {
		return &p.fields[next], next
	}
	if i, ok := p.exact[string(key)]; ok {
		return &p.fields[i], i
	}
	for i := range p.fields {
		if strings.EqualFold(p.fields[i].name, string(key)) {
			return &p.fields[i], i
		}
	}
	return nil, next
}
