package packet

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

// binaryValue decodes json as the one argument of a packet with these attachments.
func binaryValue(t *testing.T, json string, attachments ...string) Value {
	t.Helper()
	if len(attachments) == 0 {
		return decode(t, Limits{}, `2["m",`+json+`]`).Args[0]
	}
	return decode(t, Limits{}, `5`+string(rune('0'+len(attachments)))+`-["m",`+json+`]`, attachments...).Args[0]
}

type inner struct{ Data []byte }

type upload struct {
	Name  string `json:"name"`
	Data  []byte `json:"data"`
	Parts [][]byte
	Ptr   *[]byte
	Any   any
	*inner2
	Inner  inner `json:"in"`
	ByName map[string][]byte
	ByNum  map[int]any
	Fixed  [2]any
	Quoted int `json:",string"`
	Raw    json.RawMessage
	When   time.Time
	Skip   string `json:"-"`
	secret string
}

type inner2 struct{ Deep []byte }

// Outer2 embeds an exported struct by pointer, which decoding has to make.
type Outer2 struct {
	*Deep2
	N int64
}

type Deep2 struct{ Deep []byte }

func TestValueDecode(t *testing.T) {
	blob := []byte("b")
	for _, c := range []struct {
		name        string
		json        string
		attachments []string
		into        any // a pointer to a zero value, or to one to decode over
		want        any // what it points to then
	}{
		{"string", `"a\u00e9"`, nil, new(string), "aé"},
		{"null", `null`, nil, new(any), any(nil)},
		{"float", `1.5`, nil, new(any), any(1.5)},
		{"integer", `7`, nil, new(any), any(7.0)},
		{"2^53", `-9007199254740992`, nil, new(any), any(-9007199254740992.0)},
		{"beyond 2^53", `9007199254740993`, nil, new(any), any(json.Number("9007199254740993"))},
		{"beyond 2^53, negative", `[-9007199254740993]`, nil, new(any), any([]any{json.Number("-9007199254740993")})},
		{"behind an empty list", `[[],{},[ ],{ },9007199254740993]`, nil, new(any),
			any([]any{[]any{}, map[string]any{}, []any{}, map[string]any{}, json.Number("9007199254740993")})},
		{"behind an empty object", `{"a":{},"b":[],"c":9007199254740993}`, nil, new(any),
			any(map[string]any{"a": map[string]any{}, "b": []any{}, "c": json.Number("9007199254740993")})},
		{"beyond 2^53, written as a float", `9007199254740993.0`, nil, new(any), any(9007199254740992.0)},
		{"beyond 2^53 in a map", `{"a\n":{"id":12345678901234567890,"x":[1]}, "b": null}`, nil, new(map[string]any),
			map[string]any{"a\n": map[string]any{"id": json.Number("12345678901234567890"), "x": []any{1.0}}, "b": nil}},
		{"beyond 2^53 in a list", `[ 1 , 12345678901234567890 , "x" , [] , {} ]`, nil, new([]any),
			[]any{1.0, json.Number("12345678901234567890"), "x", []any{}, map[string]any{}}},
		{"beyond 2^53 typed", `[9007199254740993]`, nil, new([]uint64), []uint64{9007199254740993}},
		{"beyond 2^53 in a big.Int", `{"n":90071992547409930,"x":9007199254740993}`, nil, &struct {
			N *big.Int
			X any
		}{}, struct {
			N *big.Int
			X any
		}{big.NewInt(90071992547409930), json.Number("9007199254740993")}},
		{"marker without attachments", `{"_placeholder":true,"num":9007199254740993}`, nil, new(any),
			any(map[string]any{"_placeholder": true, "num": json.Number("9007199254740993")})},
		{"attachment", ph0, []string{"b"}, new([]byte), blob},
		{"empty attachment", ph0, []string{""}, new([]byte), []byte{}},
		{"attachment in any", ph0, []string{"b"}, new(any), any(blob)},
		{"attachment in any that holds a pointer", ph0, []string{"b"}, func() any { var x any = new([]byte); return &x }(), any(&blob)},
		{"attachment by pointer", ph0, []string{"b"}, new(**[]byte), func() **[]byte { p := &blob; return &p }()},
		{"attachment in a named type", ph0, []string{"b"}, new(named), named("b")},
		{"attachment as raw JSON", ph0, []string{"b"}, new(json.RawMessage), json.RawMessage(ph0)},
		{"base64", `"Yg=="`, nil, new([]byte), blob},
		{"attachments in any", `{"b":[` + ph1 + `,{"x":1}],"a":` + ph0 + `,"c":[1]}`, []string{"a", "b"}, new(any),
			any(map[string]any{"b": []any{[]byte("b"), map[string]any{"x": 1.0}}, "a": []byte("a"), "c": []any{1.0}})},
		{"attachments in a list", `[` + ph1 + `,` + ph0 + `]`, []string{"a", "b"}, new([][]byte), [][]byte{[]byte("b"), []byte("a")}},
		{"attachments in an array", `[` + ph1 + `,[],` + ph0 + `]`, []string{"a", "b"}, &[2]any{9, 9}, [2]any{[]byte("b"), []any{}}},
		{"map is added to", `{"b":` + ph0 + `}`, []string{"b"}, &map[string]any{"a": 1}, map[string]any{"a": 1, "b": blob}},
		{"last of two keys", `{"a":` + ph0 + `,"a":1}`, []string{"b"}, new(map[string]any), map[string]any{"a": 1.0}},
		{"struct", `{"NAME":"n","data":` + ph0 + `,"in":{"Data":` + ph1 + `},"Quoted":"5","Raw":[1],"When":"2020-01-01T00:00:00Z",
			"ByNum":{"3":9007199254740993},"unknown":[1,{}],"Skip":"s","secret":"s"}`, []string{"a", "b"}, new(upload), upload{
			Name: "n", Data: []byte("a"), Inner: inner{[]byte("b")}, Quoted: 5, Raw: json.RawMessage("[1]"),
			When: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), ByNum: map[int]any{3: json.Number("9007199254740993")}}},
		{"struct, containers", `{"Parts":[` + ph0 + `],"Ptr":` + ph1 + `,"Any":[null],"ByName":{"x":null},"Quoted":null,"Fixed":[1]}`,
			[]string{"a", "b"}, new(upload), upload{Parts: [][]byte{[]byte("a")}, Ptr: func() *[]byte { b := []byte("b"); return &b }(),
				Any: []any{nil}, ByName: map[string][]byte{"x": nil}, Fixed: [2]any{1.0}}},
		{"embedded pointer", `{"Deep":` + ph0 + `,"n":3}`, []string{"a"}, new(Outer2), Outer2{&Deep2{[]byte("a")}, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := binaryValue(t, c.json, c.attachments...).Decode(c.into); err != nil {
				t.Fatal(err)
			}
			if got := reflect.ValueOf(c.into).Elem().Interface(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v\nwant %#v", got, c.want)
			}
		})
	}
}

type named []byte

func TestValueDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name        string
		json        string
		attachments []string
		into        any
	}{
		{"attachment into a string", ph0, []string{"b"}, new(string)},
		{"attachment into a struct", ph0, []string{"b"}, new(upload)},
		{"attachment into a map", ph0, []string{"b"}, new(map[string]any)},
		{"attachment into a list", ph0, []string{"b"}, new([]string)},
		{"attachment into a time", ph0, []string{"b"}, new(time.Time)},
		{"attachment into bytes of a list", `[` + ph0 + `]`, []string{"b"}, new([]byte)},
		{"attachment into an interface with methods", ph0, []string{"b"}, new(error)},
		{"attachment beneath a wrong type", `{"a":[` + ph0 + `]}`, []string{"b"}, new(map[string]int)},
		{"object into a list", `{"a":` + ph0 + `}`, []string{"b"}, new([]any)},
		{"list into a map", `[` + ph0 + `]`, []string{"b"}, new(map[string]any)},
		{"key of a wrong type", `{"a":` + ph0 + `}`, []string{"b"}, new(map[int]any)},
		{"unexported embedded pointer", `{"Deep":` + ph0 + `}`, []string{"b"}, new(upload)},
		{"unquoted", `{"Quoted":5,"data":` + ph0 + `}`, []string{"b"}, new(upload)},
		{"too large a number", `[1e999,` + ph0 + `]`, []string{"b"}, new(any)},
		{"too large an integer", `{"Any":9007199254740993,"Quoted":"1","Fixed":1e999}`, nil, new(upload)},
		{"overflow", `[9007199254740993]`, nil, new([]int32)},
		{"wrong type", `"x"`, nil, new(int)},
		{"no pointer", `1`, nil, 5},
		{"nil", `1`, nil, nil},
		{"nil pointer", `1`, nil, (*int)(nil)},
	} {
		if err := binaryValue(t, c.json, c.attachments...).Decode(c.into); err == nil {
			t.Errorf("%s: no error, got %#v", c.name, c.into)
		}
	}
}

// What is decoded belongs to the handler; the value may be on its way to others.
func TestValueDecodeCopies(t *testing.T) {
	v := binaryValue(t, `[`+ph0+`,`+ph1+`]`, "aa", "bb")
	var list []any
	if err := v.Decode(&list); err != nil {
		t.Fatal(err)
	}
	clear(list[0].([]byte))
	var typed [][]byte
	if err := v.Decode(&typed); err != nil {
		t.Fatal(err)
	}
	clear(typed[1])
	if got := quoteAll(v.Attachments); got != `["aa" "bb"]` {
		t.Errorf("the attachments are now %s", got)
	}
}

// A slice that is decoded over may share its array with another.
func TestValueDecodeMakesNewLists(t *testing.T) {
	list := append(make([]any, 0, 4), "old")
	shared := list
	if err := binaryValue(t, `[`+ph0+`]`, "new").Decode(&list); err != nil {
		t.Fatal(err)
	}
	if shared[0] != "old" {
		t.Errorf("the old list is now %v", shared)
	}
}

func TestHandMadeValue(t *testing.T) {
	var x any
	for _, v := range []Value{
		{JSON: []byte(`{"a":}`)},
		{JSON: []byte(`1 2`)},
		{JSON: []byte(strings.Repeat("[", 100_000))},
		{JSON: []byte(`[{"_placeholder":true,"num":1}]`), Attachments: [][]byte{{1}}},
		{JSON: []byte(`[{"_placeholder":true,"num":-1}]`), Attachments: [][]byte{{1}}},
	} {
		if err := v.Decode(&x); err == nil {
			t.Errorf("%.40s: decoded to %v", v.JSON, x)
		}
		if _, _, err := AppendEvent(nil, "/", "m", 0, false, []any{v}); err == nil {
			t.Errorf("%.40s: encoded", v.JSON)
		}
	}
	v := Value{JSON: []byte(` [ 9007199254740993,` + ph0 + `,` + ph0 + ` ] `), Attachments: [][]byte{nil}}
	want := []any{json.Number("9007199254740993"), []byte{}, []byte{}}
	if err := v.Decode(&x); err != nil || !reflect.DeepEqual(x, want) {
		t.Errorf("got %#v, %v", x, err)
	}
	if err := (Value{}).Decode(&x); err != nil || x != nil {
		t.Errorf("the zero Value: %#v, %v", x, err)
	}
}

func TestValueKinds(t *testing.T) {
	for _, c := range []struct {
		value          Value
		null           bool
		text, bytes    string
		isText, isBlob bool
	}{
		{value: Value{}, null: true},
		{value: binaryValue(t, `null`), null: true},
		{value: Value{JSON: []byte("null")}, null: true},
		{value: binaryValue(t, `""`), isText: true},
		{value: binaryValue(t, `"null"`), text: "null", isText: true},
		{value: binaryValue(t, `"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"`), text: "a\"\\/\b\f\n\r\té😀é", isText: true},
		{value: binaryValue(t, `"\ud800x"`), text: "\uFFFDx", isText: true},
		{value: Value{JSON: []byte(`"hand" `)}, text: "hand", isText: true},
		{value: Value{JSON: []byte(`"a"b"`)}},
		{value: Value{JSON: []byte(`"`)}},
		{value: Value{JSON: []byte(`"\`)}},
		{value: binaryValue(t, `["a"]`)},
		{value: binaryValue(t, `5`)},
		{value: binaryValue(t, ph0)},
		{value: binaryValue(t, ph0, "blob"), bytes: "blob", isBlob: true},
		{value: binaryValue(t, ph0, ""), isBlob: true},
		{value: binaryValue(t, `[`+ph0+`]`, "blob")},
		{value: binaryValue(t, `{"_placeholder":true,"num":0}  `, "blob"), bytes: "blob", isBlob: true},
		{value: Value{JSON: []byte(ph1), Attachments: [][]byte{{1}}}},
		{value: Value{JSON: []byte(ph0 + "x"), Attachments: [][]byte{{1}}}},
		{value: Value{Attachments: [][]byte{{1}}}, null: true},
	} {
		if got := c.value.IsNull(); got != c.null {
			t.Errorf("%s: IsNull is %v", c.value.JSON, got)
		}
		if got, ok := c.value.Text(); got != c.text || ok != c.isText {
			t.Errorf("%s: Text is %q, %v", c.value.JSON, got, ok)
		}
		if got, ok := c.value.Bytes(); string(got) != c.bytes || ok != c.isBlob || ok && got == nil {
			t.Errorf("%s: Bytes is %q, %v", c.value.JSON, got, ok)
		}
	}
}

// Where nothing is special about a value, Decode is json.Unmarshal, errors included.
func TestValueDecodeErrorIsJSONs(t *testing.T) {
	var n int
	err := binaryValue(t, `[1]`).Decode(&n)
	var want *json.UnmarshalTypeError
	if !errors.As(err, &want) {
		t.Errorf("got %v (%T)", err, err)
	}
	var s string
	if err := binaryValue(t, ph0, "b").Decode(&s); !errors.As(err, &want) || want.Value != "binary attachment" {
		t.Errorf("got %v (%T)", err, err)
	}
}
