package pyprint

import (
	"bytes"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
)

func BenchmarkAppendValue(b *testing.B) {
	binary := make([]byte, 1024)
	for i := range binary {
		binary[i] = byte(i)
	}
	for _, bm := range []struct{ name, json string }{
		{"hello", `"hello"`},
		{"ascii-100", `"` + strings.Repeat("plain text", 10) + `"`},
		{"ascii-64K", `"` + strings.Repeat("plain text", 6554) + `"`},
		{"quotes-100", `"` + strings.Repeat("it's texts", 10) + `"`},
		{"chinese-100", `"` + strings.Repeat("中文字符", 25) + `"`},
		{"newlines", `"one line\nand another\nand a third\n"`},
		{"int", `1234567`},
		{"float", `3.141592653589793`},
		{"object", `{"user":"bob","text":"it's","n":1,"f":1.5,"t":true,"z":null,"l":[1,"2",{}]}`},
		{"repr-chinese-100", `["` + strings.Repeat("中文字符", 25) + `"]`},
		{"repr-emoji-25", `["` + strings.Repeat("😀", 25) + `"]`},
		{"bytes-1K", placeholder(0)},
		{"keys-10000", "{" + strings.Join(manyMembers(10_000), ",") + "}"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			json, dst := []byte(bm.json), []byte(nil)
			v, err := packet.Parse(json, 0) // as those come that clients send
			if err != nil {
				b.Fatal(err)
			}
			v.Attachments = [][]byte{binary}
			b.SetBytes(int64(len(json)))
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendValue(dst[:0], v)
			}
			if bytes.Equal(dst, json) && json[0] != '1' && json[0] != '3' {
				b.Fatalf("%s was not read", bm.name)
			}
		})
	}
}

func manyMembers(n int) []string {
	members := make([]string, n)
	for i := range members {
		members[i] = `"key` + strings.Repeat("x", i%7) + strings.Repeat("y", i/7%1500) + `":0`
	}
	return members
}
