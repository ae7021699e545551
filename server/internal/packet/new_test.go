package packet

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestNewValueIsASnapshot(t *testing.T) {
	data := []byte("abc")
	list := []any{data, "x"}
	v, err := NewValue(list)
	if err != nil {
		t.Fatal(err)
	}
	data[0], list[1] = 'X', "changed"
	text, bins, err := AppendEvent(nil, "/", "e", 0, false, []any{v})
	if err != nil {
		t.Fatal(err)
	}
	if want := `51-["e",[{"_placeholder":true,"num":0},"x"]]`; string(text) != want || string(bins[0]) != "abc" {
		t.Errorf("got %s with %q, want %s with abc", text, bins, want)
	}
}

// What a client made to look like an attachment must not become one beside a real one.
func TestNewValueWritesLookalikesAsNull(t *testing.T) {
	for _, num := range []string{"0", "9"} {
		fake := json.RawMessage(`{"_placeholder":true,"num":` + num + `}`)
		v, err := NewValue([]any{[]byte("real"), fake})
		if err != nil {
			t.Fatal(err)
		}
		text, bins, err := AppendEvent(nil, "/", "e", 0, false, []any{v})
		if err != nil {
			t.Fatal(err)
		}
		if want := `51-["e",[{"_placeholder":true,"num":0},null]]`; string(text) != want || len(bins) != 1 {
			t.Errorf("num %s: got %s with %q, want %s", num, text, bins, want)
		}
	}
}

func TestTextAndBytesValues(t *testing.T) {
	if text, ok := TextValue("a\"b\u2028\x00").Text(); !ok || text != "a\"b\u2028\x00" {
		t.Errorf("text came back as %q, %v", text, ok)
	}
	for _, data := range [][]byte{nil, {}, {1, 2}} {
		if got, ok := BytesValue(data).Bytes(); !ok || string(got) != string(data) {
			t.Errorf("bytes %v came back as %v, %v", data, got, ok)
		}
	}
}

// What NewValue has written is copied as it stands, and means what the Go value means.
func TestNewValueIsNotScannedAgain(t *testing.T) {
	for _, arg := range []any{oneFlat, []any{[]byte("a"), 1, []byte("b")}, map[string]any{"_placeholder": true}, 12345678901234567890.0, uint64(1 << 60)} {
		v, err := NewValue(arg)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := event(t, v), event(t, arg); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		var a, b any
		checked := Value{JSON: v.JSON, Attachments: v.Attachments}
		if errA, errB := v.Decode(&a), checked.Decode(&b); errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("decoded as %v, %v, and when scanned again as %v, %v", a, errA, b, errB)
		}
	}
	v, err := NewValue(oneFlat)
	if err != nil {
		t.Fatal(err)
	}
	v.JSON[0] = '?' // only a scan would notice
	if got := event(t, v); got[6] != '?' {
		t.Errorf("got %s", got)
	}
}
