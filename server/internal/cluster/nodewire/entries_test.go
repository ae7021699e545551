package nodewire

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

func value(text string) packet.Value { return packet.Value{JSON: []byte(text)} }

func bytesValue(data ...byte) packet.Value { return packet.BytesValue(data) }

// TestEntriesAreNodes compares what is written with what Node's streams adapter 0.3.1 did.
func TestEntriesAreNodes(t *testing.T) {
	room := Target{Rooms: []string{"room1"}}
	for _, c := range []struct {
		broadcast *Broadcast
		request   *Request
		typ, data string
	}{
		{broadcast: &Broadcast{Event: "message", Args: []packet.Value{value(`"hello"`)}}, typ: "3",
			data: `{"packet":{"type":2,"data":["message","hello"]},"opts":{"rooms":[],"except":[],"flags":{}}}`},
		{broadcast: &Broadcast{Event: "message", Target: Target{Rooms: []string{"room1"}, Except: []string{"x"}}, Flags: Flags{Volatile: true}}, typ: "3",
			data: `{"packet":{"type":2,"data":["message"]},"opts":{"rooms":["room1"],"except":["x"],"flags":{"volatile":true}}}`},
		{broadcast: &Broadcast{Event: "message", Args: []packet.Value{bytesValue(1, 0, 127), {JSON: []byte(`{"b":{"_placeholder":true,"num":0}}`), Attachments: [][]byte{{'x'}}}}}, typ: "3",
			data: base64.StdEncoding.EncodeToString(pack(pairs{"packet", pairs{"type", 2, "data", list{"message", []byte{1, 0, 127}, pairs{"b", []byte("x")}}},
				"opts", pairs{"rooms", list{}, "except", list{}, "flags", pairs{}}}))},
		{request: &Request{Type: RemoteJoin, HasTarget: true, Target: room, Rooms: []string{"room2"}}, typ: "4",
			data: `{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["room2"]}`},
		{request: &Request{Type: RemoteLeave, HasTarget: true, Target: room, Rooms: []string{"room2"}}, typ: "5",
			data: `{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["room2"]}`},
		{request: &Request{Type: RemoteDisconnect, HasTarget: true, Close: true}, typ: "6",
			data: `{"opts":{"rooms":[],"except":[],"flags":{}},"close":true}`},
	} {
		var got Entry
		var err error
		if c.broadcast != nil {
			c.broadcast.UID, c.broadcast.Namespace = "u", "/"
			got, err = BroadcastEntry(c.broadcast)
		} else {
			c.request.UID = "u"
			got, err = RequestEntry("/", c.request)
		}
		if want := (Entry{UID: "u", Namespace: "/", Type: c.typ, Data: c.data}); err != nil || got != want {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
		b, r, err := got.Decode(jsonval.Limits{})
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.data, err)
		case b != nil && (c.broadcast == nil || b.Event != c.broadcast.Event || show(b.Args) != show(c.broadcast.Args) || b.Flags != c.broadcast.Flags ||
			strings.Join(b.Target.Rooms, " ") != strings.Join(c.broadcast.Target.Rooms, " ") || b.Namespace != "/"):
			t.Errorf("read %+v, want %+v", b, c.broadcast)
		case r != nil && (c.request == nil || r.Type != c.request.Type || !reflect.DeepEqual(r.Rooms, c.request.Rooms) || r.Close != c.request.Close):
			t.Errorf("read %+v, want %+v", r, c.request)
		}
	}
}

// TestEntriesRefused: what another version, or somebody else, has written.
func TestEntriesRefused(t *testing.T) {
	bad := func(typ, data string) Entry { return Entry{UID: "u", Namespace: "/", Type: typ, Data: data} }
	pack64 := func(v any) string { return base64.StdEncoding.EncodeToString(pack(v)) }
	for _, e := range []Entry{
		{}, bad("3", ""), bad("x", "{}"), bad("1", ""), bad("13", ""), bad("9", `{"packet":["e"]}`), bad("3", "{}"), bad("3", "{"), bad("3", "[]"),
		bad("3", `{"packet":{"type":2,"data":[]}}`), bad("3", `{"packet":{"type":0,"data":["e"]}}`), bad("3", `{"packet":{"type":2,"data":[1.5]}}`),
		bad("3", `{"packet":{"type":2,"data":["e"]},"requestId":"r"}`), bad("3", `{"packet":{"type":2,"data":["e"]},"opts":{"rooms":1}}`),
		bad("4", `{"rooms":["a"]}`), bad("4", `{"opts":{}}`), bad("6", `{"close":true}`), bad("3", "?"), bad("3", "e30="), bad("3", pack64("text")),
		bad("3", "gqY"), bad("3", strings.Repeat("A", 44_000_000)), bad("3", `{"a":"`+strings.Repeat("A", 33_000_000)+`"}`),
		bad("5", `{"opts":{},"rooms":[`+strings.Repeat(`"a",`, MaxRooms)+`"a"]}`), bad("3", `{"packet":`+strings.Repeat("[", 100_000)),
	} {
		if b, r, err := e.Decode(jsonval.Limits{}); err == nil {
			t.Errorf("%.80q was read as %+v, %+v", e.Data, b, r)
		} else if known, ok := err.(*packet.Error); !ok || len(known.Error()) > 100 {
			t.Errorf("%.80q: %T %.200q", e.Data, err, err)
		}
	}
	if _, err := RequestEntry("/", &Request{Type: RemoteFetch, RequestID: "r", HasTarget: true}); err == nil {
		t.Error("a question is no entry")
	}
	if _, err := RequestEntry("/", &Request{Type: RemoteJoin, SID: "s", Room: "r"}); err == nil {
		t.Error("an old request is no entry")
	}
}

// TestPublished writes and reads what Node's streams adapter publishes.
func TestPublished(t *testing.T) {
	opts := pairs{"rooms", list{"a"}, "except", list{}, "flags", pairs{}}
	target := Target{Rooms: []string{"a"}, Except: []string{}}
	for _, c := range []struct {
		request  *Request
		response *Response
		want     []byte
	}{
		{request: &Request{Type: RemoteFetch, RequestID: "r", HasTarget: true, Target: target},
			want: pack(pairs{"type", 7, "data", pairs{"requestId", "r", "opts", opts}, "uid", "u", "nsp", "/n"})},
		{request: &Request{Type: ServerSideEmit, Event: "e", Args: []packet.Value{value("1"), bytesValue(2)}},
			want: pack(pairs{"type", 9, "data", pairs{"packet", list{"e", 1, []byte{2}}}, "uid", "u", "nsp", "/n"})},
		{request: &Request{Type: BroadcastWithAck, RequestID: "r", HasTarget: true, Target: target, Event: "e", Args: []packet.Value{}},
			want: pack(pairs{"type", 3, "data", pairs{"requestId", "r", "opts", opts, "packet", pairs{"type", 2, "data", list{"e"}}}, "uid", "u", "nsp", "/n"})},
		{response: &Response{Type: RemoteFetch, RequestID: "r", Sockets: []Socket{{ID: "s", Handshake: value("{}"), Rooms: []string{"s"}, Data: value("{}")}}, SocketIDs: []string{}},
			want: pack(pairs{"type", 8, "data", pairs{"requestId", "r", "sockets", list{pairs{"id", "s", "handshake", pairs{}, "rooms", list{"s"}, "data", pairs{}}}}, "uid", "u", "nsp", "/n"})},
		{response: &Response{Type: RemoteFetch, RequestID: "r", Sockets: []Socket{{ID: "s", Handshake: value("{}"), Data: value("{}"), Transport: "polling"}}},
			want: pack(pairs{"type", 8, "data", pairs{"requestId", "r", "sockets", list{pairs{"id", "s", "handshake", pairs{}, "rooms", list{}, "data", pairs{}, "transport", "polling"}}}, "uid", "u", "nsp", "/n"})},
		{response: &Response{Type: ServerSideEmit, RequestID: "r", Data: value("1")},
			want: pack(pairs{"type", 10, "data", pairs{"requestId", "r", "packet", 1}, "uid", "u", "nsp", "/n"})},
		{response: &Response{Type: BroadcastClientCount, RequestID: "r", ClientCount: 5},
			want: pack(pairs{"type", 11, "data", pairs{"requestId", "r", "clientCount", 5}, "uid", "u", "nsp", "/n"})},
		{response: &Response{Type: BroadcastAck, RequestID: "r", Data: value("1")},
			want: pack(pairs{"type", 12, "data", pairs{"requestId", "r", "packet", 1}, "uid", "u", "nsp", "/n"})},
		{response: &Response{Type: BroadcastAck, RequestID: "r", Data: value("1"), Client: "c", Args: []packet.Value{value("1"), value("2")}},
			want: pack(pairs{"type", 12, "data", pairs{"requestId", "r", "packet", 1, "client", "c", "args", list{1, 2}}, "uid", "u", "nsp", "/n"})},
	} {
		var got []byte
		var err error
		if c.request != nil {
			c.request.UID, c.request.Namespace = "u", "/n"
			got, err = AppendPublishedRequest(nil, "/n", c.request)
		} else {
			got, err = AppendPublishedResponse(nil, "u", "/n", c.response)
		}
		if err != nil || string(got) != string(c.want) {
			t.Errorf("got  %q, %v\nwant %q", got, err, c.want)
			continue
		}
		m, err := DecodePublished(got, jsonval.Limits{})
		if err != nil || m.UID != "u" || m.Namespace != "/n" {
			t.Errorf("%q was read as %+v, %v", got, m, err)
			continue
		}
		switch {
		case c.request != nil:
			if r := m.Request; r == nil || r.Type != c.request.Type || r.RequestID != c.request.RequestID || r.Event != c.request.Event || show(r.Args) != show(c.request.Args) {
				t.Errorf("read %+v, want %+v", r, c.request)
			}
		case m.Response == nil || m.Response.Type != c.response.Type || string(m.Response.Data.JSON) != string(c.response.Data.JSON) ||
			m.Response.Client != c.response.Client || len(m.Response.Sockets) != len(c.response.Sockets) || m.Response.ClientCount != c.response.ClientCount:
			t.Errorf("read %+v, want %+v", m.Response, c.response)
		}
	}
	for _, bad := range [][]byte{
		nil, []byte("x"), pack(list{}), pack(pairs{"type", 7}), pack(pairs{"type", 4, "data", pairs{"opts", opts, "rooms", list{"a"}}}), pack(pairs{"type", 9, "data", pairs{}}),
		pack(pairs{"type", 12, "data", pairs{}}), pack(pairs{"type", 3, "data", pairs{"packet", pairs{"type", 2, "data", list{"e"}}}}),
	} {
		if m, err := DecodePublished(bad, jsonval.Limits{}); err == nil {
			t.Errorf("%q was read as %+v", bad, m)
		}
	}
}

// FuzzEntry reads anything as an entry of a stream, and as a published message. What is taken has
// to be the same once it was encoded and decoded.
func FuzzEntry(f *testing.F) {
	f.Add("3", `{"packet":{"type":2,"data":["message","hello"]},"opts":{"rooms":[],"except":[],"flags":{}}}`)
	f.Add("3", "gqZwYWNrZXSCpHR5cGUCpGRhdGGTp21lc3NhZ2XEAwAB/4GhYsQBeKRvcHRzg6Vyb29tc5CmZXhjZXB0kKVmbGFnc4A=")
	f.Add("4", `{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["room2"]}`)
	f.Add("6", `{"opts":{},"close":true}`)
	f.Add("", string(pack(pairs{"type", 7, "data", pairs{"requestId", "r", "opts", pairs{}}, "uid", "u", "nsp", "/"})))
	f.Add("", string(pack(pairs{"type", 12, "data", pairs{"requestId", "r", "packet", 1}, "uid", "u", "nsp", "/"})))
	limits := jsonval.Limits{MaxBytes: 4096, MaxValues: 1000, MaxDepth: 20, MaxAttachments: 4}
	f.Fuzz(func(t *testing.T, typ, data string) {
		e := Entry{UID: "u", Namespace: "/", Type: typ, Data: data}
		b, r, err := e.Decode(limits)
		switch {
		case err != nil:
		case b != nil:
			again, err := BroadcastEntry(b)
			if err != nil {
				t.Fatal(err)
			}
			c, _, err := again.Decode(jsonval.Limits{})
			if err != nil || c == nil || show(c.Args) != show(b.Args) || c.Event != b.Event || again.Type != strconv.Itoa(kindBroadcast) {
				t.Fatalf("%q:\nfirst %+v\nthen  %+v, %v", data, b, c, err)
			}
		default:
			again, err := RequestEntry(e.Namespace, r)
			if err != nil {
				t.Fatal(err)
			}
			if _, s, err := again.Decode(jsonval.Limits{}); err != nil || s == nil || s.Type != r.Type || !reflect.DeepEqual(s.Rooms, r.Rooms) {
				t.Fatalf("%q:\nfirst %+v\nthen  %+v, %v", data, r, s, err)
			}
		}
		m, err := DecodePublished([]byte(data), limits)
		if err != nil {
			return
		}
		var again []byte
		if m.Request != nil {
			again, err = AppendPublishedRequest(nil, m.Namespace, m.Request)
		} else {
			again, err = AppendPublishedResponse(nil, m.UID, m.Namespace, m.Response)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodePublished(again, jsonval.Limits{}); err != nil {
			t.Fatalf("%q was written as %q: %v", data, again, err)
		}
	})
}
