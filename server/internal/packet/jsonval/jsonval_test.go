package jsonval

import (
	"errors"
	"math"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
)

// built is what a Builder makes of one value.
func built(write func(*Builder)) string {
	b := NewBuilder(Limits{}, 0)
	write(b)
	values, err := b.Values()
	if err != nil {
		return err.Error()
	}
	return string(values[0].JSON)
}

func TestFloats(t *testing.T) {
	for _, c := range []struct {
		f              float64
		script, python string
	}{
		{0, "0", "0.0"}, {math.Copysign(0, -1), "0", "-0.0"}, {2, "2", "2.0"}, {-1.5, "-1.5", "-1.5"}, {1e15, "1000000000000000", "1000000000000000.0"},
		{1e16, "10000000000000000", "1e+16"}, {1e20, "100000000000000000000", "1e+20"}, {1e21, "1e+21", "1e+21"}, {1.5e300, "1.5e+300", "1.5e+300"},
		{1e-4, "0.0001", "0.0001"}, {1e-5, "0.00001", "1e-05"}, {1e-6, "0.000001", "1e-06"}, {1e-7, "1e-7", "1e-07"}, {5e-324, "5e-324", "5e-324"},
		{1.5e-10, "1.5e-10", "1.5e-10"}, {math.NaN(), "null", "null"}, {math.Inf(1), "null", "null"}, {math.Inf(-1), "null", "null"},
	} {
		if got := built(func(b *Builder) { b.Float(c.f) }); got != c.script {
			t.Errorf("%v: got %s, want %s", c.f, got, c.script)
		}
		if got := built(func(b *Builder) { b.PythonFloat(c.f) }); got != c.python {
			t.Errorf("%v as Python: got %s, want %s", c.f, got, c.python)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"": `""`, "a\"\\\n\x00\x7fé😀\u2028": "\"a\\\"\\\\\\n\\u0000\x7fé😀\u2028\"", "a\xff": `"a�"`,
		"\xed\xa0\x80": `"\ud800"`, "a\xed\xbf\xbf\"\xffz": `"a\udfff\"�z"`, "\xed\xa0\xbd\xed\xb8\x80": `"\ud83d\ude00"`, "\xed\xa0": `"��"`, "\xed\x9f\xbf\xff": "\"\ud7ff�\"",
	} {
		if got := built(func(b *Builder) { b.Text([]byte(text)) }); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// TestLookalikes: what looks like an attachment's placeholder and is none is null in a value with
// attachments, and stays as it is in any other.
func TestLookalikes(t *testing.T) {
	b := NewBuilder(Limits{}, 0)
	lookalike := func(inside func()) {
		b.BeginObject()
		b.Key([]byte("_placeholder"))
		b.Bool(true)
		b.Key([]byte("num"))
		inside()
		b.EndObject()
	}
	zero := func() { b.Int(0) }
	b.Binary([]byte("a"))
	lookalike(zero)
	b.BeginArray()
	lookalike(zero)
	lookalike(func() { lookalike(func() { b.Binary([]byte("b")) }) })
	b.BeginObject()
	b.Key([]byte("_placeholder"))
	b.Bool(false)
	b.Key([]byte("x"))
	lookalike(zero)
	b.EndObject()
	b.Binary([]byte("c"))
	b.EndArray()
	values, err := b.Values()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":0}`, `[null,null,{"_placeholder":false,"x":null},{"_placeholder":true,"num":2}]`,
	} {
		if got := string(values[i].JSON); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if len(values[0].Attachments) != 3 || values[1].Attachments != nil || len(values[2].Attachments) != 3 {
		t.Errorf("attachments: %v", values)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limit  string
		limits Limits
		write  func(*Builder)
	}{
		{packet.LimitBytes, Limits{MaxBytes: 5}, func(b *Builder) { b.Text([]byte("abcd")) }},
		{packet.LimitBytes, Limits{MaxBytes: 100}, func(b *Builder) { b.Binary(make([]byte, 100)) }},
		{LimitValues, Limits{MaxValues: 2}, func(b *Builder) { b.BeginObject(); b.Key(nil); b.Null() }},
		{packet.LimitDepth, Limits{MaxDepth: 1}, func(b *Builder) { b.BeginArray(); b.BeginObject() }},
		{packet.LimitDepth, Limits{MaxDepth: 10_000}, func(b *Builder) {
			for range 901 {
				b.BeginArray()
			}
		}},
		{packet.LimitAttachments, Limits{MaxAttachments: 1}, func(b *Builder) { b.Binary(nil); b.Binary(nil) }},
	} {
		b := NewBuilder(c.limits, 0)
		c.write(b)
		b.EndArray() // changes nothing any more
		b.Fail("another")
		var known *packet.Error
		if !errors.As(b.Err(), &known) || known.Limit != c.limit || !strings.Contains(known.Error(), c.limit) {
			t.Errorf("got %v, want the limit of %s", b.Err(), c.limit)
		}
		if values, err := b.Values(); err == nil || values != nil {
			t.Errorf("%s: got %v, %v", c.limit, values, err)
		}
	}
	b := NewBuilder(Limits{MaxBytes: 6, MaxDepth: 1, MaxValues: 2}, 0)
	b.BeginArray()
	b.Raw("1234")
	b.EndArray()
	if err := b.Err(); err != nil {
		t.Errorf("within the limits: %v", err)
	}
}
