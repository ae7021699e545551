package packet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const ph0, ph1 = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`

func TestDecodeText(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`0`, `CONNECT /`},
		{`0{"token":"x"}`, `CONNECT / data={"token":"x"}`},
		{`0/chat,`, `CONNECT /chat`},
		{`0/chat`, `CONNECT /chat`},
		{`0/chat?token=x`, `CONNECT /chat query=token=x`},
		{`0/chat?token=x&a=/%2C?,{}`, `CONNECT /chat query=token=x&a=/%2C? data={}`},
		{`0/?a=b,`, `CONNECT / query=a=b`},
		{`0/,{"a":1} `, `CONNECT / data={"a":1}`},
		{`1`, `DISCONNECT /`},
		{`1/chat,`, `DISCONNECT /chat`},
		{`1/chat`, `DISCONNECT /chat`},
		{`2["message","hello"]`, `EVENT / "message" "hello"`},
		{`2["message"]`, `EVENT / "message"`},
		{`2[""]`, `EVENT / ""`},
		{`2/chat,["m"]`, `EVENT /chat "m"`},
		{`2/a/b-c?d=1,12["m",1]`, `EVENT /a/b-c query=d=1 id=12 "m" 1`},
		{`2/ü,["m"]`, `EVENT /ü "m"`},
		{`20["m"]`, `EVENT / id=0 "m"`},
		{`2007["m"]`, `EVENT / id=7 "m"`},
		{`29007199254740991["m"]`, `EVENT / id=9007199254740991 "m"`},
		{"2 [ \"m\" ,\t1 ,\r\n{ \"b\" : 1 , \"a\" : [ ] } ] ", "EVENT / \"m\" 1 { \"b\" : 1 , \"a\" : [ ] }"},
		{`2["m",9007199254740993,-0,1E+2,1.50,{"z":1,"a":2,"z":3}]`, `EVENT / "m" 9007199254740993 -0 1E+2 1.50 {"z":1,"a":2,"z":3}`},
		{`2["m\u0065ss\n\ud83d\ude00","\ud800\uDC00\ud800"]`, `EVENT / "mess\n😀" "\ud800\uDC00\ud800"`},
		{`2["a\ud800b\udc00\ud800\n\ud800\ud83d\ude00"]`, "EVENT / \"a\uFFFDb\uFFFD\uFFFD\\n\uFFFD😀\""},
		{`2["Connect",null,true,false,"",[],{}]`, `EVENT / "Connect" null true false "" [] {}`},
		{`2["m",` + ph0 + `]`, `EVENT / "m" ` + ph0},
		{`2["m",{"_placeholder":true,"num":-1}]`, `EVENT / "m" {"_placeholder":true,"num":-1}`},
		{`30[]`, `ACK / id=0`},
		{`3/chat,12["ok",1]`, `ACK /chat id=12 "ok" 1`},
		{`31["connect"]`, `ACK / id=1 "connect"`},
		{`4`, `CONNECT_ERROR /`},
		{`4"no"`, `CONNECT_ERROR / data="no"`},
		{`4/foo,{"message":"no"}`, `CONNECT_ERROR /foo data={"message":"no"}`},
		{`50-["m",1]`, `EVENT / "m" 1`},
		{`60-/chat,3[]`, `ACK /chat id=3`},
		{`50-["m",{"_placeholder":false,"num":0},{"_placeholder":true,"_placeholder":1}]`, `EVENT / "m" {"_placeholder":false,"num":0} {"_placeholder":true,"_placeholder":1}`},
	} {
		if got := show(decode(t, Limits{}, c.text)); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestDecodeBinary(t *testing.T) {
	for _, c := range []struct {
		text        string
		attachments []string
		want        string
	}{
		{`51-["m",` + ph0 + `]`, []string{"\x00\xff"}, `EVENT / "m" ` + ph0 + `["\x00\xff"]`},
		{`51-["m",` + ph0 + `]`, []string{""}, `EVENT / "m" ` + ph0 + `[""]`},
		{`52-/chat,7["m",` + ph1 + `,1,` + ph0 + `]`, []string{"a", "b"}, `EVENT /chat id=7 "m" ` + ph1 + `["a" "b"] 1 ` + ph0 + `["a" "b"]`},
		{`51-["m",{"a":[{"b": { "num" : 0 ,"_placeholder":true } }]}]`, []string{"a"}, `EVENT / "m" {"a":[{"b": { "num" : 0 ,"_placeholder":true } }]}["a"]`},
		{`51-["m",{"\u005fplaceholder":true,"n\u0075m":0}]`, []string{"a"}, `EVENT / "m" {"\u005fplaceholder":true,"n\u0075m":0}["a"]`},
		{`501-["m",` + ph0 + `]`, []string{"a"}, `EVENT / "m" ` + ph0 + `["a"]`},
		{`61-3[` + ph0 + `]`, []string{"a"}, `ACK / id=3 ` + ph0 + `["a"]`},
	} {
		if got := show(decode(t, Limits{}, c.text, c.attachments...)); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestDecodeMalformed(t *testing.T) {
	for _, text := range []string{
		``, `7`, `9["m"]`, ` 2["m"]`, `x`, "\x00", `-1`, `7["m"]`, `/2["m"]`,
		// Headers.
		`2`, `212`, `2/chat`, `2/chat,`, `2/chat["m"]`, `2,["m"]`, `2-1["m"]`, `21.5["m"]`, `2chat,["m"]`,
		`29007199254740992["m"]`, `2` + strings.Repeat("9", 400) + `["m"]`,
		"2/a\x1eb,[\"m\"]", "2/a\xff,[\"m\"]", "0/a?\x00,", "0/a?\xc3", "2/a\x7f,[\"m\"]",
		`01`, `012{}`, `11`, `41"no"`,
		// Payloads.
		`0[]`, `0"x"`, `0null`, `0{}x`, `0{`, `0 `, `1{}`, `1 `, `1/chat,{}`, `4[]`, `4null`, `4true`,
		// Events and acknowledgements.
		`2[]`, `2{"a":1}`, `2"m"`, `2null`, `2[1]`, `2[null]`, `2[["m"]]`, `2[{"a":1}]`, `2["m"`, `2["m",]`, `2["m",1`,
		`2["m"]]`, `2["m"]x`, `2["m"][]`, `2["m"],`, `2["m" 1]`, `2["m",,1]`, `2[,"m"]`, `2["m"}`, "2[\"m\"]\x00",
		`2["connect"]`, `2["connect_error"]`, `2["disconnect"]`, `2["disconnecting"]`, `2["newListener"]`,
		`2["removeListener",1]`, `2["\u0063onnect"]`,
		`3[]`, `3`, `31`, `31{}`, `31null`, `31"x"`, `31[`, `31[]]`, `31[,]`, `3/chat,[]`,
		// JSON.
		`2["m",NaN]`, `2["m",Infinity]`, `2["m",-Infinity]`, `2["m",undefined]`, `2["m",nul]`, `2["m",nulll]`, `2["m",True]`,
		`2["m",01]`, `2["m",-]`, `2["m",+1]`, `2["m",1.]`, `2["m",.5]`, `2["m",1e]`, `2["m",1e+]`, `2["m",0x10]`, `2["m",1_0]`, `2["m",--1]`,
		`2["m",'a']`, `2["m","a]`, `2["m","\x"]`, `2["m","\u12"]`, `2["m","\u12G4"]`, `2["m","\`, `2["m","\u"]`, `2["m","\"]`,
		"2[\"m\",\"a\nb\"]", "2[\"m\",\"a\x00\"]", "2[\"m\",\"longer than eight bytes\x1f\"]", "2[\"m\",\"\xff\"]", "2[\"m\",\"123\xff5678 and so on, eight by eight\"]",
		"2[\"m\",\"\xc3\"]", "2[\"m\",\"\xed\xa0\x80\"]", "2[\"m\",\"\xf4\x90\x80\x80\"]", "2[\"m\",\"\xc0\x80\"]",
		"2[\"m\",\u00a01]", "\ufeff2[\"m\"]", "2\ufeff[\"m\"]", "2[\"m\",\v1]",
		`2["m",{a:1}]`, `2["m",{"a"}]`, `2["m",{"a":}]`, `2["m",{"a":1,}]`, `2["m",{,}]`, `2["m",{"a" 1}]`, `2["m",{"a":1]`, `2["m",{1:1}]`, `2["m",[1}]`,
		`2["m",{"a":1 "b":2}]`, `2["m",/*c*/1]`,
		// Attachment counts.
		`5`, `5-["m"]`, `51`, `51["m"]`, `5x1-["m"]`, `51x-["m"]`, `5 1-["m"]`, `5+1-["m"]`, `5-1-["m"]`, `51.0-["m",` + ph0 + `]`, `51e0-["m"]`,
		`51/-["m"]`, `6-1[]`, `60-[]`,
		// Placeholders: missing, out of range, used twice, not quite one.
		`51-["m"]`, `51-["m",1]`, `52-["m",` + ph0 + `]`, `51-["m",` + ph1 + `]`, `50-["m",` + ph0 + `]`,
		`52-["m",` + ph0 + `,` + ph0 + `]`, `51-["m",` + ph0 + `,` + ph0 + `]`, `51-["m",` + ph0 + `,` + ph1 + `]`,
		`51-["m",{"_placeholder":true,"num":-1}]`, `51-["m",{"_placeholder":true,"num":0.0}]`, `51-["m",{"_placeholder":true,"num":"0"}]`,
		`51-["m",{"_placeholder":true,"num":-0}]`, `51-["m",{"_placeholder":true,"num":0e0}]`, `51-["m",{"_placeholder":true,"num":null}]`,
		`51-["m",{"_placeholder":true,"num":99999999999999999999}]`, `51-["m",{"_placeholder":true}]`,
		`51-["m",{"_placeholder":true,"num":0,"x":1}]`, `51-["m",{"_placeholder":true,"num":0,"num":0}]`,
		`51-["m",{"_placeholder":true,"x":` + ph0 + `}]`, `51-["m",{"_placeholder":false,"num":0}]`, `51-["m",{"_placeholder":1,"num":0}]`,
		`51-["m",` + ph0 + `,{"\u005fplaceholder":true,"num":7}]`, `51-[` + ph0 + `]`, `51-["m","` + strings.ReplaceAll(ph0, `"`, `\"`) + `"]`,
		`50-["m",{"_placeholder":true,"num":0}]`,
	} {
		d := newDecoder(Limits{})
		p, err := d.Text([]byte(text))
		if err == nil {
			t.Errorf("%q: got %s, want an error", text, show(p))
			continue
		}
		if got := limitOf(t, err); got != "malformed" {
			t.Errorf("%q: limit %s, want malformed", text, got)
		}
		if d.pending != nil {
			t.Errorf("%q: refused, and yet attachments are awaited", text)
		}
		if p, err := decodeAll(d, `2["m"]`); err != nil || p.Event != "m" {
			t.Errorf("%q: the next packet gave %s, %v", text, show(p), err)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	nested := func(n int) string {
		return `2["m",` + strings.Repeat(`[{"a":`, n) + `1` + strings.Repeat(`}]`, n) + `]`
	}
	args := func(n int) string { return `2["m"` + strings.Repeat(`,0`, n) + `]` }
	binary := func(n int) string {
		var b strings.Builder
		fmt.Fprintf(&b, `5%d-["m"`, n)
		for i := range n {
			fmt.Fprintf(&b, `,{"_placeholder":true,"num":%d}`, i)
		}
		return b.String() + "]"
	}
	blob := func(n int) []string { return slices.Repeat([]string{"x"}, n) }
	for _, c := range []struct {
		name        string
		limits      Limits
		text        string
		attachments []string
		want        string // "" is a packet
	}{
		{"depth at the default", Limits{}, `2["m",` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `]`, nil, ""},
		{"depth over the default", Limits{}, `2["m",` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `]`, nil, LimitDepth},
		{"depth set", Limits{MaxDepth: 5}, nested(2), nil, ""},
		{"depth set, over", Limits{MaxDepth: 4}, nested(2), nil, LimitDepth},
		{"depth 1", Limits{MaxDepth: 1}, `2["m",1]`, nil, ""},
		{"depth 1, over", Limits{MaxDepth: 1}, `2["m",{}]`, nil, LimitDepth},
		{"depth of CONNECT", Limits{MaxDepth: 1}, `0{"a":[]}`, nil, LimitDepth},
		{"depth at the ceiling", Limits{MaxDepth: 1 << 30}, `2["m",` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `]`, nil, ""},
		{"depth over the ceiling", Limits{MaxDepth: 1 << 30}, `2["m",` + strings.Repeat("[", 1_000_000), nil, LimitDepth},
		{"arguments at the default", Limits{}, args(1024), nil, ""},
		{"arguments over the default", Limits{}, args(1025), nil, LimitArgs},
		{"arguments set", Limits{MaxArgs: 2}, args(2), nil, ""},
		{"arguments set, over", Limits{MaxArgs: 2}, args(3), nil, LimitArgs},
		{"acknowledgement's arguments", Limits{MaxArgs: 2}, `31[1,2,3]`, nil, LimitArgs},
		{"bytes", Limits{MaxBytes: 7}, `2["mm"]`, nil, ""},
		{"bytes, over", Limits{MaxBytes: 7}, `2["mmm"]`, nil, LimitBytes},
		{"bytes of CONNECT", Limits{MaxBytes: 2}, `0{}`, nil, LimitBytes},
		{"bytes with attachments", Limits{MaxBytes: 39 + 4}, `51-["m",` + ph0 + ` ]`, []string{"1234"}, ""},
		{"bytes with attachments, over", Limits{MaxBytes: 39 + 4}, `51-["m",` + ph0 + ` ]`, []string{"12345"}, LimitBytes},
		{"bytes of two attachments", Limits{MaxBytes: 69 + 4}, `52-["m",` + ph0 + `,` + ph1 + ` ]`, []string{"12", "34"}, ""},
		{"bytes of two attachments, over", Limits{MaxBytes: 69 + 4}, `52-["m",` + ph0 + `,` + ph1 + ` ]`, []string{"12", "345"}, LimitBytes},
		{"attachments at the default", Limits{}, binary(10), blob(10), ""},
		{"attachments over the default", Limits{}, binary(11), nil, LimitAttachments},
		{"attachments set", Limits{MaxAttachments: 300}, binary(300), blob(300), ""},
		{"attachments none", Limits{MaxAttachments: -1}, binary(1), nil, LimitAttachments},
		{"attachments none, none come", Limits{MaxAttachments: -1}, binary(0), nil, ""},
		{"attachments absurd", Limits{MaxAttachments: 1<<63 - 1}, `599999999999999999999999-["m"]`, nil, LimitAttachments},
		{"attachments 4599999999", Limits{}, `54599999999-["m",` + ph0 + `]`, nil, LimitAttachments},
		{"namespace", Limits{}, `0/` + strings.Repeat("n", MaxNamespace-1) + `?a=b`, nil, ""},
		{"namespace, over", Limits{}, `0/` + strings.Repeat("n", MaxNamespace), nil, LimitNamespace},
		{"query", Limits{}, `0/?` + strings.Repeat("q", MaxQuery), nil, ""},
		{"query, over", Limits{}, `0/?` + strings.Repeat("q", MaxQuery+1), nil, LimitQuery},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(c.limits)
			p, err := decodeAll(d, c.text, c.attachments...)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %.100s, want an error", show(p))
			}
			if got := limitOf(t, err); got != c.want {
				t.Fatalf("got %v, want the limit %s", err, c.want)
			}
			if d.pending != nil || d.attachments != nil || d.bytes != 0 {
				t.Fatal("something is still awaited")
			}
		})
	}
}

func TestDecodeOutOfTurn(t *testing.T) {
	var d Decoder // the zero Decoder works
	if _, err := d.Binary([]byte("x")); limitOf(t, err) != "malformed" {
		t.Fatalf("binary that nobody awaits: %v", err)
	}
	if p, err := d.Text([]byte(`52-["m",` + ph0 + `,` + ph1 + `]`)); p != nil || err != nil {
		t.Fatalf("binary packet without its attachments: %s, %v", show(p), err)
	}
	if p, err := d.Binary([]byte("x")); p != nil || err != nil {
		t.Fatalf("first of two attachments: %s, %v", show(p), err)
	}
	if _, err := d.Text([]byte(`2["m"]`)); limitOf(t, err) != "malformed" {
		t.Fatalf("text while attachments are awaited: %v", err)
	}
	if _, err := d.Binary([]byte("y")); limitOf(t, err) != "malformed" {
		t.Fatalf("attachment of a packet that was given up: %v", err)
	}
	if p, err := d.Text([]byte(`2["m"]`)); err != nil || show(p) != `EVENT / "m"` {
		t.Fatalf("after that: %s, %v", show(p), err)
	}
	if p, err := d.Text([]byte(`50-["m"]`)); err != nil || show(p) != `EVENT / "m"` {
		t.Fatalf("no attachments: %s, %v", show(p), err)
	}
}

// What Text and Binary are given belongs to a read buffer.
func TestDecodeCopies(t *testing.T) {
	d := newDecoder(Limits{})
	text, blob := []byte(`51-/chat?q,["message",{"a":`+ph0+`}]`), []byte("blob")
	if _, err := d.Text(text); err != nil {
		t.Fatal(err)
	}
	clear(text)
	p, err := d.Binary(blob)
	if err != nil {
		t.Fatal(err)
	}
	clear(blob)
	if got, want := show(p), `EVENT /chat query=q "message" {"a":`+ph0+`}["blob"]`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	connect := []byte(`0{"a":1}`)
	p, err = d.Text(connect)
	if err != nil {
		t.Fatal(err)
	}
	clear(connect)
	if got, want := show(p), `CONNECT / data={"a":1}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Appending to an argument must not reach into the next one.
func TestArgumentsAreClipped(t *testing.T) {
	p := decode(t, Limits{}, `2["m",1,2,3]`)
	for _, v := range p.Args {
		_ = append(v.JSON, "junk"...)
	}
	if got, want := show(p), `EVENT / "m" 1 2 3`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestErrorsHoldNothingTheClientSent(t *testing.T) {
	_, err := newDecoder(Limits{}).Text([]byte("2[\"m\",secret\n"))
	if err == nil || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
