package fanout

import (
	"slices"
	"strings"
	"testing"

	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

func TestEncode(t *testing.T) {
	id := uint64(12)
	decoded := func(text string, attachments ...[]byte) packet.Value {
		t.Helper()
		var d packet.Decoder
		p, err := d.Text([]byte(text))
		for _, data := range attachments {
			if err == nil {
				p, err = d.Binary(data)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return p.Args[0]
	}
	w := newWorld(t)
	c := w.join()
	for _, tt := range []struct {
		p    parser.Packet
		want string
	}{
		{parser.Packet{Type: parser.CONNECT, Nsp: "/", Data: map[string]any{"sid": "x"}}, `40{"sid":"x"}`},
		{parser.Packet{Type: parser.CONNECT, Nsp: "/"}, `40`},
		{parser.Packet{Type: parser.CONNECT_ERROR, Nsp: "/a", Data: map[string]any{"message": "no"}}, `44/a,{"message":"no"}`},
		{parser.Packet{Type: parser.DISCONNECT, Nsp: "/a"}, `41/a,`},
		{parser.Packet{Type: parser.EVENT, Nsp: "/", Data: []any{"message"}}, `42["message"]`},
		{parser.Packet{Type: parser.EVENT, Nsp: "/a", Id: &id, Data: []any{"m", "é", nil, true}}, `42/a,12["m","é",null,true]`},
		{parser.Packet{Type: parser.ACK, Nsp: "/", Id: &id, Data: []any{"yes"}}, `4312["yes"]`},
		{parser.Packet{Type: parser.ACK, Nsp: "/", Id: &id, Data: []any{}}, `4312[]`},
		{parser.Packet{Type: parser.BINARY_EVENT, Nsp: "/", Data: []any{"m", []byte{0, 1}}},
			`451-["m",{"_placeholder":true,"num":0}]` + "\x1ebAAE="},
		{parser.Packet{Type: parser.BINARY_ACK, Nsp: "/", Id: &id, Data: []any{[]byte{0, 1}}},
			`461-12[{"_placeholder":true,"num":0}]` + "\x1ebAAE="},
		{parser.Packet{Type: parser.EVENT, Nsp: "/", Data: []any{"m", decoded(`2["m",{"b":12345678901234567890,"a":1.0}]`)}},
			`42["m",{"b":12345678901234567890,"a":1.0}]`},
		{parser.Packet{Type: parser.EVENT, Nsp: "/", Data: []any{"m", []byte{9}, decoded(`51-["m",{"x":{"_placeholder":true,"num":0}}]`, []byte{0, 1})}},
			`452-["m",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]` + "\x1ebCQ==\x1ebAAE="},
	} {
		m, err := Encode(&tt.p)
		if err != nil {
			t.Errorf("%+v: %v", tt.p, err)
			continue
		}
		c.session.Send(m)
		if got := strings.Join(c.received(), "\x1e"); got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.p, got, tt.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	id := uint64(1)
	for _, p := range []parser.Packet{
		{Type: parser.EVENT, Nsp: "/"},
		{Type: parser.EVENT, Nsp: "/", Data: "text"},
		{Type: parser.EVENT, Nsp: "/", Data: []any{}},
		{Type: parser.EVENT, Nsp: "/", Data: []any{5}},
		{Type: parser.EVENT, Nsp: "/", Data: []any{"m", func() {}}},
		{Type: parser.ACK, Nsp: "/", Data: []any{}},
		{Type: parser.ACK, Nsp: "/", Id: &id, Data: "text"},
		{Type: 99, Nsp: "/"},
	} {
		if m, err := Encode(&p); err == nil || m != nil {
			t.Errorf("%+v was encoded", p)
		}
	}
}

func TestParser(t *testing.T) {
	var failed []error
	p := &Parser{Failed: func(err error) { failed = append(failed, err) }}
	out := p.NewEncoder().Encode(&parser.Packet{Type: parser.EVENT, Nsp: "/", Data: []any{"m", []byte{1}, []byte{2}}})
	if len(out) != 1 {
		t.Fatalf("a packet became %d buffers", len(out))
	}
	e, ok := out[0].(*Encoded)
	if !ok || e.Type != parser.EVENT || e.Message == nil || e.Clone() != out[0] {
		t.Errorf("encoded as %#v", out[0])
	}
	// The connection hears of a packet without a message: it may be waiting for it.
	out = p.NewEncoder().Encode(&parser.Packet{Type: parser.EVENT})
	if e, ok := out[0].(*Encoded); !ok || len(out) != 1 || e.Message != nil || len(failed) != 1 {
		t.Errorf("what cannot be encoded became %#v, failures %v", out, failed)
	}

	d := p.NewDecoder()
	var decoded []any
	_ = d.On("decoded", func(args ...any) { decoded = append(decoded, args...) })
	in := &parser.Packet{Type: parser.EVENT, Nsp: "/"}
	if err := d.Add(in); err != nil || !slices.Equal(decoded, []any{in}) {
		t.Errorf("passed on %v, %v", decoded, err)
	}
	if err := d.Add("42[]"); err == nil || len(decoded) != 1 {
		t.Errorf("took what is no packet: %v, %v", decoded, err)
	}
	d.Destroy()
}

func TestReadPlain(t *testing.T) {
	value := func(v any) packet.Value {
		t.Helper()
		made, err := packet.NewValue(v)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	text := func(s string) *engineio.Plain { return &engineio.Plain{Data: []byte(s)} }
	for _, c := range []struct {
		name             string
		namespace, event string
		args             []any
		want             *engineio.Plain
	}{
		{"a string", "/", "message", []any{"é"}, text("é")},
		{"a string value", "/", "message", []any{packet.TextValue("\"é\n")}, text("\"é\n")},
		{"an empty string", "/", "message", []any{""}, text("")},
		{"bytes", "/", "message", []any{[]byte{0, 255}}, &engineio.Plain{Binary: true, Data: []byte{0, 255}}},
		{"a bytes value", "/", "message", []any{packet.BytesValue([]byte{1})}, &engineio.Plain{Binary: true, Data: []byte{1}}},
		{"an object", "/", "message", []any{value(map[string]int{"a": 1})}, text(`{"a":1}`)},
		{"a Go value", "/", "message", []any{struct{ A []int }{[]int{1, 2}}}, text(`{"A":[1,2]}`)},
		{"a number", "/", "message", []any{7}, text("7")},
		{"null", "/", "message", []any{nil}, text("null")},
		{"an object that holds bytes", "/", "message", []any{value(map[string]any{"a": []byte{1}})}, nil},
		{"what cannot be written", "/", "message", []any{func() {}}, nil},
		{"no argument", "/", "message", nil, nil},
		{"two arguments", "/", "message", []any{"a", "b"}, nil},
		{"another event", "/", "news", []any{"a"}, nil},
		{"another namespace", "/a", "message", []any{"a"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := readPlain(c.namespace, c.event, c.args)
			if ok != (c.want != nil) || ok && (got.Binary != c.want.Binary || string(got.Data) != string(c.want.Data)) {
				t.Errorf("reads %q (binary: %v), %v", got.Data, got.Binary, ok)
			}
		})
	}
}
