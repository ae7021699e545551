package flaskqueue

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// showArgs writes arguments as a packet would, attachments behind them.
func showArgs(args []packet.Value) string {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a
	}
	text, attachments, err := packet.AppendAck(nil, "/", 0, all)
	if err != nil {
		return err.Error()
	}
	s := string(text[bytes.IndexByte(text, '['):])
	for _, a := range attachments {
		s += fmt.Sprintf(" %x", a)
	}
	return s
}

func show(m Message) string {
	s := fmt.Sprintf("%s %s %s", m.Method, m.HostID, m.Namespace)
	switch m.Method {
	case Emit:
		s += fmt.Sprintf(" %s %s to %v nil=%v skip %v", m.Event, showArgs(m.Args), m.Rooms, m.Rooms == nil, m.SkipSIDs)
		if m.Callback != nil {
			s += fmt.Sprintf(" callback %v", *m.Callback)
		}
	case Callback:
		s += fmt.Sprintf(" sid %s id %d %s", m.SID, m.ID, showArgs(m.Args))
	default:
		if m.SID != "" {
			s += " sid " + m.SID
		}
		if m.Room != "" {
			s += " room " + m.Room
		}
	}
	return s
}

// emit is an emit of python-socketio 5.16 with this data.
func emit(data string) string {
	return `{"method": "emit", "event": "message", "data": ` + data + `, "namespace": "/", "room": null, "skip_sid": null, "callback": null, "host_id": "H"}`
}

// TestDecodeJSON reads what python-socketio 5.14 to 5.16 were seen to publish.
func TestDecodeJSON(t *testing.T) {
	const start, end = `emit H / message `, ` to [] nil=true skip []`
	for _, c := range []struct{ name, text, want string }{
		{"5.16", `{"method": "emit", "event": "message", "data": ["hello"], "binary": false, "namespace": "/", "room": null, "skip_sid": null, "callback": null, "host_id": "H"}`, start + `["hello"]` + end},
		{"none", emit(`[null], "binary": false`), start + `[]` + end},
		{"two", emit(`["a", 1], "binary": false`), start + `["a",1]` + end},
		{"two nulls", emit(`[null, null]`), start + `[null,null]` + end},
		{"a list", emit(`[[1, 2]], "binary": false`), start + `[[1, 2]]` + end},
		{"an empty list", emit(`[]`), start + `[]` + end},
		{"bytes", emit(`[[{"_placeholder": true, "num": 0}], "AAFoZWxsbw=="], "binary": true`), start + `[{"_placeholder": true, "num": 0}] 000168656c6c6f` + end},
		{"bytes in 5.15", emit(`[{"a": {"_placeholder": true, "num": 1}, "b": {"_placeholder": true, "num": 0}}, "AA==", "AQ=="], "binary": true`),
			start + `[{"a": {"_placeholder":true,"num":0}, "b": {"_placeholder":true,"num":1}}] 01 00` + end},
		{"binary first", `{"binary": true, ` + emit(`[[{"_placeholder": true, "num": 0}], ""]`)[1:], start + `[{"_placeholder": true, "num": 0}] ` + end},
		{"5.14, a string", emit(`"hi"`), start + `["hi"]` + end},
		{"5.14, an object", emit(`{"z": 1, "a": 9007199254740993}`), start + `[{"z": 1, "a": 9007199254740993}]` + end},
		{"5.14, None", emit(`null`), start + `[]` + end},
		{"escapes", emit(`["\u00e9\ud83d\ude00\ud800"]`), start + `["\u00e9\ud83d\ude00\ud800"]` + end},
		{"NaN", emit(`[NaN, [Infinity, -Infinity], "NaN \" Infinity", -1]`), start + `[null,[null, null],"NaN \" Infinity",-1]` + end},
		{"room and skip_sid", `{"method":"emit","event":"e","data":[1],"room":"room1","skip_sid":"S"}`, `emit  / e [1] to [room1] nil=false skip [S]`},
		{"rooms and skip_sids", `{"method":"emit","event":"e","data":[1],"room":["r1",2],"skip_sid":["S1","S2"]}`, `emit  / e [1] to [r1 2] nil=false skip [S1 S2]`},
		{"no rooms", `{"method":"emit","event":"e","data":[1],"room":[]}`, `emit  / e [1] to [] nil=false skip []`},
		{"callback", `{"method":"emit","event":"e","data":[1],"room":"SID","callback":["SID","/",1],"host_id":"H"}`, `emit H / e [1] to [SID] nil=false skip [] callback {SID / 1}`},
		{"its reply", `{"method": "callback", "host_id": "H", "sid": "SID", "namespace": "/", "id": 1, "args": ["ack1", {"z": 1}]}`, `callback H / sid SID id 1 ["ack1",{"z": 1}]`},
		{"a reply of null", `{"method": "callback", "host_id": "H", "sid": "SID", "namespace": "/", "id": 1, "args": [null]}`, `callback H / sid SID id 1 [null]`},
		{"close_room", `{"method": "close_room", "room": "room1", "namespace": "/", "host_id": "H"}`, `close_room H / room room1`},
		{"enter_room", `{"method": "enter_room", "sid": "SID", "room": "room9", "namespace": "/chat", "host_id": "H"}`, `enter_room H /chat sid SID room room9`},
		{"leave_room", `{"method": "leave_room", "sid": "SID", "room": 9, "namespace": null, "host_id": "H"}`, `leave_room H / sid SID room 9`},
		{"disconnect", ` {"method": "disconnect", "sid": "SID", "namespace": "/", "host_id": "H", "new": {}}`, `disconnect H / sid SID`},
		{"a field twice", `{"method":"disconnect","sid":"a","sid":"b"}`, `disconnect  / sid b`},
	} {
		m, err := Decode([]byte(c.text), jsonval.Limits{})
		if err != nil || show(m) != c.want || m.Format != FormatJSON {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", c.name, show(m), err, c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "empty"}, {"cut", `{"method":"emit"`, "JSON"}, {"a list", " []", "not an object"}, {"half a word", `{"method":Na}`, "JSON"},
		{"no method", `{}`, "method is missing"}, {"unknown method", `{"method":"dance"}`, "unknown method"}, {"a method that is none", `{"method":{}}`, "method is not a string"},
		{"a namespace that is none", `{"method":"disconnect","sid":"a","namespace":[]}`, "namespace is not a string"}, {"no event", `{"method":"emit","data":[]}`, "event is missing"},
		{"no data", `{"method":"emit","event":"e"}`, "data is missing"}, {"a room that is none", `{"method":"emit","event":"e","data":[],"room":true}`, "room is neither"},
		{"a list of rooms that are none", `{"method":"emit","event":"e","data":[],"room":[[]]}`, "room is neither"},
		{"callback of two", `{"method":"emit","event":"e","data":[],"callback":["a","/"]}`, "callback"}, {"callback of four", `{"method":"emit","event":"e","data":[],"callback":["a","/",1,2]}`, "callback"},
		{"callback of nonsense", `{"method":"emit","event":"e","data":[],"callback":["a","/","b"]}`, "callback"},
		{"no sid", `{"method":"disconnect"}`, "sid is missing"}, {"no room", `{"method":"enter_room","sid":"a"}`, "room is missing"}, {"no id", `{"method":"callback","sid":"a","args":[]}`, "id is missing"},
		{"negative id", `{"method":"callback","sid":"a","id":-1,"args":[]}`, "id is not a number"}, {"no args", `{"method":"callback","sid":"a","id":1}`, "args is missing"},
		{"binary without data", emit(`[], "binary": true`), "without the data"}, {"binary that is none", emit(`{}, "binary": true`), "array"},
		{"no base64", emit(`[[], "?"], "binary": true`), "base64"}, {"a number for base64", emit(`[[], 1], "binary": true`), "base64"},
		{"no attachment", emit(`[[{"_placeholder": true, "num": 1}], ""], "binary": true`), "no attachment"},
		{"depth", emit(deep), "depth"}, {"fields", `{"a":1` + strings.Repeat(`,"a":1`, 64) + `}`, "too many fields"},
		{"arguments", emit("[" + strings.Repeat("1,", 1024) + "1]"), "arguments (1024)"},
		{"rooms", `{"method":"emit","event":"e","data":[],"room":[` + strings.Repeat("1,", 2000) + `1]}`, "too long"},
		{"a pickled string", "\x80\x04\x8c\x01a.", "not a dictionary"}, {"os.system", "cos\nsystem\n(Vtrue\ntR.", "GLOBAL"}, {"rubbish", "hello", "pickle"},
		{"many arguments, pickled", "}(Vmethod\nVemit\nVevent\nVe\nVdata\n(" + strings.Repeat("N", 1025) + "tu.", "arguments (1024)"},
		{"cyclic data", "}(Vmethod\nVemit\nVevent\nVe\nVdata\n]q\x00h\x00au.", "holds itself"},
		{"cyclic rooms", "}(Vmethod\nVemit\nVevent\nVe\nVdata\nNVroom\n]q\x00h\x00au.", "holds itself"},
	} {
		_, err := Decode([]byte(c.text), jsonval.Limits{MaxValues: 1500})
		var known *packet.Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	for limit, limits := range map[string]jsonval.Limits{packet.LimitBytes: {MaxBytes: 20}, packet.LimitAttachments: {MaxAttachments: 1}} {
		_, err := Decode([]byte(emit(`[[{"_placeholder": true, "num": 0}], "", ""], "binary": true`)), limits)
		var known *packet.Error
		if !errors.As(err, &known) || known.Limit != limit {
			t.Errorf("got %v, want the limit of %s", err, limit)
		}
	}
}

// messages are of all kinds.
func messages() []Message {
	binary := packet.Value{JSON: []byte(`[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`), Attachments: [][]byte{[]byte("zero"), {}}}
	return []Message{
		{Method: Emit, Namespace: "/", Event: "é\"", Args: []packet.Value{packet.TextValue("hi"), {JSON: []byte(`{"z":1,"a":9007199254740993}`)}, {}}},
		{Method: Emit, Namespace: "/chat", Event: "e", Args: []packet.Value{binary, packet.BytesValue([]byte("b"))}, Rooms: []string{}, SkipSIDs: []string{"a", "b"}},
		{Method: Emit, Namespace: "/", Event: "e", Rooms: []string{"r1", "r2"}, SkipSIDs: []string{"s"}, Callback: &CallbackRef{"SID", "/", 1<<63 - 1}},
		{Method: Callback, Namespace: "/", SID: "s", ID: 7, Args: []packet.Value{{JSON: []byte(`[null]`)}}},
		{Method: CloseRoom, Namespace: "/", Room: "r"}, {Method: EnterRoom, Namespace: "/", SID: "s", Room: "r"},
		{Method: LeaveRoom, Namespace: "/", SID: "s", Room: "r"}, {Method: Disconnect, Namespace: "/", SID: "s"},
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range messages() {
		m.HostID = "H"
		for _, format := range []Format{FormatJSON, FormatPickle} {
			m.Format = format
			data, err := Append([]byte("before"), &m, format)
			if err != nil || !bytes.HasPrefix(data, []byte("before")) {
				t.Errorf("%s: %q, %v", show(m), data, err)
				continue
			}
			got, err := Decode(data[len("before"):], jsonval.Limits{})
			if err != nil || show(got) != show(m) || got.Format != format {
				t.Errorf("%q:\ngot  %s, %v\nwant %s", data, show(got), err, show(m))
			}
		}
	}
}

// TestEncodesAs516 compares with what 5.16 was seen to publish.
func TestEncodesAs516(t *testing.T) {
	for _, c := range []struct {
		m    Message
		want string
	}{
		{Message{Method: Emit, Event: "message", Args: []packet.Value{packet.TextValue("hello")}, HostID: "H"},
			`{"method":"emit","event":"message","data":["hello"],"binary":false,"room":null,"skip_sid":null,"callback":null,"namespace":"/","host_id":"H"}`},
		{Message{Method: Emit, Event: "message", Args: []packet.Value{packet.BytesValue([]byte("\x00\x01hello"))}, Rooms: []string{"room1"}, SkipSIDs: []string{"S1", "S2"}, HostID: "H"},
			`{"method":"emit","event":"message","data":[[{"_placeholder":true,"num":0}],"AAFoZWxsbw=="],"binary":true,"room":"room1","skip_sid":["S1","S2"],"callback":null,"namespace":"/","host_id":"H"}`},
		{Message{Method: Callback, HostID: "H", SID: "SID", ID: 1, Args: []packet.Value{packet.TextValue("ack1")}},
			`{"method":"callback","sid":"SID","id":1,"args":["ack1"],"namespace":"/","host_id":"H"}`},
	} {
		if got, err := Append(nil, &c.m, FormatJSON); err != nil || string(got) != c.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	bad := []packet.Value{{JSON: []byte(`{"a"`)}}
	for _, m := range []Message{
		{}, {Method: "dance"}, {Method: Emit, Event: "e", Args: bad}, {Method: Callback, Args: bad}, {Method: Callback, ID: 1 << 63},
		{Method: Emit, Event: "e", Callback: &CallbackRef{ID: 1 << 63}},
	} {
		for _, format := range []Format{FormatJSON, FormatPickle} {
			got, err := Append([]byte("before"), &m, format)
			var known *packet.Error
			if !errors.As(err, &known) || string(got) != "before" {
				t.Errorf("%+v: got %q, %v", m, got, err)
			}
		}
	}
	m := Message{Method: Callback, Args: []packet.Value{packet.BytesValue([]byte("b"))}}
	if _, err := Append(nil, &m, FormatJSON); err == nil {
		t.Error("a binary acknowledgement was written as JSON")
	}
}

// FuzzDecode: what is taken has to be fit for a client, and the same once it was written in either
// format and read again.
func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		for _, format := range []Format{FormatJSON, FormatPickle} {
			data, err := Append(nil, &m, format)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte(emit(`[NaN, -Infinity]`)))
	limits := jsonval.Limits{MaxBytes: 4096, MaxValues: 1000, MaxDepth: 20, MaxAttachments: 4}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, limits)
		if err != nil {
			return
		}
		for _, format := range []Format{FormatJSON, FormatPickle} {
			again, err := Append(nil, &m, format)
			if err != nil {
				if m.Method == Callback || strings.Contains(err.Error(), "4300") {
					continue // what the format cannot carry
				}
				t.Fatalf("%s: %v", show(m), err)
			}
			n, err := Decode(again, jsonval.Limits{})
			if err != nil {
				t.Fatalf("%s was written as %q: %v", show(m), again, err)
			}
			n.Format, n.Args, m.Args = m.Format, nil, nil // numbers and texts may be spelled another way
			if !reflect.DeepEqual(n, m) {
				t.Fatalf("first %s\nthen  %s", show(m), show(n))
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	chat := packet.Value{JSON: []byte(`{"user":"bob","text":"` + strings.Repeat("hello ", 10) + `","n":1,"tags":["a","b"]}`)}
	for name, args := range map[string][]packet.Value{
		"text": {packet.TextValue("hello")}, "object": {chat}, "binary": {packet.BytesValue(make([]byte, 4096))},
	} {
		for format, of := range []string{"JSON", "pickle"} {
			m := Message{Method: Emit, Event: "message", Args: args, Rooms: []string{"room1"}, HostID: strings.Repeat("0", 32)}
			data, err := Append(nil, &m, Format(format))
			if err != nil {
				b.Fatal(err)
			}
			b.Run(of+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := Decode(data, jsonval.Limits{}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportAllocs()
			})
		}
	}
}
