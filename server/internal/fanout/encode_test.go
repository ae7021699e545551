package fanout

import (
	"strings"
	"testing"

	"hipflask/server/internal/engineio"
	"hipflask/server/internal/packet"
)

func TestEncode(t *testing.T) {
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
	event := func(namespace string, id uint64, name string, args ...any) func() (*engineio.Message, error) {
		return func() (*engineio.Message, error) { return Event{name, args}.encode(namespace, id) }
	}
	ack := func(args ...any) func() (*engineio.Message, error) {
		return func() (*engineio.Message, error) { return EncodeAck("/", 12, args) }
	}
	for _, tt := range []struct {
		encode func() (*engineio.Message, error)
		want   string // empty: it fails
	}{
		{func() (*engineio.Message, error) { return EncodeConnect("/", map[string]any{"sid": "x"}) }, `40{"sid":"x"}`},
		{func() (*engineio.Message, error) { return EncodeConnect("/", nil) }, `40`},
		{func() (*engineio.Message, error) { return EncodeConnectError("/a", map[string]any{"message": "no"}) }, `44/a,{"message":"no"}`},
		{func() (*engineio.Message, error) { return EncodeConnectError("/a", nil) }, ""},
		{func() (*engineio.Message, error) { return EncodeDisconnect("/a") }, `41/a,`},
		{event("/", 0, "message"), `42["message"]`},
		{event("/a", 12, "m", "é", nil, true), `42/a,12["m","é",null,true]`},
		{event("/", 0, "m", func() {}), ""},
		{event("/", 0, "connect"), ""},
		{ack("yes"), `4312["yes"]`},
		{ack(), `4312[]`},
		{ack(func() {}), ""},
		{event("/", 0, "m", []byte{0, 1}), `451-["m",{"_placeholder":true,"num":0}]` + "\x1ebAAE="},
		{ack([]byte{0, 1}), `461-12[{"_placeholder":true,"num":0}]` + "\x1ebAAE="},
		{event("/", 0, "m", decoded(`2["m",{"b":12345678901234567890,"a":1.0}]`)), `42["m",{"b":12345678901234567890,"a":1.0}]`},
		{event("/", 0, "m", []byte{9}, decoded(`51-["m",{"x":{"_placeholder":true,"num":0}}]`, []byte{0, 1})),
			`452-["m",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]` + "\x1ebCQ==\x1ebAAE="},
	} {
		m, err := tt.encode()
		if (err != nil) != (tt.want == "") || (m == nil) != (tt.want == "") {
			t.Errorf("want %q: %v", tt.want, err)
		}
		if m == nil {
			continue
		}
		c.session.Send(m)
		if got := strings.Join(c.received(), "\x1e"); got != tt.want {
			t.Errorf("encoded as %q, want %q", got, tt.want)
		}
	}
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
