package engineio

import "testing"

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
