package engineio

import (
	"bytes"
	"strings"
	"testing"

	"hipflask/server/internal/deflate"
	"hipflask/server/internal/websocket"
)

// unpacked are the payloads of frames, and which of them were compressed.
func unpacked(t *testing.T, frames []byte) (payloads []string, compressed string) {
	t.Helper()
	var codec deflate.Codec
	for len(frames) > 0 {
		first := frames[0]
		_, payload, rest := websocket.SplitFrame(frames)
		frames = rest
		if first&0x40 == 0 {
			payloads, compressed = append(payloads, string(payload)), compressed+"-"
			continue
		}
		text, err := codec.Decompress(payload, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		payloads, compressed = append(payloads, string(text)), compressed+"c"
	}
	return payloads, compressed
}

// Each frame that is long enough is compressed, once for all and in every form, unless that
// makes it larger.
func TestPacked(t *testing.T) {
	var up websocket.Upgrader
	times := 0
	p := &packer{100, func(op websocket.Opcode, payload []byte) []byte {
		times++
		return up.Compress(op, payload)
	}}
	long, short := strings.Repeat("long ", 100), "short"
	noise := make([]byte, 300)
	for i := range noise {
		noise[i] = byte(i * i * 7919 >> 3)
	}
	build := func(text string, bins ...[]byte) *Message {
		m, err := NewMessage(0, func(dst []byte) ([]byte, [][]byte, error) { return append(dst, text...), bins, nil })
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	stored := build(long)
	stored.DoNotCompress()
	for what, test := range map[string]struct {
		m    *Message
		want string
	}{
		"long":                 {build(long), "c"},
		"short":                {build(short), "-"},
		"not to be compressed": {stored, "-"},
		"attachments":          {build(short, []byte(long), []byte("x"), []byte(long)), "-c-c"},
		"long with a short":    {build(long, []byte("x")), "c-"},
		"larger by that":       {build(short, noise), "--"},
		"large":                {build(strings.Repeat(long, 1000)), "c"},
	} {
		for w := range wires {
			if w == wirePlain {
				continue
			}
			times = 0
			first, second := test.m.packed(w, p), test.m.packed(w, p)
			if len(first) > 0 && &first[0] != &second[0] {
				t.Errorf("%s, form %d: made twice", what, w)
			}
			want, _ := unpacked(t, test.m.frames(w))
			got, compressed := unpacked(t, first)
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s, form %d: %.100q, want %.100q", what, w, got, want)
			}
			if w == wireV4 && compressed != test.want {
				t.Errorf("%s: compressed are %s, want %s", what, compressed, test.want)
			}
			if !bytes.Equal(test.m.packed(w, nil), test.m.frames(w)) {
				t.Errorf("%s, form %d: compressed for who takes nothing compressed", what, w)
			}
		}
	}
}
