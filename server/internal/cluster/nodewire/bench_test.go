package nodewire

import (
	"strings"
	"testing"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

func benchmarkCases() map[string]Broadcast {
	chat := packet.Value{JSON: []byte(`{"user":"bob","text":"` + strings.Repeat("hello ", 10) + `","n":1,"at":1700000000123,"tags":["a","b"]}`)}
	binary := packet.Value{JSON: []byte(`{"_placeholder":true,"num":0}`), Attachments: [][]byte{make([]byte, 4096)}}
	rows := packet.Value{JSON: []byte("[" + strings.Repeat(`{"id":12345,"name":"somebody","score":1.25},`, 99) + `{"id":1}]`)}
	return map[string]Broadcast{
		"text":   {UID: "abcdef", Event: "message", Args: []packet.Value{packet.TextValue("hello")}},
		"object": {UID: "abcdef", Event: "message", Args: []packet.Value{chat}, Target: Target{Rooms: []string{"room1"}}},
		"binary": {UID: "abcdef", Event: "message", Args: []packet.Value{binary}},
		"rows":   {UID: "abcdef", Event: "message", Args: []packet.Value{rows}},
	}
}

func BenchmarkAppendBroadcast(b *testing.B) {
	for name, message := range benchmarkCases() {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			for b.Loop() {
				var err error
				if dst, err = AppendBroadcast(dst[:0], &message); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
		})
	}
}

func BenchmarkDecodeBroadcast(b *testing.B) {
	for name, message := range benchmarkCases() {
		b.Run(name, func(b *testing.B) {
			data, err := AppendBroadcast(nil, &message)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := DecodeBroadcast(data, jsonval.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
		})
	}
}
