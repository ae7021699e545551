package nodewire

import (
	"reflect"
	"testing"

	"hipflask/server/internal/packet/jsonval"
)

// FuzzDecode reads anything as each kind of message. What is taken has to be fit for a client, and
// the same once it was encoded and decoded.
func FuzzDecode(f *testing.F) {
	for _, seed := range [][]byte{
		pack(event("hello", pairs{"a", []byte("b")}, 1.5, list{1, -1, nil, true})),
		pack(pairs{"type", 9, "requestId", "r", "packet", []byte("b")}),
		pack(pairs{"type", 7, "requestId", "r", "packet", pairs{"type", 2, "data", list{"e", 1}}, "opts", noOptions}),
		[]byte(`{"uid":"u","type":2,"opts":{"rooms":["a"],"except":[]},"rooms":["b"]}`), []byte(`{"type":6,"requestId":"r","data":["e",{"a":1}]}`),
		[]byte(`{"requestId":"r","sockets":[{"id":"a","handshake":{},"rooms":["a"],"data":{}}]}`),
	} {
		f.Add(seed)
	}
	limits := jsonval.Limits{MaxBytes: 4096, MaxValues: 1000, MaxDepth: 20, MaxAttachments: 4}
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := DecodeBroadcast(data, limits); err == nil {
			again, err := AppendBroadcast(nil, &b)
			if err != nil {
				t.Fatal(err)
			}
			c, err := DecodeBroadcast(again, jsonval.Limits{})
			if err != nil || show(c.Args) != show(b.Args) || !reflect.DeepEqual(c.Target, b.Target) || c.Event != b.Event {
				t.Fatalf("%q:\nfirst %+v\nthen  %+v, %v", data, b, c, err)
			}
		}
		if r, err := DecodeRequest(data, limits); err == nil {
			again, err := AppendRequest(nil, &r)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := DecodeRequest(again, jsonval.Limits{}); err != nil || s.Type != r.Type || !reflect.DeepEqual(s.Rooms, r.Rooms) {
				t.Fatalf("%q:\nfirst %+v\nthen  %+v, %v", data, r, s, err)
			}
		}
		if r, err := DecodeResponse(data, limits); err == nil {
			again, err := AppendResponse(nil, &r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := DecodeResponse(again, jsonval.Limits{}); err != nil {
				t.Fatalf("%q: %+v was written as %q: %v", data, r, again, err)
			}
		}
	})
}
