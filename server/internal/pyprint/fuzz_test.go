package pyprint

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"hipflask/server/internal/packet"
)

func FuzzAppendValue(f *testing.F) {
	for _, text := range []string{
		`"hello"`, `"it's \"\ud83d\ude00\" \ud800"`, `[1,-0,2.0,1e16,1e-5,1e400]`, `{"a":1,"b":[null,true],"a":{}}`,
		`[{"_placeholder":true,"num":0},{"num":-1,"_placeholder":1}]`, "[\"\x7f\u00ad\u2028\"]", `{"a":`, `"\u12`, `[[[[]]]]`, "",
	} {
		f.Add([]byte(text), []byte("it's"), []byte("\x00\xff\""))
	}
	f.Fuzz(func(t *testing.T, text, first, second []byte) {
		for _, attachments := range [][][]byte{nil, {first, second}} {
			checkInvariants(t, text, attachments)
		}
	})
}

func checkInvariants(t *testing.T, text []byte, attachments [][]byte) {
	t.Helper()
	input := bytes.Clone(text)
	got := AppendValue([]byte("prefix"), value(text, attachments))
	if !bytes.Equal(text, input) {
		t.Fatalf("the input %q was changed to %q", input, text)
	}
	got, ok := bytes.CutPrefix(got, []byte("prefix"))
	if !ok {
		t.Fatalf("what dst held is gone: %q", got)
	}
	if limit := outputLimit(text, attachments); len(got) > limit {
		t.Fatalf("%d bytes of output, the limit is %d", len(got), limit)
	}
	p := printer{attachments: attachments}
	readable := json.Valid(text) && utf8.Valid(text) && depth(text) <= packet.DepthCeiling
	if p.print(value(text, nil)) != readable {
		t.Fatalf("%q: readable should be %v", text, readable)
	}
	if !readable {
		if !bytes.Equal(got, text) {
			t.Fatalf("%q is not JSON and was not copied: %q", text, got)
		}
		return
	}
	if !utf8.Valid(got) {
		t.Fatalf("%q gives bad UTF-8: %q", text, got)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	if again := AppendValue(nil, value(compact.Bytes(), attachments)); !bytes.Equal(again, got) {
		t.Fatalf("white space in %q makes a difference:\n%q\n%q", text, got, again)
	}
}

// depth is how deep containers nest in valid JSON.
func depth(text []byte) int {
	deepest, open, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
		case inString:
			if c == '\\' {
				i++
			}
		case c == '[' || c == '{':
			open++
			deepest = max(deepest, open)
		case c == ']' || c == '}':
			open--
		}
	}
	return deepest
}
