package msgpack

import (
	"testing"

	"hipflask/server/internal/packet"
)

// What a broadcast costs more where clients of both forms hear it, and what is read of one.
func BenchmarkMsgpack(b *testing.B) {
	text := []byte(`2["message",{"room":"lobby","from":"bob","at":1764158400250,"text":"Hello, how are you all today?","tags":["a","b"],"read":false}]`)
	data, err := Repack(nil, text, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Repack", func(b *testing.B) {
		b.ReportAllocs()
		dst := make([]byte, 0, 2*len(text))
		for b.Loop() {
			if _, err := Repack(dst, text, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(data, packet.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
