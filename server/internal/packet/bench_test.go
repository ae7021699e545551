package packet

import (
	"encoding/json"
	"strings"
	"testing"
)

// The most that a decoded and an encoded message may allocate: the packet with room for two
// arguments, the copied text, the event's name.
func TestAllocations(t *testing.T) {
	d := newDecoder(Limits{})
	text := []byte(`2["message","hello"]`)
	p, err := d.Text(text)
	if err != nil {
		t.Fatal(err)
	}
	args := []any{p.Args[0]}
	blob := []any{binaryValue(t, ph0, "blob")}
	dst := make([]byte, 0, 128)
	for _, c := range []struct {
		name string
		most float64
		run  func()
	}{
		{"Text", 3, func() { _, err = d.Text(text) }},
		{"AppendEvent", 0, func() { _, _, err = AppendEvent(dst, "/chat", "message", 7, true, args) }},
		{"AppendEvent, new dst", 1, func() { _, _, err = AppendEvent(make([]byte, 0, 64), "/", "message", 0, false, args) }},
		{"AppendEvent, binary", 0, func() { _, _, err = AppendEvent(dst, "/", "message", 0, false, blob) }},
		{"AppendAck", 0, func() { _, _, err = AppendAck(dst, "/", 7, nil) }},
	} {
		if got := testing.AllocsPerRun(100, c.run); got > c.most || err != nil {
			t.Errorf("%s: %v allocations, want at most %v; %v", c.name, got, c.most, err)
		}
	}
}

var benchTexts = []struct{ name, text string }{
	{"hello", `2["message","hello"]`},
	{"object", `2/chat,12["message",{"user":"bob","text":"it's","n":1,"f":1.5,"t":true,"z":null,"l":[1,"2",{}]}]`},
	{"4KB-ascii", `2["message","` + strings.Repeat("plain text ", 372) + `"]`},
	{"4KB-cyrillic", `2["message","` + strings.Repeat("привет ", 315) + `"]`},
	{"64KB-numbers", `2["message",[` + strings.Repeat("12345.678,", 6500) + `0]]`},
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range benchTexts {
		b.Run(c.name, func(b *testing.B) {
			d, text := newDecoder(Limits{}), []byte(c.text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Text(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	// For comparison: encoding/json on the same text, only asked if it is valid.
	b.Run("4KB-cyrillic-json.Valid", func(b *testing.B) {
		text := []byte(benchTexts[3].text[1:])
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if !json.Valid(text) {
				b.Fatal("invalid")
			}
		}
	})
	b.Run("binary", func(b *testing.B) {
		d, text, blob := newDecoder(Limits{}), []byte(`51-["message",`+ph0+`]`), make([]byte, 1024)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Text(text); err != nil {
				b.Fatal(err)
			}
			if p, err := d.Binary(blob); p == nil || err != nil {
				b.Fatal(p, err)
			}
		}
	})
}

func BenchmarkAppendEvent(b *testing.B) {
	args := map[string][]any{
		"string": {"hello"},
		"map":    {map[string]any{"user": "bob", "n": 1, "list": []any{1.5, nil, true}}},
		"struct": {struct {
			User string `json:"user"`
			N    int
		}{"bob", 1}},
		"bytes": {[]byte("blob")},
	}
	for _, c := range benchTexts {
		p, err := newDecoder(Limits{}).Text([]byte(c.text))
		if err != nil {
			b.Fatal(err)
		}
		args["Value-"+c.name] = []any{p.Args[0]}
	}
	for name, args := range args {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, 1<<17)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := AppendEvent(dst, "/", "message", 0, false, args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
