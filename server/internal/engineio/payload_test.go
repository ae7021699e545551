package engineio

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// packets is a sink that keeps what it is given: texts as they are, binary behind
// "binary ". It refuses the packet "refused".
type packets []string

var errRefused = errors.New("refused")

func (p *packets) textPacket(packet []byte) error {
	if string(packet) == "refused" {
		return errRefused
	}
	*p = append(*p, string(packet))
	return nil
}

func (p *packets) binaryPacket(data []byte) error {
	*p = append(*p, "binary "+string(data))
	return nil
}

// decoder is one of the three payload decoders.
type decoder func(body []byte, maxPackets int, sink packetSink) error

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
	testDecoder(t, decodeV4, []payloadCase{
		{"one", "4hello", []string{"4hello"}, nil},
		{"several", "4a\x1e2\x1e4é👋", []string{"4a", "2", "4é👋"}, nil},
		{"binary", "bAAEC\x1e4x", []string{"binary \x00\x01\x02", "4x"}, nil},
		{"empty binary", "b", []string{"binary "}, nil},
		{"the most there may be", "1\x1e2\x1e3\x1e4", []string{"1", "2", "3", "4"}, nil},
		{"more than that", "1\x1e2\x1e3\x1e4\x1e5", []string{"1", "2", "3", "4"}, errTooMany},
		{"nothing", "", nil, errNoPacket},
		{"empty packet", "4a\x1e\x1e4b", []string{"4a"}, errNoPacket},
		{"separator at the end", "4a\x1e", []string{"4a"}, errNoPacket},
		{"not UTF-8", "4a\x1e4\xff", nil, errNotUTF8},
		{"surrogate in UTF-8", "4\xed\xa0\x80", nil, errNotUTF8},
		{"not base64", "bAA*=", nil, errPayload},
		{"base64 without padding", "bAA", nil, errPayload},
		{"base64 with more behind it", "bAA==AA==", nil, errPayload},
		{"refused by the sink", "4a\x1erefused\x1e4b", []string{"4a"}, errRefused},
	})
}

func TestDecodeV3(t *testing.T) {
	testDecoder(t, decodeV3, []payloadCase{
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
		{"more than that", strings.Repeat("1:2", 5), []string{"2", "2", "2", "2"}, errTooMany},
		{"nothing", "", nil, errPayload},
		{"empty packet", "0:", nil, errNoPacket},
		{"too short", "7:4hello", nil, errPayload},
		{"end within a surrogate pair", "2:4👋", nil, errPayload},
		{"no length", ":4a", nil, errPayload},
		{"no colon", "24a", nil, errPayload},
		{"negative length", "-2:4a", nil, errPayload},
		{"signed length", "+2:4a", nil, errPayload},
		{"huge length", "99999999999999999999:4a", nil, errPayload},
		{"length beyond an int32", "4294967298:4a", nil, errPayload},
		{"binary of another type", "6:b2AAEC", nil, errPayload},
		{"binary without a type", "1:b", nil, errPayload},
		{"not base64", "6:b4AA*=", nil, errPayload},
		{"not UTF-8", "2:4\xff", nil, errNotUTF8},
		{"refused by the sink", "2:4a7:refused2:4b", []string{"4a"}, errRefused},
	})
}

func TestDecodeV3Binary(t *testing.T) {
	testDecoder(t, decodeV3Binary, []payloadCase{
		{"text", "\x00\x06\xff4hello", []string{"4hello"}, nil},
		{"binary", "\x01\x04\xff\x04\x00\x01\x02", []string{"binary \x00\x01\x02"}, nil},
		{"both", "\x00\x02\xff4a\x01\x02\xff\x04\xff\x00\x01\xff2", []string{"4a", "binary \xff", "2"}, nil},
		{"length of several digits", "\x00\x01\x02\xff4" + strings.Repeat("x", 11), []string{"4" + strings.Repeat("x", 11)}, nil},
		{"length in bytes", "\x00\x03\xff4é", []string{"4é"}, nil},
		{"empty binary", "\x01\x01\xff\x04", []string{"binary "}, nil},
		{"more than there may be", strings.Repeat("\x00\x01\xff2", 5), []string{"2", "2", "2", "2"}, errTooMany},
		{"nothing", "", nil, errPayload},
		{"unknown kind", "\x02\x01\xff2", nil, errPayload},
		{"no length", "\x00\xff2", nil, errPayload},
		{"no end of the length", "\x00\x01\x02", nil, errPayload},
		{"digit that is none", "\x00\x0a\xff4", nil, errPayload},
		{"ASCII digit", "\x001\xff4", nil, errPayload},
		{"length of too many digits", "\x00" + strings.Repeat("\x09", 30) + "\xff4", nil, errPayload},
		{"too short", "\x00\x03\xff4a", nil, errPayload},
		{"empty text", "\x00\x00\xff", nil, errNoPacket},
		{"binary without a type", "\x01\x00\xff", nil, errPayload},
		{"binary of another type", "\x01\x01\xff\x02", nil, errPayload},
		{"text that is not UTF-8", "\x00\x02\xff4\xff", nil, errNotUTF8},
	})
}

func TestAppendPayload(t *testing.T) {
	messages := []*Message{
		textMessage(t, `2["é👋"]`),
		newControl("2"),
		textMessage(t, `51-["x",{"_placeholder":true,"num":0}]`, []byte{0, 255, 4}),
	}
	v4 := "42[\"é👋\"]\x1e2\x1e451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x1ebAP8E"
	if got := appendV4(nil, messages); string(got) != v4 {
		t.Errorf("Engine.IO 4: %q, want %q", got, v4)
	}
	const ascii = `42["\u00e9\ud83d\udc4b"]`
	tail := `451-["x",{"_placeholder":true,"num":0}]`
	v3Text := "24:" + ascii + "1:2" + "39:" + tail + "6:b4AP8E"
	if got, binary := appendV3(nil, messages, true); string(got) != v3Text || binary {
		t.Errorf("Engine.IO 3, b64: %q, %v, want %q", got, binary, v3Text)
	}
	text := `42["é👋"]`
	v3Binary := "\x00\x01\x02\xff" + text + "\x00\x01\xff2" + "\x00\x03\x09\xff" + tail + "\x01\x04\xff\x04\x00\xff\x04"
	if got, binary := appendV3(nil, messages, false); string(got) != v3Binary || !binary {
		t.Errorf("Engine.IO 3, binary: %q, %v, want %q", got, binary, v3Binary)
	}
	if got, binary := appendV3(nil, messages[:1], false); string(got) != "24:"+ascii || binary {
		t.Errorf("Engine.IO 3, text alone: %q, %v", got, binary)
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
func roundTrip(t *testing.T, messages []*Message) {
	t.Helper()
	var want packets
	for _, m := range messages {
		want = append(want, string(m.text()))
		for _, b := range m.bins() {
			want = append(want, "binary "+string(b))
		}
	}
	check := func(form string, body []byte, decode decoder, want packets) {
		t.Helper()
		var got packets
		if err := decode(body, len(want), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q decodes to %q, %v, want %q", form, body, got, err, want)
		}
	}
	check("Engine.IO 4", appendV4(nil, messages), decodeV4, want)
	check("Engine.IO 3, binary", appendV3Binary(nil, messages), decodeV3Binary, want)
	// The string form escapes what is not ASCII, so it decodes to that.
	var escaped packets
	for _, m := range messages {
		escaped = append(escaped, string(asciiText(m.text())))
		for _, b := range m.bins() {
			escaped = append(escaped, "binary "+string(b))
		}
	}
	body, _ := appendV3(nil, messages, true)
	check("Engine.IO 3, text", body, decodeV3, escaped)
}

func TestPayloadRoundTrips(t *testing.T) {
	for _, text := range []string{`0`, `2["a"]`, `2["é","👋","\u0000","` + "\u2028" + `"]`, `2/chat,17["Ã©"]`, `4{"message":"ß"}`} {
		m := textMessage(t, text)
		with := textMessage(t, text, nil, []byte{0}, bytes.Repeat([]byte{255, 4, 30}, 300))
		roundTrip(t, []*Message{m})
		roundTrip(t, []*Message{m, newControl("6"), with, m, newControl("1")})
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

func TestJSONPData(t *testing.T) {
	for _, c := range []struct{ form, want string }{
		{`d=4:4abc`, "4:4abc"},
		{`d=1%3A2&x=1`, "1:2"},
		{`d=4\n`, "4\n"},
		{`d=4%5C%5Cn`, `4\n`},
		{`d=4+%2B`, "4 +"},
	} {
		if got, err := jsonpData([]byte(c.form)); err != nil || string(got) != c.want {
			t.Errorf("%q holds %q, %v, want %q", c.form, got, err, c.want)
		}
	}
	for _, form := range []string{"", "x=1", "d=%zz"} {
		if got, err := jsonpData([]byte(form)); err == nil {
			t.Errorf("%q holds %q", form, got)
		}
	}
}

// A payload becomes JavaScript that a script element runs: nothing in it may end the
// string or the element.
func TestJSONPIsOneStringLiteral(t *testing.T) {
	got := string(jsonp("3", []byte("4\"\\\n\u2028\u2029</script><!--")))
	if !strings.HasPrefix(got, `___eio[3]("`) || !strings.HasSuffix(got, `");`) {
		t.Errorf("%s is no call", got)
	}
	inside := strings.TrimSuffix(strings.TrimPrefix(got, `___eio[3]("`), `");`)
	if strings.ContainsAny(inside, "<>\n\u2028\u2029") || strings.Contains(strings.ReplaceAll(inside, `\"`, ""), `"`) {
		t.Errorf("%s is no single string", got)
	}
}
