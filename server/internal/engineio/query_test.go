package engineio

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// A query is what net/url says it is.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "EIO=4&transport=polling&t=PabcdeF&sid=abc", "a=1&a=2&b=3&a=4", "&&a&b=&=c&d==e&", "a=%20+b;c=d", "sid=x&sid=y", "sid&sid=0", strings.Repeat("a&", 20_000) + "sid=x", "a=\xff", "%zz=1&a=b",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		u := &url.URL{RawQuery: query}
		want, got := u.Query(), queryOf(u)
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%q is %v, want %v", query, got, want)
		}
		if sid := fieldOf(u, "sid"); sid != want.Get("sid") {
			t.Errorf("the sid of %q is %q, want %q", query, sid, want.Get("sid"))
		}
	})
}
