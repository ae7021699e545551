package pyprint

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
)

// show is AppendValue after a prefix, which must survive.
func show(t testing.TB, json string, attachments ...[]byte) string {
	t.Helper()
	const prefix = "Received message: "
	got := string(AppendValue([]byte(prefix), value([]byte(json), attachments)))
	if !strings.HasPrefix(got, prefix) {
		t.Fatalf("AppendValue(%q) lost what dst held: %q", json, got)
	}
	return got[len(prefix):]
}

// value is one that nobody has checked.
func value(json []byte, attachments [][]byte) packet.Value {
	return packet.Value{JSON: json, Attachments: attachments}
}

// placeholder is the JSON of attachment n.
func placeholder(n int) string {
	return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, n)
}

// What Flask-SocketIO's server was seen to print for what a JS client sends; the JSON is what
// JSON.stringify makes of it.
func TestAsFlaskPrints(t *testing.T) {
	tests := []struct {
		json        string
		attachments []string
		want        string
	}{
		{json: `"hello"`, want: "hello"},
		{json: `42`, want: "42"},
		{json: `2`, want: "2"},
		{json: `1.5`, want: "1.5"},
		{json: `0`, want: "0"},
		{json: `1e+21`, want: "1e+21"},
		{json: `1e+300`, want: "1e+300"},
		{json: `1e-7`, want: "1e-07"},
		{json: `9007199254740993`, want: "9007199254740993"},
		{json: `true`, want: "True"},
		{json: `null`, want: "None"},
		{
			json: `{"user":"bob","text":"it's","n":1,"f":1.5,"t":true,"z":null,"l":[1,"2",{}]}`,
			want: `{'user': 'bob', 'text': "it's", 'n': 1, 'f': 1.5, 't': True, 'z': None, 'l': [1, '2', {}]}`,
		},
		{json: `[1,"two",3.5,null,true,{"a":1}]`, want: `[1, 'two', 3.5, None, True, {'a': 1}]`},
		{json: placeholder(0), attachments: []string{"\x00\x01\x02\xffA'"}, want: `b"\x00\x01\x02\xffA'"`},
		{json: placeholder(0), attachments: []string{"hello'\n"}, want: `b"hello'\n"`},
		{json: placeholder(0), attachments: []string{""}, want: `b''`},
		{json: `{"name":"f","data":` + placeholder(0) + `}`, attachments: []string{"xyz"}, want: `{'name': 'f', 'data': b'xyz'}`},
		{json: `[` + placeholder(0) + `,` + placeholder(1) + `]`, attachments: []string{"a", "b"}, want: `[b'a', b'b']`},
		{json: `"line one\nline two"`, want: "line one\nline two"},
	}
	for _, tt := range tests {
		var attachments [][]byte
		for _, a := range tt.attachments {
			attachments = append(attachments, []byte(a))
		}
		if got := show(t, tt.json, attachments...); got != tt.want {
			t.Errorf("%s with %q:\n got %s\nwant %s", tt.json, tt.attachments, got, tt.want)
		}
	}
}

func TestValues(t *testing.T) {
	tests := []struct{ name, json, want string }{
		{"minus zero", `-0`, `0`},
		{"minus zero float", `-0.0`, `-0.0`},
		{"whole float", `2.0`, `2.0`},
		{"largest without exponent", `9999999999999998.0`, `9999999999999998.0`},
		{"smallest with exponent", `1e16`, `1e+16`},
		{"smallest without exponent", `1e-4`, `0.0001`},
		{"largest small with exponent", `1e-5`, `1e-05`},
		{"infinity", `[1e400,-1e400]`, `[inf, -inf]`},
		{"underflow", `-1e-400`, `-0.0`},
		{"integer over Python's limit", strings.Repeat("9", 5000), strings.Repeat("9", 5000)},
		{"empty", ` [ "" , [ ] , { } ] `, `['', [], {}]`},
		{"single quote", `["it's"]`, `["it's"]`},
		{"double quote", `["say \"hi\""]`, `['say "hi"']`},
		{"both quotes", `["it's \"so\" 'ok'"]`, `['it\'s "so" \'ok\'']`},
		{"escaped quotes", `["\u0027\u0022\u0027"]`, `['\'"\'']`},
		{"controls", `["\u0000\b\t\n\f\r\u001f\u007f\\\/"]`, `['\x00\x08\t\n\x0c\r\x1f\x7f\\/']`},
		{"controls alone", `"\u0000\b\t\n\f\r\\\/"`, "\x00\b\t\n\f\r\\/"},
		{"raw DEL", "[\"\x7f\"]", `['\x7f']`},
		{"unprintable", `["\u0080\u00a0\u00ad\u2028\ufeff\ue000\uffff\udb40\udc01"]`,
			`['\x80\xa0\xad\u2028\ufeff\ue000\uffff\U000e0001']`},
		{"unprintable alone", `"\u00a0\u2028"`, "\u00a0\u2028"},
		{"printable", `["éЖ中😀"]`, `['éЖ中😀']`},
		{"joined pair", `["\ud83d\ude00"]`, `['😀']`},
		{"lone surrogates", `["\ud83d","\ude00\ud83d\ud83d\ude00x"]`, `['\ud83d', '\ude00\ud83d😀x']`},
		{"lone surrogate alone", `"a\uD83Db"`, `a\ud83db`},
		{"high surrogate before other escapes", `["\ud83d\n\ud83d\u0041"]`, `['\ud83d\n\ud83dA']`},
		{"newer than Unicode 14", `["\ud83e\udee8"]`, `['\U0001fae8']`},
		{"duplicate key", `{"a":1,"b":2,"\u0061":[3],"c":{"x":1,"x":2}}`, `{'a': [3], 'b': 2, 'c': {'x': 2}}`},
		{"placeholder without attachments", placeholder(0), `{'_placeholder': True, 'num': 0}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(t, tt.json); got != tt.want {
				t.Errorf("%s:\n got %s\nwant %s", tt.json, got, tt.want)
			}
		})
	}
}

func TestBytesAndPlaceholders(t *testing.T) {
	tests := []struct{ name, json, want string }{
		{"quotes", placeholder(0), `b'\'"\\'`},
		{"double quote", placeholder(1), `b'"'`},
		{"out of range", placeholder(2), `{'_placeholder': True, 'num': 2}`},
		{"far out of range", `{"_placeholder":true,"num":99999999999999999999}`, `{'_placeholder': True, 'num': 99999999999999999999}`},
		{"before the first", placeholder(-3), `{'_placeholder': True, 'num': -3}`},
		{"from the end", placeholder(-1), `b'"'`},
		{"bool index", `{"_placeholder":true,"num":true}`, `b'"'`},
		{"float index", `{"_placeholder":true,"num":0.0}`, `{'_placeholder': True, 'num': 0.0}`},
		{"string index", `{"_placeholder":true,"num":"0"}`, `{'_placeholder': True, 'num': '0'}`},
		{"false", `{"_placeholder":false,"num":1}`, `{'_placeholder': False, 'num': 1}`},
		{"empty string", `{"_placeholder":"","num":1}`, `{'_placeholder': '', 'num': 1}`},
		{"any true value", `{"_placeholder":"no","num":1}`, `b'"'`},
		{"other members and order", `{"num":1,"x":[],"_placeholder":true}`, `b'"'`},
		{"last value counts", `{"_placeholder":true,"num":0,"num":1}`, `b'"'`},
		{"no num", `{"_placeholder":true}`, `{'_placeholder': True}`},
		{"no mark", `{"num":1}`, `{'num': 1}`},
		{"repeated", "[" + placeholder(1) + "," + placeholder(1) + "]", `[b'"', b'"']`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(t, tt.json, []byte(`'"\`), []byte(`"`)); got != tt.want {
				t.Errorf("%s:\n got %s\nwant %s", tt.json, got, tt.want)
			}
		})
	}
}

func TestUnreadableIsCopied(t *testing.T) {
	nest := func(levels int, inner string) string {
		return strings.Repeat("[", levels) + inner + strings.Repeat("]", levels)
	}
	for _, text := range []string{
		"", " ", `"`, `"abc`, `"a"b`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\xff\"", "[\"\xed\xa0\x80\"]",
		"01", "-", "+1", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "tru", "truex", "nul", "1 2",
		"[", "[1", "[1,", "[1,]", "[,]", "]", "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{1:2}`, `{"a" 1}`, nest(packet.DepthCeiling+1, "null"),
	} {
		if got := show(t, text, []byte("a")); got != text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	if got, want := show(t, nest(packet.DepthCeiling, "null")), nest(packet.DepthCeiling, "None"); got != want {
		t.Errorf("%d levels are not read", packet.DepthCeiling)
	}
}

// Every object that is rewritten for a duplicate moves what it holds, and this one does so at every
// level.
func TestDuplicatesAtEveryLevel(t *testing.T) {
	const levels = packet.DepthCeiling - 1
	json := strings.Repeat(`{"a":0,"b":1,"a":`, levels) + "2" + strings.Repeat("}", levels)
	want := strings.Repeat(`{'a': `, levels) + "2" + strings.Repeat(`, 'b': 1}`, levels)
	if got := show(t, json); got != want {
		t.Errorf("got %.60s..., want %.60s...", got, want)
	}
}

func TestManyKeys(t *testing.T) {
	const n = 50_000
	var json, want bytes.Buffer
	for i := range n {
		fmt.Fprintf(&json, `"k%d":%d,`, i, i)
		fmt.Fprintf(&want, `'k%d': %d, `, i, i+i%2)
	}
	for i := 1; i < n; i += 2 {
		fmt.Fprintf(&json, `"k%d":%d,`, i, i+1)
	}
	got := show(t, "{"+strings.TrimSuffix(json.String(), ",")+"}")
	if got != "{"+strings.TrimSuffix(want.String(), ", ")+"}" {
		t.Errorf("%d keys, half of them twice: got %.80s...", n, got)
	}
}

// A megabyte that every placeholder names would make gigabytes.
func TestRepeatedAttachmentIsBounded(t *testing.T) {
	big := make([]byte, 1<<20)
	json := "[" + strings.Repeat(placeholder(0)+",", 10_000) + placeholder(1) + "]"
	got := show(t, json, big, []byte("last"))
	if limit := outputLimit([]byte(json), [][]byte{big}); len(got) > limit {
		t.Errorf("%d bytes of output, the limit is %d", len(got), limit)
	}
	if n := strings.Count(got, "b'"); n != 2 {
		t.Errorf("%d attachments shown in full, want each of 2 once", n)
	}
	if !strings.HasSuffix(got, `, {'_placeholder': True, 'num': 0}, b'last']`) {
		t.Errorf("the end is %q", got[len(got)-80:])
	}
}

// outputLimit is what AppendValue's documentation allows.
func outputLimit(json []byte, attachments [][]byte) int {
	shown := repeatBudget
	for _, a := range attachments {
		shown += len(a)
	}
	return 5*len(json) + 4*shown
}

func TestPlainStringNeedsNoAllocation(t *testing.T) {
	v, dst := value([]byte(`"it is a plain line, as most are"`), nil), make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { dst = AppendValue(dst[:0], v) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
