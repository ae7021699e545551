package payload

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// packets is a sink that keeps what it is given: texts as they are, binary behind "binary ". It
// refuses the packet "refused".
type packets []string

var errRefused = errors.New("refused")

func (p *packets) Text(packet []byte) error {
	if string(packet) == "refused" {
		return errRefused
	}
	*p = append(*p, string(packet))
	return nil
}

func (p *packets) Binary(data []byte) error {
	*p = append(*p, "binary "+string(data))
	return nil
}

// decoder is one of the three payload decoders.
type decoder func(body []byte, maxPackets int, sink Sink) error

type payloadCase struct {
	name, body string
	want       []string
	err        error
}

func testDecoder(t *testing.T, decode decoder, cases []payloadCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got packets
			body := []byte(c.body)
			err := decode(body, 4, &got)
			if !errors.Is(err, c.err) || !slices.Equal(got, c.want) {
				t.Errorf("decoded %q, %v, want %q, %v", got, err, c.want, c.err)
			}
			if string(body) != c.body {
				t.Error("the body was written to")
			}
		})
	}
}

func TestDecodeV4(t *testing.T) {
	testDecoder(t, DecodeV4, []payloadCase{
		{"one", "4hello", []string{"4hello"}, nil},
		{"several", "4a\x1e2\x1e4é👋", []string{"4a", "2", "4é👋"}, nil},
		{"binary", "bAAEC\x1e4x", []string{"binary \x00\x01\x02", "4x"}, nil},
		{"empty binary", "b", []string{"binary "}, nil},
		{"the most there may be", "1\x1e2\x1e3\x1e4", []string{"1", "2", "3", "4"}, nil},
		{"more than that", "1\x1e2\x1e3\x1e4\x1e5", []string{"1", "2", "3", "4"}, ErrTooMany},
		{"nothing", "", nil, ErrNoPacket},
		{"empty packet", "4a\x1e\x1e4b", []string{"4a"}, ErrNoPacket},
		{"separator at the end", "4a\x1e", []string{"4a"}, ErrNoPacket},
		{"not UTF-8", "4a\x1e4\xff", nil, ErrNotUTF8},
		{"surrogate in UTF-8", "4\xed\xa0\x80", nil, ErrNotUTF8},
		{"not base64", "bAA*=", nil, ErrMalformed},
		{"base64 without padding", "bAA", nil, ErrMalformed},
		{"base64 with more behind it", "bAA==AA==", nil, ErrMalformed},
		{"refused by the sink", "4a\x1erefused\x1e4b", []string{"4a"}, errRefused},
	})
}

func TestDecodeV3(t *testing.T) {
	testDecoder(t, DecodeV3, []payloadCase{
		{"one", "6:4hello", []string{"4hello"}, nil},
		{"several", "2:4a1:22:4b", []string{"4a", "2", "4b"}, nil},
		{"length in UTF-16 units", "4:4é👋1:2", []string{"4é👋", "2"}, nil},
		{"colons within", "6:4a:b:c", []string{"4a:b:c"}, nil},
		{"leading zeros", "002:4a", []string{"4a"}, nil},
		{"binary", "6:b4AAEC", []string{"binary \x00\x01\x02"}, nil},
		{"text of 1.x, UTF-8 twice", "3:4Ã©", []string{"4é"}, nil},
		{"text of 1.x beyond the BMP", "5:4ð\u009f\u0091\u008b", []string{"4👋"}, nil},
		{"text of 2.x below U+0100", "4:4ÿþÀ", []string{"4ÿþÀ"}, nil},
		{"text of 2.x beyond", "3:4é→", []string{"4é→"}, nil},
		{"the most there may be", strings.Repeat("1:2", 4), []string{"2", "2", "2", "2"}, nil},
		{"more than that", strings.Repeat("1:2", 5), []string{"2", "2", "2", "2"}, ErrTooMany},
		{"nothing", "", nil, ErrMalformed},
		{"empty packet", "0:", nil, ErrNoPacket},
		{"too short", "7:4hello", nil, ErrMalformed},
		{"end within a surrogate pair", "2:4👋", nil, ErrMalformed},
		{"no length", ":4a", nil, ErrMalformed},
		{"no colon", "24a", nil, ErrMalformed},
		{"negative length", "-2:4a", nil, ErrMalformed},
		{"signed length", "+2:4a", nil, ErrMalformed},
		{"huge length", "99999999999999999999:4a", nil, ErrMalformed},
		{"length beyond an int32", "4294967298:4a", nil, ErrMalformed},
		{"binary of another type", "6:b2AAEC", nil, ErrMalformed},
		{"binary without a type", "1:b", nil, ErrMalformed},
		{"not base64", "6:b4AA*=", nil, ErrMalformed},
		{"not UTF-8", "2:4\xff", nil, ErrNotUTF8},
		{"refused by the sink", "2:4a7:refused2:4b", []string{"4a"}, errRefused},
	})
}

func TestDecodeV3Binary(t *testing.T) {
	testDecoder(t, DecodeV3Binary, []payloadCase{
		{"text", "\x00\x06\xff4hello", []string{"4hello"}, nil},
		{"binary", "\x01\x04\xff\x04\x00\x01\x02", []string{"binary \x00\x01\x02"}, nil},
		{"both", "\x00\x02\xff4a\x01\x02\xff\x04\xff\x00\x01\xff2", []string{"4a", "binary \xff", "2"}, nil},
		{"length of several digits", "\x00\x01\x02\xff4" + strings.Repeat("x", 11), []string{"4" + strings.Repeat("x", 11)}, nil},
		{"length in bytes", "\x00\x03\xff4é", []string{"4é"}, nil},
		{"empty binary", "\x01\x01\xff\x04", []string{"binary "}, nil},
		{"more than there may be", strings.Repeat("\x00\x01\xff2", 5), []string{"2", "2", "2", "2"}, ErrTooMany},
		{"nothing", "", nil, ErrMalformed},
		{"unknown kind", "\x02\x01\xff2", nil, ErrMalformed},
		{"no length", "\x00\xff2", nil, ErrMalformed},
		{"no end of the length", "\x00\x01\x02", nil, ErrMalformed},
		{"digit that is none", "\x00\x0a\xff4", nil, ErrMalformed},
		{"ASCII digit", "\x001\xff4", nil, ErrMalformed},
		{"length of too many digits", "\x00" + strings.Repeat("\x09", 30) + "\xff4", nil, ErrMalformed},
		{"too short", "\x00\x03\xff4a", nil, ErrMalformed},
		{"empty text", "\x00\x00\xff", nil, ErrNoPacket},
		{"binary without a type", "\x01\x00\xff", nil, ErrMalformed},
		{"binary of another type", "\x01\x01\xff\x02", nil, ErrMalformed},
		{"text that is not UTF-8", "\x00\x02\xff4\xff", nil, ErrNotUTF8},
	})
}

// message is a text packet with its attachments.
type message struct {
	text string
	bins [][]byte
}

// body writes messages as a body.
func body(f Format, messages ...message) []byte {
	before, after := f.Around("3")
	out, separator := []byte(before), ""
	add := func(p Part) {
		out = append(append(append(out, separator...), p.Made...), p.Own...)
		separator = f.Separator()
	}
	for _, m := range messages {
		add(f.Text([]byte(m.text)))
		for _, b := range m.bins {
			add(f.Binary(b))
		}
	}
	return append(out, after...)
}

func TestFormats(t *testing.T) {
	messages := []message{
		{`42["é👋"]`, nil},
		{"2", nil},
		{`451-["x",{"_placeholder":true,"num":0}]`, [][]byte{{0, 255, 4}}},
	}
	const ascii, tail = `42["\u00e9\ud83d\udc4b"]`, `451-["x",{"_placeholder":true,"num":0}]`
	for format, want := range map[Format]string{
		V4:       `42["é👋"]` + "\x1e2\x1e" + tail + "\x1ebAP8E",
		V3:       "24:" + ascii + "1:2" + "39:" + tail + "6:b4AP8E",
		V3Binary: "\x00\x01\x02\xff" + `42["é👋"]` + "\x00\x01\xff2" + "\x00\x03\x09\xff" + tail + "\x01\x04\xff\x04\x00\xff\x04",
		V4JSONP:  `___eio[3]("42[\"é👋\"]\u001e2\u001e451-[\"x\",{\"_placeholder\":true,\"num\":0}]\u001ebAP8E");`,
		V3JSONP:  `___eio[3]("24:42[\"\\u00e9\\ud83d\\udc4b\"]1:239:451-[\"x\",{\"_placeholder\":true,\"num\":0}]6:b4AP8E");`,
	} {
		if got := string(body(format, messages...)); got != want {
			t.Errorf("format %d: %q, want %q", format, got, want)
		}
	}
}

// What is large already is not copied where its bytes stay as they are.
func TestPartsShareWhatStaysAsItIs(t *testing.T) {
	text, data := []byte(`42["x"]`), []byte{1, 2}
	for format, parts := range map[Format][]Part{
		V4: {V4.Text(text)}, V3: {V3.Text(text)}, V3Binary: {V3Binary.Text(text), V3Binary.Binary(data)},
	} {
		for _, p := range parts {
			if len(p.Own) == 0 || &p.Own[0] != &text[0] && &p.Own[0] != &data[0] {
				t.Errorf("format %d copies", format)
			}
		}
	}
}

// What stands before the JSON part cannot be escaped and is left alone.
func TestASCIITextKeepsWhatIsNotJSON(t *testing.T) {
	for in, want := range map[string]string{
		`42/é,["ü"]`:    `42/é,["\u00fc"]`,
		`44"né"`:        `44"n\u00e9"`,
		`40{"sid":"a"}`: `40{"sid":"a"}`,
		`40/é`:          `40/é`,
		`42["\u00e9"]`:  `42["\u00e9"]`,
	} {
		if got := asciiText([]byte(in)); string(got) != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

// roundTrip encodes messages in every form and checks that each decodes to the same.
func roundTrip(t *testing.T, messages ...message) {
	t.Helper()
	var want, escaped packets // the string form escapes what is not ASCII, so it decodes to that
	for _, m := range messages {
		want = append(want, m.text)
		escaped = append(escaped, string(asciiText([]byte(m.text))))
		for _, b := range m.bins {
			want = append(want, "binary "+string(b))
			escaped = append(escaped, "binary "+string(b))
		}
	}
	check := func(form string, body []byte, decode decoder, want packets) {
		t.Helper()
		var got packets
		if err := decode(body, len(want), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q decodes to %q, %v, want %q", form, body, got, err, want)
		}
	}
	check("Engine.IO 4", body(V4, messages...), DecodeV4, want)
	check("Engine.IO 3, binary", body(V3Binary, messages...), DecodeV3Binary, want)
	check("Engine.IO 3, text", body(V3, messages...), DecodeV3, escaped)
}

func TestPayloadRoundTrips(t *testing.T) {
	for _, text := range []string{`0`, `42["a"]`, `42["é","👋","\u0000","` + "\u2028" + `"]`, `42/chat,17["Ã©"]`, `44{"message":"ß"}`} {
		m := message{text: text}
		with := message{text, [][]byte{nil, {0}, bytes.Repeat([]byte{255, 4, 30}, 300)}}
		roundTrip(t, m)
		roundTrip(t, m, message{text: "6"}, with, m, message{text: "1"})
	}
}

func TestUTF16(t *testing.T) {
	const text = "aé→👋b"
	for units, want := range map[int]string{0: "", 1: "a", 2: "aé", 3: "aé→", 5: "aé→👋", 6: text} {
		if n, ok := utf16Prefix([]byte(text), units); !ok || text[:n] != want {
			t.Errorf("%d units of %q are %q, %v, want %q", units, text, text[:n], ok, want)
		}
	}
	for _, units := range []int{4, 7, 1 << 30} {
		if n, ok := utf16Prefix([]byte(text), units); ok {
			t.Errorf("%d units of %q are %q", units, text, text[:n])
		}
	}
	if n := utf16Len([]byte(text)); n != 6 {
		t.Errorf("%q has %d UTF-16 units, want 6", text, n)
	}
}

// A payload becomes JavaScript that a script element runs: nothing in it may end the string or the
// element.
func TestJSONPIsOneStringLiteral(t *testing.T) {
	got := string(body(V4JSONP, message{text: "4\"\\\n\u2028\u2029</script><!--"}))
	if !strings.HasPrefix(got, `___eio[3]("`) || !strings.HasSuffix(got, `");`) {
		t.Errorf("%s is no call", got)
	}
	inside := strings.TrimSuffix(strings.TrimPrefix(got, `___eio[3]("`), `");`)
	if strings.ContainsAny(inside, "<>\n\u2028\u2029") || strings.Contains(strings.ReplaceAll(inside, `\"`, ""), `"`) {
		t.Errorf("%s is no single string", got)
	}
}
