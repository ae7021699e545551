package packet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// flat is a struct as handlers emit and take them.
type flat struct {
	ID    int64   `json:"id"`
	User  string  `json:"user"`
	Room  string  `json:"room"`
	Text  string  `json:"text"`
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	Done  bool    `json:"done"`
	Count uint32  `json:"count"`
	Color string  `json:"color"`
	Seq   int     `json:"seq"`
}

var oneFlat = flat{12345, "bob", "lobby", "hello, world", 1.5, -20.25, true, 7, "#ff8800", 99}

// The most that a struct may allocate: on its way out being put into an argument, on its way in its
// four strings.
func TestStructAllocations(t *testing.T) {
	dst, p := make([]byte, 0, 512), decode(t, Limits{}, event(t, oneFlat))
	for _, c := range []struct {
		name string
		most float64
		run  func() error
	}{
		{"AppendEvent", 1, func() error {
			_, _, err := AppendEvent(dst, "/", "m", 0, false, []any{oneFlat})
			return err
		}},
		{"AppendEvent by pointer", 0, func() error {
			_, _, err := AppendEvent(dst, "/", "m", 0, false, []any{&oneFlat})
			return err
		}},
		{"Decode", 5, func() error {
			var into flat
			return p.Args[0].Decode(&into)
		}},
	} {
		var err error
		if got := testing.AllocsPerRun(100, func() { err = c.run() }); got > c.most || err != nil {
			t.Errorf("%s: %v allocations, want at most %v; %v", c.name, got, c.most, err)
		}
	}
}

func BenchmarkStruct(b *testing.B) {
	text, attachments, err := AppendEvent(nil, "/", "m", 0, false, []any{oneFlat})
	if err != nil || len(attachments) > 0 {
		b.Fatal(err, attachments)
	}
	p, err := new(Decoder).Text(text)
	if err != nil {
		b.Fatal(err)
	}
	args, dst := []any{oneFlat}, make([]byte, 0, 512)
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"out", func() error { _, _, err := AppendEvent(dst, "/", "m", 0, false, args); return err }},
		{"out-encoding/json", func() error { _, err := json.Marshal(args[0]); return err }},
		{"out-NewValue", func() error {
			v, err := NewValue(args[0])
			if err == nil {
				_, _, err = AppendEvent(dst, "/", "m", 0, false, []any{v})
			}
			return err
		}},
		{"in", func() error { return p.Args[0].Decode(new(flat)) }},
		{"in-encoding/json", func() error { return json.Unmarshal(p.Args[0].JSON, new(flat)) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestRandomTypesAsEncodingJSON makes types and values of them, the same ones each time: without
// bytes in them, they are written as encoding/json writes them and decoded as it decodes them, also
// into other types and over other values.
func TestRandomTypesAsEncodingJSON(t *testing.T) {
	for seed := range uint64(300) {
		g := typeMaker{rand.New(rand.NewPCG(seed, 15))}
		typ, other := g.structure(3), g.structure(3)
		for range 10 {
			from := reflect.New(typ).Elem()
			g.fill(from, 3)
			text := sameText(t, seed, from.Interface())
			sameText(t, seed, from.Addr().Interface())
			for _, typ := range []reflect.Type{typ, other, reflect.TypeFor[any](), reflect.TypeFor[map[string]any]()} {
				sameValue(t, seed, typ, text)
			}
		}
	}
}

// sameText writes a value both ways and returns the text.
func sameText(t *testing.T, seed uint64, v any) []byte {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatalf("seed %d: %T: %v", seed, v, err)
	}
	text := bytes.TrimSuffix(want.Bytes(), []byte("\n"))
	got, err := NewValue(v)
	if err != nil || !bytes.Equal(got.JSON, text) || got.Attachments != nil {
		t.Fatalf("seed %d: %T\n got %s, %v\nwant %s", seed, v, got.JSON, err, text)
	}
	return text
}

// sameValue decodes a text both ways into the same type, once into its zero value and once more
// over what is there.
func sameValue(t *testing.T, seed uint64, typ reflect.Type, text []byte) {
	t.Helper()
	v, err := Parse(text, 0)
	if err != nil {
		t.Fatalf("seed %d: %s: %v", seed, text, err)
	}
	got, want := reflect.New(typ), reflect.New(typ)
	for range 2 {
		gotErr, wantErr := v.Decode(got.Interface()), json.Unmarshal(text, want.Interface())
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Fatalf("seed %d: %s into %v\n got %+v, %v\nwant %+v, %v", seed, text, typ, got.Elem(), gotErr, want.Elem(), wantErr)
		}
	}
}

// typeMaker makes random struct types and fills values of them.
type typeMaker struct{ *rand.Rand }

func (g typeMaker) structure(depth int) reflect.Type {
	var fields []reflect.StructField
	for i := range g.IntN(6) {
		name := string(rune('A' + i))
		tag := []string{"", "", `json:"x"`, `json:"a,omitempty"`, `json:",omitzero"`, `json:",string"`, `json:"é ü"`, `json:"-"`}[g.IntN(8)]
		fields = append(fields, reflect.StructField{Name: name, Type: g.anyType(depth - 1), Tag: reflect.StructTag(tag)})
	}
	return reflect.StructOf(fields)
}

func (g typeMaker) anyType(depth int) reflect.Type {
	simple := []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint16](), reflect.TypeFor[int64](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[string](), reflect.TypeFor[any](), reflect.TypeFor[time.Time](),
		reflect.TypeFor[json.Number](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[byPointer](), reflect.TypeFor[time.Duration](), reflect.TypeFor[zeroText](),
	}
	if depth <= 0 {
		return simple[g.IntN(len(simple))]
	}
	switch g.IntN(12) {
	case 0:
		return reflect.SliceOf(g.anyType(depth - 1))
	case 1:
		return reflect.ArrayOf(g.IntN(3), g.anyType(depth-1))
	case 2:
		return reflect.MapOf(reflect.TypeFor[string](), g.anyType(depth-1))
	case 3:
		return reflect.MapOf(reflect.TypeFor[int8](), g.anyType(depth-1))
	case 4:
		return reflect.PointerTo(g.anyType(depth - 1))
	case 5, 6:
		return g.structure(depth)
	}
	return simple[g.IntN(len(simple))]
}

func (g typeMaker) fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(g.Int64N(1e9), g.Int64N(1e9)).UTC()))
		return
	case json.Number:
		v.SetString([]string{"", "1", "-2.50e3"}[g.IntN(3)])
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{127, 0, 0, byte(g.IntN(256))})))
		return
	case zeroText:
		v.Set(reflect.ValueOf(zeroText{'a', 'b'}))
		return
	}
	if g.IntN(8) == 0 {
		return // the zero value
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int64:
		v.SetInt(g.Int64N(1<<g.IntN(8)) - 3)
	case reflect.Uint16:
		v.SetUint(g.Uint64N(1 << 16))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(float32(math.Ldexp(g.Float64(), g.IntN(120)-70))))
	case reflect.String:
		v.SetString([]string{"", "a", "null", "\"<\\\n\x00é😀", "12", "A"}[g.IntN(6)])
	case reflect.Interface:
		v.Set(reflect.ValueOf([]any{true, 1.5, "text", []any{1.0, nil}, map[string]any{"b": 2.0, "a": "x"}}[g.IntN(5)]))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		g.fill(v.Elem(), depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), g.IntN(4), 4))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range g.IntN(4) {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			g.fill(key, depth)
			g.fill(elem, depth-1)
			v.SetMapIndex(key, elem)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				g.fill(v.Field(i), depth-1)
			}
		}
	}
}
