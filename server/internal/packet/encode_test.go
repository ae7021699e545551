package packet

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

// event encodes an event "m" and returns its text and attachments as one line.
func event(t *testing.T, args ...any) string {
	t.Helper()
	text, attachments, err := AppendEvent([]byte("dst"), "/", "m", 0, false, args)
	if err != nil {
		t.Fatalf("encoding %v: %v", args, err)
	}
	rest, ok := strings.CutPrefix(string(text), "dst")
	if !ok {
		t.Fatalf("dst was not appended to: %q", text)
	}
	return rest + quoteAll(attachments)
}

type custom struct{ json string }

func (c custom) MarshalJSON() ([]byte, error) {
	if c.json == "fail" {
		return nil, errors.New("no")
	}
	return []byte(c.json), nil
}

type byPointer struct{ N int }

func (p *byPointer) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"p%d"`, p.N), nil }

type list struct{ Next *list }

func TestAppendEventArguments(t *testing.T) {
	blob := []byte("b")
	for _, c := range []struct {
		name string
		args []any
		want string
	}{
		{"none", nil, `2["m"]`},
		{"nil", []any{nil}, `2["m",null]`},
		{"scalars", []any{true, false, 1, int8(-2), uint16(3), int64(math.MinInt64), uint64(math.MaxUint64), "a"},
			`2["m",true,false,1,-2,3,-9223372036854775808,18446744073709551615,"a"]`},
		{"floats", []any{1.0, 1.5, 1e21, 1e20, 1e-6, 1e-7, -1e300, float32(0.1), float32(1e-7), 5e-324}, `2["m",1,1.5,1e+21,100000000000000000000,0.000001,1e-7,-1e+300,0.1,1e-7,5e-324]`},
		{"no numbers", []any{math.NaN(), math.Inf(1), math.Inf(-1), float32(math.Inf(1)), []float64{math.NaN()}}, `2["m",null,null,null,null,[null]]`},
		{"strings", []any{"\"\\\n\r\t\b\f\x00\x1f\x7f</script>&\u2028\u2029é😀"}, `2["m","\"\\\n\r\t\b\f\u0000\u001f` + "\x7f</script>&\u2028\u2029é😀" + `"]`},
		{"invalid UTF-8", []any{"a\xffb\xed\xa0\x80", map[string]any{"\xff": 1}}, "2[\"m\",\"a\uFFFDb\uFFFD\uFFFD\uFFFD\",{\"\uFFFD\":1}]"},
		{"raw", []any{json.RawMessage(" {\"z\":1, \"a\":9007199254740993}\n"), json.RawMessage(nil)}, `2["m",{"z":1, "a":9007199254740993},null]`},
		{"json.Number", []any{json.Number("12345678901234567890"), json.Number(""), []json.Number{"1e5"}}, `2["m",12345678901234567890,0,[1e5]]`},
		{"maps", []any{map[string]any{"b": 1, "a": []any{nil, "x"}}, map[string]int{"z": 1, "y": 2}, map[int]bool{10: true, 9: false}, map[string]any(nil)},
			`2["m",{"a":[null,"x"],"b":1},{"y":2,"z":1},{"10":true,"9":false},null]`},
		{"lists", []any{[]any{}, []any(nil), []int{1}, []int(nil), [2]string{"a"}, [3]byte{1, 2, 3}}, `2["m",[],null,[1],null,["a",""],[1,2,3]]`},
		{"marshalers", []any{custom{`{"b" : 1}`}, &custom{`2`}, (*custom)(nil), []custom{{`3`}}, net.IPv4(1, 2, 3, 4), time.Unix(0, 0).UTC()},
			`2["m",{"b" : 1},2,null,[3],"1.2.3.4","1970-01-01T00:00:00Z"]`},
		{"marshaler by pointer", []any{&byPointer{1}, []byPointer{{2}}, struct{ P *byPointer }{}, byPointer{3}}, `2["m","p1",["p2"],{"P":null},{"N":3}]`},
		{"bytes", []any{blob, 1, []byte("c")}, `52-["m",` + ph0 + `,1,` + ph1 + `]["b" "c"]`},
		{"empty and nil bytes", []any{[]byte{}, []byte(nil), [][]byte{nil}}, `51-["m",` + ph0 + `,null,[null]][""]`},
		{"named bytes", []any{named("b"), (*named)(nil), &blob}, `52-["m",` + ph0 + `,null,` + ph1 + `]["b" "b"]`},
		{"bytes in containers", []any{map[string]any{"b": blob, "a": []any{[]byte("a")}}, map[string][]byte{"x": []byte("x")}},
			`53-["m",{"a":[` + ph0 + `],"b":` + ph1 + `},{"x":{"_placeholder":true,"num":2}}]["a" "b" "x"]`},
		{"bytes in a struct", []any{upload{Name: "n", Data: blob, Inner: inner{[]byte("i")}, secret: "s", Skip: "s"}},
			`52-["m",{"name":"n","data":` + ph0 + `,"Parts":null,"Ptr":null,"Any":null,"in":{"Data":` + ph1 +
				`},"ByName":null,"ByNum":null,"Fixed":[null,null],"Quoted":"0","Raw":null,"When":"0001-01-01T00:00:00Z"}]["b" "i"]`},
		{"pointers", []any{&list{&list{}}}, `2["m",{"Next":{"Next":null}}]`},
		{"lookalikes in a text packet", []any{json.RawMessage(ph0), map[string]any{"_placeholder": true}}, `2["m",` + ph0 + `,{"_placeholder":true}]`},
		{"zero Value", []any{Value{}, []Value{{}}}, `2["m",null,[null]]`},
		{"hand-made Value", []any{Value{JSON: []byte(` [1] `)}, &Value{JSON: []byte(`2`)}}, `2["m",[1],2]`},
		{"hand-made Value, one attachment twice", []any{Value{JSON: []byte(`[` + ph1 + `,` + ph1 + `]`), Attachments: [][]byte{nil, blob}}}, `52-["m",[` + ph0 + `,` + ph1 + `]]["b" "b"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := event(t, c.args...); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAppendEventValues(t *testing.T) {
	p := decode(t, Limits{}, `53-["m", {"z":9007199254740993, "a":[`+ph0+`,`+ph1+`]}, "\u0065", {"num":2, "_placeholder":true}]`, "a", "b", "c")
	first, text, last := p.Args[0], p.Args[1], p.Args[2]
	swapped := binaryValue(t, `[`+ph1+`,`+ph0+`]`, "x", "y")
	lookalike := binaryValue(t, `[1,{"_placeholder":true,"x":[`+ph0+`]}, {"_placeholder":false,"num":0}]`)
	for _, c := range []struct {
		name string
		args []any
		want string
	}{
		{"as it came", []any{first, text, last}, `53-["m",{"z":9007199254740993, "a":[` + ph0 + `,` + ph1 + `]},"\u0065",{"num":2, "_placeholder":true}]["a" "b" "c"]`},
		{"first alone", []any{first}, `52-["m",{"z":9007199254740993, "a":[` + ph0 + `,` + ph1 + `]}]["a" "b"]`},
		{"last alone", []any{last}, `51-["m",` + ph0 + `]["c"]`},
		{"without attachments", []any{text}, `2["m","\u0065"]`},
		{"other order", []any{last, first}, `53-["m",` + ph0 + `,{"z":9007199254740993, "a":[` + ph1 + `,{"_placeholder":true,"num":2}]}]["c" "a" "b"]`},
		{"after others", []any{[]byte("n"), last, swapped},
			`54-["m",` + ph0 + `,` + ph1 + `,[{"_placeholder":true,"num":2},{"_placeholder":true,"num":3}]]["n" "c" "y" "x"]`},
		{"before others", []any{first, []byte("n")}, `53-["m",{"z":9007199254740993, "a":[` + ph0 + `,` + ph1 + `]},{"_placeholder":true,"num":2}]["a" "b" "n"]`},
		{"twice", []any{last, last}, `52-["m",` + ph0 + `,` + ph1 + `]["c" "c"]`},
		{"follows by chance", []any{binaryValue(t, ph0, "0"), binaryValue(t, ph0, "0"), last}, `53-["m",` + ph0 + `,` + ph1 + `,{"num":2, "_placeholder":true}]["0" "0" "c"]`},
		{"within Go values", []any{map[string]any{"v": last, "a": []Value{text, last}}}, `52-["m",{"a":["\u0065",` + ph0 + `],"v":` + ph1 + `}]["c" "c"]`},
		{"lookalike alone", []any{lookalike}, `2["m",[1,{"_placeholder":true,"x":[` + ph0 + `]}, {"_placeholder":false,"num":0}]]`},
		{"lookalike before", []any{lookalike, last}, `51-["m",[1,null, {"_placeholder":false,"num":0}],` + ph0 + `]["c"]`},
		{"lookalike after", []any{last, lookalike}, `51-["m",` + ph0 + `,[1,null, {"_placeholder":false,"num":0}]]["c"]`},
		{"escaped lookalike", []any{binaryValue(t, `{"\u005f\u0070\u006c\u0061\u0063\u0065\u0068\u006f\u006c\u0064\u0065\u0072":true}`), last}, `51-["m",null,` + ph0 + `]["c"]`},
		{"raw lookalike", []any{json.RawMessage(`{"a":` + ph0 + `}`), last}, `51-["m",{"a":null},` + ph0 + `]["c"]`},
		{"marshaled lookalike", []any{custom{ph0}, last}, `51-["m",null,` + ph0 + `]["c"]`},
		{"map that is a lookalike", []any{map[string]any{"_placeholder": true, "num": 0, "b": []byte("lost")}, last}, `51-["m",null,` + ph0 + `]["c"]`},
		{"map that is none", []any{map[string]any{"_placeholder": 1}, map[string]bool{"_placeholder": false}, last}, `51-["m",{"_placeholder":1},{"_placeholder":false},` + ph0 + `]["c"]`},
		{"typed map that is a lookalike", []any{map[string]bool{"_placeholder": true}, last}, `51-["m",null,` + ph0 + `]["c"]`},
		{"struct that is a lookalike", []any{[]any{struct {
			P bool `json:"_placeholder"`
			X int
		}{true, 1}}, last}, `51-["m",[null],` + ph0 + `]["c"]`},
		{"nothing but a lookalike has attachments", []any{map[string]any{"_placeholder": true, "b": []byte("lost")}}, `2["m",null]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := event(t, c.args...)
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
	if got := show(p); !strings.Contains(got, `["a" "b" "c"]`) {
		t.Errorf("the packet that was sent on has changed: %s", got)
	}
}

func TestAppendHeaders(t *testing.T) {
	event := func(ns, name string, id uint64, hasID bool, args ...any) func() ([]byte, error) {
		return func() ([]byte, error) {
			text, _, err := AppendEvent(nil, ns, name, id, hasID, args)
			return text, err
		}
	}
	ack := func(ns string, id uint64, args ...any) func() ([]byte, error) {
		return func() ([]byte, error) {
			text, _, err := AppendAck(nil, ns, id, args)
			return text, err
		}
	}
	connect := func(ns string, payload any) func() ([]byte, error) {
		return func() ([]byte, error) { return AppendConnect(nil, ns, payload) }
	}
	refuse := func(ns string, payload any) func() ([]byte, error) {
		return func() ([]byte, error) { return AppendConnectError(nil, ns, payload) }
	}
	disconnect := func(ns string) func() ([]byte, error) {
		return func() ([]byte, error) { return AppendDisconnect(nil, ns) }
	}
	for _, c := range []struct {
		append func() ([]byte, error)
		want   string // "" is an error
	}{
		{event("", "m", 0, false), `2["m"]`},
		{event("/", "m", 0, true), `20["m"]`},
		{event("/chat", "a\"b", 12, true, 1), `2/chat,12["a\"b",1]`},
		{event("/chat", "m", MaxID, true, []byte("x")), `51-/chat,9007199254740991["m",` + ph0 + `]`},
		{event("/", "m", MaxID+1, true), ``},
		{event("/", "connect", 0, false), ``},
		{event("/", "removeListener", 0, false), ``},
		{event("chat", "m", 0, false), ``},
		{event("/a,b", "m", 0, false), ``},
		{event("/a?b", "m", 0, false), ``},
		{event("/a\x1e", "m", 0, false), ``},
		{event("/\xff", "m", 0, false), ``},
		{event("/"+strings.Repeat("n", MaxNamespace), "m", 0, false), ``},
		{ack("/", 0), `30[]`},
		{ack("/chat", 7, "ok", []byte("x")), `61-/chat,7["ok",` + ph0 + `]`},
		{ack("/", MaxID+1), ``},
		{connect("/", nil), `0`},
		{connect("/chat", nil), `0/chat,`},
		{connect("/", map[string]any{"sid": "x"}), `0{"sid":"x"}`},
		{connect("/chat", struct {
			SID string `json:"sid"`
		}{"x"}), `0/chat,{"sid":"x"}`},
		{connect("/", json.RawMessage(` {"a":1}`)), `0{"a":1}`},
		{connect("/", "x"), ``},
		{connect("/", []any{}), ``},
		{connect("/", map[string]any{"b": []byte("x")}), ``},
		{connect("/", json.RawMessage(`{`)), ``},
		{connect("chat", nil), ``},
		{refuse("/foo", "no"), `4/foo,"no"`},
		{refuse("/", map[string]any{"message": "no"}), `4{"message":"no"}`},
		{refuse("/", nil), ``},
		{refuse("/", (*int)(nil)), ``},
		{refuse("/", 5), ``},
		{refuse("/", []byte("x")), ``},
		{disconnect("/"), `1`},
		{disconnect("/chat"), `1/chat,`},
		{disconnect("chat"), ``},
	} {
		got, err := c.append()
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("got %q, %v; want %q", got, err, c.want)
		}
	}
}

type cyclicPointer *cyclicPointer

func TestAppendEventRefuses(t *testing.T) {
	cyclicMap := map[string]any{}
	cyclicMap["a"] = []any{cyclicMap}
	cyclicList := []any{nil}
	cyclicList[0] = cyclicList
	ring := &list{}
	ring.Next = &list{ring}
	var self cyclicPointer
	self = &self
	deep := json.RawMessage(strings.Repeat("[", DepthCeiling) + strings.Repeat("]", DepthCeiling))
	for _, c := range []struct {
		name string
		arg  any
	}{
		{"channel", make(chan int)}, {"function", func() {}}, {"complex", 1i}, {"in a list", []any{make(chan int)}},
		{"in a map", map[string]any{"a": func() {}}}, {"map with wrong keys", map[float64]int{1: 1}},
		{"cyclic map", cyclicMap}, {"cyclic list", cyclicList}, {"ring", ring}, {"pointer to itself", self},
		{"deep raw JSON", deep}, {"deep Value", Value{JSON: deep}}, {"deep raw JSON, in a list", []any{deep[1 : len(deep)-1]}},
		{"raw: nothing", json.RawMessage("")}, {"raw: broken", json.RawMessage("{")}, {"raw: two", json.RawMessage("1 2")},
		{"raw: invalid UTF-8", json.RawMessage("\"\xff\"")}, {"Value: broken", Value{JSON: []byte("NaN")}},
		{"Value: broken, with attachments", Value{JSON: []byte("{"), Attachments: [][]byte{{1}}}},
		{"marshaler: fails", custom{"fail"}}, {"marshaler: nothing", custom{""}}, {"marshaler: broken", []custom{{"{"}}},
		{"json.Number: word", json.Number("x")}, {"json.Number: space", json.Number("1 ")}, {"json.Number: two", json.Number("1,2")},
		{"text marshaler fails", net.IP{1}},
	} {
		dst := []byte("dst")
		got, attachments, err := AppendEvent(dst, "/", "m", 0, false, []any{"ok", c.arg})
		if err == nil || string(got) != "dst" || attachments != nil {
			t.Errorf("%s: got %.60q, %q, %v", c.name, got, attachments, err)
			continue
		}
		if !strings.Contains(err.Error(), "argument 1") {
			t.Errorf("%s: the error does not say which argument: %v", c.name, err)
		}
	}
}

// The array of the arguments is the first level.
func TestAppendEventDepth(t *testing.T) {
	nest := func(levels int) any {
		var v any = 1
		for range levels {
			v = []any{v}
		}
		return v
	}
	text := event(t, nest(DepthCeiling-1))
	decode(t, Limits{MaxDepth: DepthCeiling}, text)
	if _, _, err := AppendEvent(nil, "/", "m", 0, false, []any{nest(DepthCeiling)}); !errors.Is(err, errDepth) {
		t.Errorf("got %v", err)
	}
}

// Embedded fields, tags and options mean what they mean to encoding/json.
type (
	Base struct {
		ID   int `json:"id"`
		Both string
		Name string
	}
	Other struct {
		Both string
		Name string `json:"Name"`
		Deep
	}
	Deep struct {
		ID    int `json:"id"`
		Depth uint8
	}
	hidden struct{ Shown, Gone int }
	zero   struct{ N int }
	tagged struct {
		Base
		*Other
		hidden
		*Missing
		Gone string
		E1   string         `json:"e1,omitempty"`
		E2   []int          `json:",omitempty"`
		E3   *int           `json:"e3,omitempty"`
		E4   zero           `json:"e4,omitempty"`
		E5   map[string]int `json:"e5,omitempty"`
		E6   any            `json:"e6,omitempty"`
		E7   [0]int         `json:"e7,omitempty"`
		Z1   zero           `json:"z1,omitzero"`
		Z2   time.Time      `json:"z2,omitzero"`
		Z3   *zero          `json:"z3,omitzero"`
		Z4   []int          `json:"z4,omitzero"`
		Q1   string         `json:"q1,string"`
		Q2   *int           `json:"q2,string"`
		Q3   bool           `json:",string"`
		Q4   float64        `json:",string"`
		//lint:ignore SA5008 what encoding/json makes of a tag that is off is what is tested
		Q5 []int `json:",string"`
		//lint:ignore SA5008 what encoding/json makes of a tag that is off is what is tested
		Dash int `json:"-,"`
		No   int `json:"-"`
		//lint:ignore SA5008 what encoding/json makes of a tag that is off is what is tested
		Bad    int `json:"a\"b"`
		Odd    int `json:"ö$ %/"`
		Map    map[zeroText]int
		Iface  fmt.Stringer
		Inline struct{ A, B any }
		F32    float32
		U      uintptr
	}
	Missing  struct{ Lost int }
	zeroText struct{ a, b byte }
)

func (z zeroText) MarshalText() ([]byte, error) { return []byte{z.a, '-', z.b}, nil }
func (z zero) IsZero() bool                     { return z.N == 7 }

func TestStructsAsEncodingJSON(t *testing.T) {
	n := 5
	filled := tagged{Base: Base{1, "b", "n"}, Other: &Other{"o", "p", Deep{2, 3}}, hidden: hidden{4, 5}, Gone: "g", E1: "e", E2: []int{1},
		E3: &n, E5: map[string]int{"a": 1}, E6: 0, Z1: zero{1}, Z3: &zero{7}, Z4: []int{}, Q1: "q\"", Q2: &n, Q3: true, Q4: 1e30,
		Q5: []int{1}, Dash: 1, Bad: 2, Odd: 3, Map: map[zeroText]int{{'b', 'c'}: 1, {'a', 'z'}: 2}, Iface: time.Second, F32: 0.1, U: 9}
	for _, v := range []any{
		tagged{}, filled, &filled, []tagged{filled}, map[string]*tagged{"b": &filled, "a": nil}, struct{}{},
		struct{ Base }{}, struct {
			A struct{ *Base } `json:"a,omitempty"`
		}{}, struct{ X, x int }{1, 2}, &[]any{&n, &filled}, [2]zero{}, struct{ zero }{}, struct{ time.Duration }{3},
		struct {
			Base `json:"base"`
			*Deep
		}{}, struct {
			hidden `json:"tagged"`
		}{hidden{1, 2}},
	} {
		var want strings.Builder
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		if got := event(t, v); got != `2["m",`+strings.TrimSuffix(want.String(), "\n")+`]` {
			t.Errorf("\n got %s\nwant %s", got, want.String())
		}
	}
}

// Decoding with an attachment somewhere, which is this package's own work, fills the other fields
// as encoding/json does.
func TestStructsDecodeAsEncodingJSON(t *testing.T) {
	const members = `"id":1,"both":"b","NAME":"n","Depth":3,"Shown":4,"Gone":"g","e1":"e","E2":[1],"e3":5,"e4":{"n":1},"q1":"\"q\"","q2":"5",
		"Q3":"true","-":1,"No":2,"Bad":3,"ö$ %/":4,"Inline":{"a":[1],"B":{}},"F32":0.1,"U":9,"ID":6,"z3":null,"e6":{"x":[1.5]}`
	var want, got struct {
		tagged
		Blob []byte
	}
	want.Other, got.Other = &Other{}, &Other{}
	if err := json.Unmarshal([]byte(`{`+members+`,"Blob":"eA=="}`), &want); err != nil {
		t.Fatal(err)
	}
	if err := binaryValue(t, `{`+members+`,"Blob":`+ph0+`}`, "x").Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}
