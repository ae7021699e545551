package engineio

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"hipflask/server/internal/websocket"
)

// serverFrame encodes a frame as a server sends it.
func serverFrame(op websocket.Opcode, payload string) string {
	return string(websocket.AppendFrame(nil, op, []byte(payload)))
}

func TestMessageWireForms(t *testing.T) {
	plainText := func() (Plain, bool) { return Plain{Data: []byte("hi")}, true }
	plainBinary := func() (Plain, bool) { return Plain{Binary: true, Data: []byte{1, 2}}, true }
	nothing := func() (Plain, bool) { return Plain{}, false }
	text := serverFrame(websocket.Text, `42["message","hi"]`)
	head := serverFrame(websocket.Text, `451-["message",{"_placeholder":true,"num":0}]`)
	for _, c := range []struct {
		name        string
		text        string
		attachments [][]byte
		plain       func() (Plain, bool)
		want        [wires]string
	}{
		{"text", `2["message","hi"]`, nil, plainText, [wires]string{
			wireV4: text, wireV3: text, wireV3Text: text, wirePlain: serverFrame(websocket.Text, "hi")}},
		{"text that a plain client cannot read", `2["message","hi"]`, nil, nothing, [wires]string{
			wireV4: text, wireV3: text, wireV3Text: text}},
		{"text without a plain form", `2["message","hi"]`, nil, nil, [wires]string{
			wireV4: text, wireV3: text, wireV3Text: text}},
		{"binary", `51-["message",{"_placeholder":true,"num":0}]`, [][]byte{{1, 2}}, plainBinary, [wires]string{
			wireV4:     head + serverFrame(websocket.Binary, "\x01\x02"),
			wireV3:     head + serverFrame(websocket.Binary, "\x04\x01\x02"),
			wireV3Text: head + serverFrame(websocket.Text, "b4AQI="),
			wirePlain:  serverFrame(websocket.Binary, "\x01\x02")}},
		{"several attachments, one empty", `52-["a"]`, [][]byte{{}, []byte("xyz")}, nil, [wires]string{
			wireV4:     serverFrame(websocket.Text, `452-["a"]`) + serverFrame(websocket.Binary, "") + serverFrame(websocket.Binary, "xyz"),
			wireV3:     serverFrame(websocket.Text, `452-["a"]`) + serverFrame(websocket.Binary, "\x04") + serverFrame(websocket.Binary, "\x04xyz"),
			wireV3Text: serverFrame(websocket.Text, `452-["a"]`) + serverFrame(websocket.Text, "b4") + serverFrame(websocket.Text, "b4eHl6")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := textMessage(t, c.text, c.attachments...)
			m.SetPlain(c.plain)
			for w, want := range c.want {
				for range 2 { // made, then kept
					if got := string(m.frames(wire(w))); got != want {
						t.Errorf("wire %d: %q, want %q", w, got, want)
					}
				}
			}
			if m.Len() != len(m.frame) {
				t.Errorf("length %d of %d bytes", m.Len(), len(m.frame))
			}
		})
	}
}

// The header's length depends on the text's; the text is not moved for it.
func TestMessageHeaders(t *testing.T) {
	for _, n := range []int{0, 1, 124, 125, 126, 65534, 65535, 65536, 100_000} {
		text := strings.Repeat("x", n)
		for _, attachments := range [][][]byte{nil, {[]byte(text)}} {
			m := textMessage(t, text, attachments...)
			want := serverFrame(websocket.Text, "4"+text)
			if attachments != nil {
				want += serverFrame(websocket.Binary, text)
			}
			if string(m.frame) != want || string(m.text()) != "4"+text {
				t.Errorf("%d bytes, %d attachments: wrong frame or text", n, len(attachments))
			}
		}
	}
}

func TestMessageThatCannotBeEncoded(t *testing.T) {
	wrong := errors.New("wrong")
	m, err := NewMessage(10, func(dst []byte) ([]byte, [][]byte, error) { return dst, nil, wrong })
	if m != nil || !errors.Is(err, wrong) {
		t.Errorf("made %v, %v", m, err)
	}
}

// A raw message is for a WebSocket of any kind, and never changes on the way.
func TestRawMessage(t *testing.T) {
	frame := websocket.AppendClose(nil, 1000, "")
	m := rawMessage(frame)
	for w := range wires {
		if !bytes.Equal(m.frames(w), frame) {
			t.Errorf("wire %d: %q", w, m.frames(w))
		}
	}
}

// Sessions of every kind share one message.
func TestMessageIsSafeForConcurrentUse(t *testing.T) {
	m := textMessage(t, `51-["message",{"_placeholder":true,"num":0}]`, []byte{1, 2})
	m.SetPlain(func() (Plain, bool) { return Plain{Binary: true, Data: []byte{1, 2}}, true })
	var want [wires]string
	fresh := textMessage(t, `51-["message",{"_placeholder":true,"num":0}]`, []byte{1, 2})
	fresh.SetPlain(m.extra().plain)
	for w := range wires {
		want[w] = string(fresh.frames(w))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for w := range wires {
				if got := string(m.frames(w)); got != want[w] {
					t.Errorf("wire %d: %q, want %q", w, got, want[w])
				}
			}
		})
	}
	wg.Wait()
}
