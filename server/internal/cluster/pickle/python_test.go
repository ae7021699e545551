package pickle

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/testdata/testkit"
)

// askPython runs testdata/pickles.py and returns its lines.
func askPython(t *testing.T, stdin []byte, args ...string) []string {
	t.Helper()
	return testkit.RunPython(t, stdin, append([]string{"testdata/pickles.py"}, args...)...)
}

// ascii writes text as json.dumps does, every character beyond ASCII an escape.
func ascii(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x7F:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}

// TestReadsWhatPythonPickles compares random values of all protocols with what json.dumps makes of
// them.
func TestReadsWhatPythonPickles(t *testing.T) {
	seed := fmt.Sprint(rand.Uint32())
	lines := askPython(t, nil, "write", seed, "100")
	if len(lines) != 100*6 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		parts := strings.Split(line, " ")
		data, err := base64.StdEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		o, err := Decode(data, jsonval.Limits{})
		if parts[2] == "refused" {
			if err == nil {
				t.Fatalf("seed %s, protocol %s: bytes that call a function were taken", seed, parts[0])
			}
			continue
		}
		if err != nil {
			t.Fatalf("seed %s, protocol %s: %v in %.200q", seed, parts[0], err, data)
		}
		b := jsonval.NewBuilder(jsonval.Limits{}, 0)
		o.Build(b)
		values, err := b.Values()
		if err != nil {
			t.Fatalf("seed %s, protocol %s: %v in %.200q", seed, parts[0], err, data)
		}
		want, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		if got := ascii(values[0].JSON); got != string(want) {
			t.Fatalf("seed %s, protocol %s:\ngot  %.400s\nwant %.400s", seed, parts[0], got, want)
		}
	}
}

// TestPythonReadsWhatIsWritten has Python compare pickles with the JSON that they were made of.
func TestPythonReadsWhatIsWritten(t *testing.T) {
	texts := []string{
		`null`, `[]`, `{}`, `[true,false,null]`, `0`, `-0`, `-1`, `255`, `256`, `65535`, `65536`, `-32769`, `2147483647`, `2147483648`,
		`-2147483648`, `-2147483649`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `-9223372036854775809`,
		`18446744073709551616`, `-128000000000000000000000000000`, strings.Repeat("9", 4300), `2.0`, `-0.0`, `1e-7`, `1e300`, `1E5`,
		`"é😀\u0000\"\\"`, `"` + strings.Repeat("x", 300) + `"`, `{"z":1,"a":[{"b":null}],"":{}}`,
		`{"_placeholder":true,"num":0}`, `[{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`,
	}
	attachments := [][]byte{[]byte("attachment 0"), []byte("attachment 1")}
	var stdin bytes.Buffer
	for _, text := range texts {
		v := packet.Value{JSON: []byte(text)}
		if strings.Contains(text, "_placeholder") {
			v.Attachments = attachments
		}
		data, err := Append(nil, v)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		fmt.Fprintln(&stdin, base64.StdEncoding.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString(data))
	}
	for i, answer := range askPython(t, stdin.Bytes(), "read") {
		if answer != "same" {
			t.Errorf("%s: %s", texts[i], answer)
		}
	}
}
