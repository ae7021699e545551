package nodewire

import (
	"encoding/base64"
	"reflect"
	"slices"
	"testing"

	"hipflask/server/internal/packet/jsonval"
)

// FuzzDecodeSession reads anything as a session, whose reader takes what clients can make Redis
// hold. What is taken is the same once it was written and read again.
func FuzzDecodeSession(f *testing.F) {
	for _, seed := range [][]byte{
		pack(pairs{"sid", "s", "pid", "p", "rooms", list{"a", 1}, "data", pairs{"n", 1, "b", []byte("b")}}),
		pack(pairs{"server", "hipflask-ABCDEFGHIJKL", "sid", "s", "pid", "p", "rooms", list{}, "data", nil, "hipflask",
			pairs{"v", 1, "nsp", "/", "since", "1-0", "known", "0-0", "stays", list{list{"a", "1-0", ""}}, "values", pairs{}}}),
		pack(list{1}), nil,
	} {
		f.Add(base64.StdEncoding.EncodeToString(seed))
	}
	limits := jsonval.Limits{MaxBytes: 4096, MaxValues: 1000, MaxDepth: 20, MaxAttachments: 4}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := DecodeSession(text, limits)
		if err != nil {
			return
		}
		if s.Own == nil {
			s.Own = new(OwnSession)
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := DecodeSession(again, jsonval.Limits{})
		if err != nil || read.ID != s.ID || read.PID != s.PID || !slices.Equal(read.Rooms, s.Rooms) || !slices.Equal(read.Own.Stays, s.Own.Stays) {
			t.Fatalf("%q:\nfirst %+v\nthen  %+v, %v", text, s, read, err)
		}
	})
}

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
