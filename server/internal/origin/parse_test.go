package origin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	for v, want := range map[string]string{
		"Chat.Example": "chat.example", "chat.example.": "chat.example", "chat.example:5000": "chat.example:5000",
		"chat.example.:05000": "chat.example:5000", "*.example.com": "*.example.com", "*.example.com:80": "*.example.com:80",
		"::1": "[::1]", "[::1]": "[::1]", "[2001:DB8:0:0::1]:5000": "[2001:db8::1]:5000", "192.0.2.1:1": "192.0.2.1:1",
		"localhost": "localhost", "my_host-1": "my_host-1",
	} {
		if got, err := ParseHost(v); got != want || err != nil {
			t.Errorf("%q is %q, %v, want %q", v, got, err, want)
		}
	}
	for v, why := range map[string]string{
		"": "between two commas", "http://a": "scheme", "a/b": "no valid host", "a b": "no valid host", "u@a": "no valid host",
		"a:0": "port", "a:": "port", "a:70000": "port", "*": "*", "a.*.b": "*", "*a.b": "*", "**.b": "*", "*.*.b": "*", "*.": "no host",
		"*.192.0.2.1": "before an address", "*.[::1]": "before an address", "[::1": "brackets", "[fe80::1%lo]": "brackets", "fe80::1%lo": "brackets",
		"256.1.1.1": "no valid host", "1.2": "no valid host", "a..b": "no valid host", ".a": "no valid host", "a..": "no valid host", ".": "no valid host",
		"b\u00fccher.example": "no valid host", strings.Repeat("a.", 127) + "a": "", strings.Repeat("a.", 127) + "aa": "no valid host",
	} {
		got, err := ParseHost(v)
		if why == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q is %q, %v, want an error with %q", v, got, err, why)
		}
	}
}

// What is parsed once stays as it is, and allows what it says: a pattern every name that ends so
// and never the bare one, anything else itself alone.
func FuzzParse(f *testing.F) {
	for _, v := range []string{
		"https://*.example.com", "https://*.*.example.com", "HTTP://User@A:80", "http://[::1%25lo]:5000", "null", "file://", "app://.", "file:///x",
		"https://a.example.:443", "https://" + strings.Repeat("*.", 100) + "a", "ws://a:0", "https://*.com:65536", "://", "*", "a://\x00",
	} {
		f.Add(v, "https://x.example.com")
	}
	f.Fuzz(func(t *testing.T, v, hostile string) {
		normal, err := Parse(v)
		if err != nil {
			if text := err.Error(); normal != "" || text == "" {
				t.Fatalf("%q is %q and an error", v, normal)
			}
			return
		}
		if again, err := Parse(normal); again != normal || err != nil {
			t.Fatalf("%q is %q, and that %q, %v", v, normal, again, err)
		}
		p := &Policy{List: []string{normal}}
		if before, after, star := strings.Cut(normal, "*."); star {
			if bare := before + after; p.allows(request("own.example"), bare) || !p.allows(request("own.example"), before+"x.y."+after) {
				t.Fatalf("%q: a star is no label, or two are none", normal)
			}
		} else if !p.allows(request("own.example"), normal) {
			t.Fatalf("%q does not allow itself", normal)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "own.example"
		if !p.allows(r, hostile) || hostile == normal {
			return
		}
		if _, host, _ := strings.Cut(hostile, "://"); host == "own.example" {
			return
		}
		before, after, star := strings.Cut(normal, "*.")
		label := strings.TrimSuffix(strings.TrimPrefix(hostile, before), "."+after)
		if !star || !strings.HasPrefix(hostile, before) || !strings.HasSuffix(hostile, "."+after) || strings.ContainsAny(label, ":/?#@[]*\\ ") || label == "" {
			t.Fatalf("%q allows %q", normal, hostile)
		}
	})
}

// A Host is allowed only by a name that it is, or ends with; and never one that no browser could
// mean by the name.
func FuzzHosts(f *testing.F) {
	for _, v := range []string{"*.example.com", "a:80", "[::1]:5000", "::1", "*.*.a", "a.", "u@a", "A..B", "[fe80::1%25lo]", "1.2.3.4:x", "*." + strings.Repeat("a.", 200)} {
		f.Add(v, "evil.example")
		f.Add("*.example.com", v)
	}
	f.Fuzz(func(t *testing.T, v, hostile string) {
		name, err := ParseHost(v)
		if err != nil {
			return
		}
		if again, err := ParseHost(name); again != name || err != nil {
			t.Fatalf("%q is %q, and that %q, %v", v, name, again, err)
		}
		h := Hosts{name}
		if example := h.Example("nobody.invalid"); !h.Allow(example) {
			t.Fatalf("%q does not allow %q", name, example)
		}
		if bare, star := strings.CutPrefix(name, "*."); star && h.Allow(bare) {
			t.Fatalf("%q allows %q", name, bare)
		}
		if !h.Allow(hostile) {
			return
		}
		if strings.ContainsAny(hostile, "@/?#*\\") {
			t.Fatalf("%q allows %q", name, hostile)
		}
		if !h.AllowLocal(hostile) {
			t.Fatalf("%q allows %q, but not where more is allowed", name, hostile)
		}
	})
}
