package nodewire

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

func TestChannels(t *testing.T) {
	c := NewChannels("", "/")
	if got := []string{c.Broadcast(nil), c.Broadcast([]string{"a"}), c.Broadcast([]string{"a", "b"}), c.Request(), c.Response(), c.ResponseTo("u")}; !reflect.DeepEqual(got,
		[]string{"socket.io#/#", "socket.io#/#a#", "socket.io#/#", "socket.io-request#/#", "socket.io-response#/#", "socket.io-response#/#u#"}) {
		t.Errorf("got %q", got)
	}
	if got := EveryBroadcast("a*[b]?\\"); got != `a\*\[b\]\?\\#*` {
		t.Errorf("got %s", got)
	}
}

// pack encodes strings, integers, lists, maps in pairs and raw msgpack.
func pack(v any) []byte {
	switch v := v.(type) {
	case msgp.Raw:
		return v
	case list:
		out := msgp.AppendArrayHeader(nil, uint32(len(v)))
		for _, e := range v {
			out = append(out, pack(e)...)
		}
		return out
	case pairs:
		out := msgp.AppendMapHeader(nil, uint32(len(v)/2))
		for _, e := range v {
			out = append(out, pack(e)...)
		}
		return out
	}
	out, err := msgp.AppendIntf(nil, v)
	if err != nil {
		panic(err)
	}
	return out
}

type (
	list  []any
	pairs []any
)

// noOptions are those of a broadcast to all.
var noOptions = pairs{"rooms", list{}, "except", list{}, "flags", pairs{}}

func event(args ...any) list {
	return list{"uid", pairs{"type", 2, "data", append(list{"e"}, args...), "nsp", "/"}, noOptions}
}

func TestDecodeBroadcast(t *testing.T) {
	for _, c := range []struct {
		name string
		arg  any
		want string
	}{
		{"the largest integers", list{uint64(1<<64 - 1), int64(-1 << 63)}, `[[18446744073709551615,-9223372036854775808]]`},
		{"floats", list{1e21, 1e20, float32(0.5), 2.0, 1e-7, 1.5e-300}, `[[1e+21,100000000000000000000,0.5,2,1e-7,1.5e-300]]`},
		{"keys that are numbers", pairs{1, "a", -1, "b"}, `[{"1":"a","-1":"b"}]`},
		{"a key twice", pairs{"a", 1, "a", 2}, `[{"a":1,"a":2}]`},
		{"invalid UTF-8", msgp.Raw("\xa2a\xff"), `["a�"]`},
		{"old undefined", msgp.Raw("\xd4\x00\x00"), `[null]`},
		{"old date", msgp.Raw("\xd7\x00\x00\x00\x00\x00\x00\x00\x03\xe8"), `["1970-01-01T00:00:01.000Z"]`},
		{"old ArrayBuffer", msgp.Raw("\xc7\x02\x00ab"), `[{"_placeholder":true,"num":0}] 6162`},
		{"ArrayBuffer with two bytes of length", msgp.Raw("\xc8\x00\x02\x00ab"), `[{"_placeholder":true,"num":0}] 6162`},
		{"ArrayBuffer with four bytes of length", msgp.Raw("\xc9\x00\x00\x00\x02\x00ab"), `[{"_placeholder":true,"num":0}] 6162`},
		{"no date", msgp.Raw("\xc7\x0c\xff\x00\x00\x00\x00\x7f\x00\x00\x00\x00\x00\x00\x00"), `[null]`},
		{"a lookalike", pairs{"_placeholder", true, "num", 0}, `[{"_placeholder":true,"num":0}]`},
		{"a lookalike and an attachment", list{pairs{"_placeholder", true, "num", 0}, []byte("a"), pairs{"_placeholder", true, "x", []byte("b")}},
			`[[null,{"_placeholder":true,"num":0},null]] 61`},
	} {
		b, err := DecodeBroadcast(pack(event(c.arg)), jsonval.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := show(b.Args); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	old := list{"uid", pairs{"type", 5, "data", list{"e"}, "more", list{1, pairs{"a", 2}}}, pairs{"rooms", nil, "flags", nil, "more", 1}}
	b, err := DecodeBroadcast(pack(old), jsonval.Limits{})
	if err != nil || b.Namespace != "/" || b.Event != "e" || b.Args != nil || b.Target.Rooms != nil {
		t.Errorf("a sparse message: got %+v, %v", b, err)
	}
}

func TestDecodeBroadcastRefuses(t *testing.T) {
	sent := pairs{"type", 2, "data", list{"e"}, "nsp", "/"}
	deep := any(nil)
	for range 200 {
		deep = list{deep}
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "ends early"}, {"not an array", pack(pairs{"a", 1}), "in place of array"}, {"two parts", pack(list{"uid", sent}), "array of three"},
		{"a fourth part", pack(list{"uid", sent, noOptions, 1}), "array of three"},
		{"more bytes", append(pack(event()), 1), "bytes after"}, {"uid", pack(list{nil, sent, noOptions}), "nil in place of str"},
		{"a packet that is none", pack(list{"uid", nil, noOptions}), "in place of map"}, {"a connect packet", pack(list{"uid", pairs{"type", 0, "data", list{"e"}}, noOptions}), "no event"},
		{"no type", pack(list{"uid", pairs{"data", list{"e"}}, noOptions}), "no event"}, {"no data", pack(list{"uid", pairs{"type", 2}, noOptions}), "without data"},
		{"no name", pack(list{"uid", pairs{"type", 2, "data", list{}}, noOptions}), "without a name"},
		{"data that is no array", pack(list{"uid", pairs{"type", 2, "data", "e"}, noOptions}), "in place of array"},
		{"options that are none", pack(list{"uid", sent, nil}), "in place of map"}, {"a room that is none", pack(list{"uid", sent, pairs{"rooms", list{true}}}), "in place of str"},
		{"an unknown extension", pack(event(msgp.Raw("\xd4\x05a"))), "extension type 5"}, {"a cut extension", pack(event(msgp.Raw("\xc9\x00"))), "ends early"},
		{"the unused byte", pack(event(msgp.Raw("\xc1"))), "invalid msgpack"}, {"a key of another type", pack(event(pairs{true, 1})), "in place of str"},
		{"an array of 4 G", []byte("\xdd\xff\xff\xff\xff"), "ends early"}, {"a map of 4 G", pack(event(msgp.Raw("\xdf\xff\xff\xff\xff"))), "ends early"},
		{"a text of 4 GB", pack(event(msgp.Raw("\xdb\xff\xff\xff\xff"))), "ends early"},
		{"depth", pack(event(deep)), "limit of depth (128)"},
		{"skipped depth", pack(list{"uid", pairs{"x", msgp.Raw(strings.Repeat("\x91", 200_000))}, noOptions}), "invalid msgpack"},
		{"arguments", pack(event(make(list, 1025)...)), "limit of arguments (1024)"},
	} {
		_, err := DecodeBroadcast(c.data, jsonval.Limits{})
		var known *packet.Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	whole := pack(event("hello", pairs{"a", []byte("b")}, 1.5, msgp.Raw("\xd6\xff\x00\x00\x00\x00")))
	for i := range whole {
		if _, err := DecodeBroadcast(whole[:i], jsonval.Limits{}); err == nil {
			t.Errorf("the first %d bytes alone were taken", i)
		}
	}
	for limit, limits := range map[string]jsonval.Limits{
		packet.LimitBytes: {MaxBytes: len(whole) - 1}, jsonval.LimitValues: {MaxValues: 2}, packet.LimitAttachments: {MaxAttachments: 1},
	} {
		_, err := DecodeBroadcast(pack(event("hello", []byte("a"), []byte("b"), make([]byte, 20))), limits)
		var known *packet.Error
		if !errors.As(err, &known) || known.Limit != limit {
			t.Errorf("got %v, want the limit of %s", err, limit)
		}
	}
}

func TestRequestsAndResponsesRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", ``, "ends early"}, {"cut", `{"type":1`, "JSON"}, {"a list in msgpack", "\x90", "not an object"},
		{"no type", `{"requestId":"a"}`, "without type"}, {"unknown type", `{"type":10}`, "type 10"}, {"a response's type", `{"type":8,"requestId":"a"}`, "type 8"},
		{"a type that is none", `{"type":"1"}`, "not an integer"}, {"no id", `{"type":1}`, "without requestId"}, {"no opts", `{"type":5,"requestId":"a"}`, "opts"},
		{"join without rooms", `{"type":2,"opts":{}}`, "rooms"}, {"join of nobody", `{"type":2,"rooms":["a"]}`, "opts"}, {"disconnect of nobody", `{"type":4}`, "opts"},
		{"no event", `{"type":6}`, "event"}, {"an event without a name", `{"type":6,"data":[]}`, "name"}, {"data that is none", `{"type":6,"data":{}}`, "not a list"},
		{"a packet that is no event", `{"type":7,"requestId":"a","opts":{},"packet":{"type":1,"data":["e"]}}`, "no event"},
		{"no packet", `{"type":7,"requestId":"a","opts":{}}`, "event"},
		{"rooms that are none", `{"type":2,"opts":{"rooms":"a"},"rooms":[]}`, "rooms is not a list"}, {"a room that is none", `{"type":2,"opts":{},"rooms":[true]}`, "rooms is not a string"},
		{"opts that are none", `{"type":2,"opts":[]}`, "opts is not an object"}, {"depth", `{"type":6,"data":["e",` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `]}`, "depth"},
	} {
		_, err := DecodeRequest([]byte(c.text), jsonval.Limits{})
		var known *packet.Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{`{"type":8}`, "requestId"}, {`{"requestId":"a","sockets":[1]}`, "socket"}, {`{"requestId":"a","sockets":{}}`, "list"}, {`{"requestId":"a","rooms":1}`, "list"},
		{`{"requestId":"a","clientCount":1.5}`, "integer"}, {`{"requestId":"a","rooms":[1,2,3]}`, "values"}, {"\xc3", "object"},
	} {
		if _, err := DecodeResponse([]byte(c.text), jsonval.Limits{MaxValues: 2}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
}

// TestRoundTrip encodes what Node does not show in the captured messages.
func TestRoundTrip(t *testing.T) {
	value := func(text string) packet.Value { return packet.Value{JSON: []byte(text)} }
	for _, r := range []Request{
		{Type: RemoteJoin, UID: "u", RequestID: "r", SID: "s", Room: "a", Namespace: "/"},
		{Type: RemoteDisconnect, UID: "u", SID: "s", Close: true, Namespace: "/"},
		{Type: Sockets, UID: "u", RequestID: "r", Rooms: []string{"a"}, Namespace: "/"},
		{Type: RemoteLeave, HasTarget: true, Target: Target{Rooms: []string{}, Except: []string{"x"}}, Rooms: []string{}, Namespace: "/"},
	} {
		data, err := AppendRequest(nil, &r)
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		if got, err := DecodeRequest(data, jsonval.Limits{}); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", data, got, err, r)
		}
	}
	attached := packet.Value{JSON: []byte(`[{"_placeholder":true,"num":0},"a"]`), Attachments: [][]byte{{1, 255}}}
	for _, c := range []struct {
		response Response
		want     string
	}{
		{Response{Type: NoType, RequestID: "r", SocketIDs: []string{"a", "b"}}, `{"requestId":"r","sockets":["a","b"]}`},
		{Response{Type: NoType, RequestID: "r", Sockets: []Socket{}}, `{"requestId":"r","sockets":[]}`},
		{Response{Type: NoType, RequestID: "r", Rooms: []string{}}, `{"requestId":"r","rooms":[]}`},
		{Response{Type: NoType, RequestID: "r"}, `{"requestId":"r"}`},
		{Response{Type: NoType, RequestID: "r", Sockets: []Socket{{ID: "i", Handshake: value(`{"b":1,"a":2}`), Rooms: []string{"i"}, Data: attached}}},
			`{"requestId":"r","sockets":[{"id":"i","handshake":{"b":1,"a":2},"rooms":["i"],"data":[{"type":"Buffer","data":[1,255]},"a"]}]}`},
		{Response{Type: ServerSideEmit, RequestID: "r", Data: attached}, `{"type":6,"requestId":"r","data":[{"type":"Buffer","data":[1,255]},"a"]}`},
	} {
		if got, err := AppendResponse(nil, &c.response); err != nil || string(got) != c.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	bad := []packet.Value{{JSON: []byte(`{"a"`)}}
	dst := []byte("before")
	check := func(what string, got []byte, err error) {
		var known *packet.Error
		if !errors.As(err, &known) || string(got) != "before" {
			t.Errorf("%s: got %q, %v", what, got, err)
		}
	}
	got, err := AppendBroadcast(dst, &Broadcast{Event: "e", Args: bad})
	check("broadcast", got, err)
	got, err = AppendRequest(dst, &Request{Type: ServerSideEmit, Event: "e", Args: bad})
	check("server-side emit", got, err)
	got, err = AppendRequest(dst, &Request{Type: BroadcastWithAck, RequestID: "r", HasTarget: true, Event: "e", Args: bad})
	check("broadcast with ack", got, err)
	got, err = AppendRequest(dst, &Request{Type: RemoteJoin})
	check("join", got, err)
	got, err = AppendResponse(dst, &Response{Type: BroadcastAck, RequestID: "r", Data: bad[0]})
	check("ack", got, err)
	got, err = AppendResponse(dst, &Response{Type: ServerSideEmit, RequestID: "r", Data: bad[0]})
	check("answer", got, err)
	got, err = AppendResponse(dst, &Response{Type: AllRooms})
	check("no id", got, err)
}
