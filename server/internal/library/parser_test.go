package library

import (
	"slices"
	"testing"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
)

func TestParser(t *testing.T) {
	var failed []error
	p := parsing{func(err error) { failed = append(failed, err) }}
	out := p.NewEncoder().Encode(&parser.Packet{Type: parser.CONNECT, Nsp: "/", Data: &accepted{Sid: socket.SocketId("id"), Pid: "key"}})
	if len(out) != 1 {
		t.Fatalf("a packet became %d buffers", len(out))
	}
	e, ok := out[0].(*encoded)
	if !ok || e.packet.Type != parser.CONNECT || e.message() == nil || e.pid() != "key" || e.Clone() != out[0] {
		t.Errorf("encoded as %#v", out[0])
	}
	// The connection hears of a packet without a message: it may be waiting for it.
	for _, p := range []*parser.Packet{
		{Type: parser.CONNECT_ERROR, Nsp: "/", Data: func() {}},
		{Type: parser.EVENT, Nsp: "/", Data: []any{"event"}}, // events are not the library's
	} {
		failed = nil
		out = parsing{func(err error) { failed = append(failed, err) }}.NewEncoder().Encode(p)
		if e, ok := out[0].(*encoded); !ok || len(out) != 1 || e.message() != nil || len(failed) != 1 {
			t.Errorf("what cannot be encoded became %#v, failures %v", out, failed)
		}
	}

	d := p.NewDecoder()
	var decoded []any
	_ = d.On("decoded", func(args ...any) { decoded = append(decoded, args...) })
	in := &parser.Packet{Type: parser.CONNECT, Nsp: "/"}
	if err := d.Add(in); err != nil || !slices.Equal(decoded, []any{in}) {
		t.Errorf("passed on %v, %v", decoded, err)
	}
	if err := d.Add("42[]"); err == nil || len(decoded) != 1 {
		t.Errorf("took what is no packet: %v, %v", decoded, err)
	}
	d.Destroy()
}

// What the library writes into packets is written as it would be by reflection.
func TestPayloads(t *testing.T) {
	for _, c := range []struct {
		got  any
		want string
	}{
		{acceptance(&accepted{Sid: "a"}), `{"sid":"a"}`},
		{acceptance(&accepted{Sid: "a", Pid: "b"}), `{"sid":"a","pid":"b"}`},
		{acceptance(nil), "null"},
		{withoutNil(map[string]any{"message": "no", "data": nil}), `{"message":"no"}`},
		{withoutNil(map[string]any{"message": "no", "data": 1}), `{"data":1,"message":"no"}`},
		{withoutNil("no"), `"no"`},
	} {
		if got := asJSON(t, c.got); got != c.want {
			t.Errorf("%v is written %s, want %s", c.got, got, c.want)
		}
	}
}
