package offset

import (
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]ID{"0-0": {}, "1795672144863-7": {1795672144863, 7}, "18446744073709551615-18446744073709551615": {math.MaxUint64, math.MaxUint64}} {
		if got, ok := Parse(text); !ok || got != want || got.String() != text {
			t.Errorf("%s is %v, %v", text, got, ok)
		}
	}
	for _, bad := range []string{"", "1", "-", "1-", "-1", "1-2-3", "1-x", "+1-2", "18446744073709551616-0", "none"} {
		if id, ok := Parse(bad); ok {
			t.Errorf("%q was read as %v", bad, id)
		}
	}
}

func TestOrder(t *testing.T) {
	ids := []ID{{}, {0, 1}, {1, 0}, {1, math.MaxUint64}, {2, 0}, {2, 1}}
	for i, id := range ids[1:] {
		if before := ids[i]; before.Compare(id) >= 0 || id.Compare(before) <= 0 || id.Compare(id) != 0 {
			t.Errorf("%v and %v", before, id)
		}
		if id.Before().Next() != id {
			t.Errorf("what follows %v is %v", id.Before(), id.Before().Next())
		}
	}
	if (ID{1, math.MaxUint64}).Next() != (ID{2, 0}) || !(ID{}).Before().IsZero() {
		t.Error("the ends of a millisecond")
	}
}
