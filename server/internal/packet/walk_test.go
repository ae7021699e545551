package packet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// recorder writes down what a walk tells it.
type recorder struct{ strings.Builder }

func (r *recorder) Null()              { r.WriteString("null ") }
func (r *recorder) Bool(v bool)        { fmt.Fprintf(r, "%v ", v) }
func (r *recorder) Number(text []byte) { fmt.Fprintf(r, "%s ", text) }
func (r *recorder) Text(text []byte)   { fmt.Fprintf(r, "%q ", text) }
func (r *recorder) Binary(data []byte) { fmt.Fprintf(r, "<%s> ", data) }
func (r *recorder) BeginArray()        { r.WriteString("[ ") }
func (r *recorder) EndArray(n int)     { fmt.Fprintf(r, "]%d ", n) }
func (r *recorder) BeginObject()       { r.WriteString("{ ") }
func (r *recorder) Key(text []byte)    { fmt.Fprintf(r, "%q:", text) }
func (r *recorder) EndObject(n int)    { fmt.Fprintf(r, "}%d ", n) }

func TestWalk(t *testing.T) {
	attachments := [][]byte{[]byte("zero"), []byte("one")}
	for _, c := range []struct {
		text        string
		attachments [][]byte
		want        string
	}{
		{"", nil, "null"},
		{` [ null , true, false,-1.50e+3, [ ] , { } ,"a\n\u00e9\ud800"] `, nil, `[ null true false -1.50e+3 [ ]0 { }0 "a\né�" ]7`},
		{`{"z":{"\u0061":[[],1]},"z":2}`, nil, `{ "z":{ "a":[ [ ]0 1 ]2 }1 "z":2 }2`},
		{`{"_placeholder":true,"num":0}`, nil, `{ "_placeholder":true "num":0 }2`},
		{`[{"num":1,"_placeholder":true},{"a":{"_placeholder":true,"num":0}},1]`, attachments, `[ <one> { "a":<zero> }1 1 ]3`},
		{`{"_placeholder":false,"num":0}`, attachments, `{ "_placeholder":false "num":0 }2`},
	} {
		var r recorder
		if err := (Value{JSON: []byte(c.text), Attachments: c.attachments}).Walk(&r); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if got := strings.TrimSpace(r.String()); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
	for _, text := range []string{`[1,]`, `[`, `{"_placeholder":true,"num":2}`, strings.Repeat("[", 1001) + strings.Repeat("]", 1001)} {
		var r recorder
		if err := (Value{JSON: []byte(text), Attachments: attachments}).Walk(&r); err == nil || r.Len() > 0 {
			t.Errorf("%.40s: error %v, and it was told %s", text, err, r.String())
		}
	}
}

func TestParse(t *testing.T) {
	v, err := Parse([]byte(" [1,[2]] "), 2)
	if err != nil || string(v.JSON) != "[1,[2]]" {
		t.Errorf("got %s, %v", v.JSON, err)
	}
	var known *Error
	if _, err := Parse([]byte("[1,[2]]"), 1); !errors.As(err, &known) || known.Limit != LimitDepth {
		t.Errorf("too deep: %v", err)
	}
	if _, err := Parse([]byte("[1,[2]"), 0); !errors.As(err, &known) || known.Limit != "" {
		t.Errorf("malformed: %v", err)
	}
}

// TestParts takes a value with attachments apart and encodes the parts.
func TestParts(t *testing.T) {
	v, err := Parse([]byte(`{"a":[{"_placeholder":true,"num":1},"plain",{"_placeholder":true,"num":0}],"a":9007199254740993,"e":[]}`), 0)
	if err == nil {
		v, err = v.WithAttachments([][]byte{[]byte("zero"), []byte("one")})
	}
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	var parts []any
	if err := v.Members(func(key string, member Value) error {
		keys = append(keys, key)
		if key != "a" || len(member.JSON) < 20 {
			parts = append(parts, member)
			return nil
		}
		return member.Elements(func(e Value) error { parts = append(parts, e); return nil })
	}); err != nil {
		t.Fatal(err)
	}
	text, attachments, err := AppendEvent(nil, "/", "e", 0, false, parts)
	want := `52-["e",{"_placeholder":true,"num":0},"plain",{"_placeholder":true,"num":1},9007199254740993,[]]`
	if err != nil || string(text) != want || string(bytes.Join(attachments, []byte(","))) != "one,zero" || strings.Join(keys, ",") != "a,a,e" {
		t.Errorf("got %s %s %q, %v", keys, text, attachments, err)
	}
	stop := errors.New("stop")
	if err := v.Members(func(string, Value) error { return stop }); err != stop {
		t.Errorf("got %v", err)
	}
	if v.Elements(nil) == nil || (Value{JSON: []byte("[1")}).Elements(nil) == nil || (Value{}).Members(nil) == nil {
		t.Error("something else was taken for a list or an object")
	}
	if _, err := v.WithAttachments([][]byte{nil}); err == nil {
		t.Error("a placeholder of no attachment was taken")
	}
}

// FuzzWalk puts together again what a walk tells, and compares.
func FuzzWalk(f *testing.F) {
	for _, text := range []string{`[]`, ` {"a":[{},[],null,-0.5e7,"\u0000é"],"":true} `, `"\ud800"`, `[[1],{"b":{}}]`, `{"_placeholder":true,"num":0}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v := Value{JSON: text}
		var w rewriter
		if err := v.Walk(&w); err != nil || len(text) == 0 {
			return
		}
		w.dst = w.dst[:len(w.dst)-1] // the comma behind the whole
		var got, want any
		if err := json.Unmarshal(w.dst, &got); err != nil && json.Valid(w.dst) {
			return // a number beyond float64
		} else if err != nil {
			t.Fatalf("%q became %q: %v", text, w.dst, err)
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if !bytes.Equal(a, b) {
			t.Fatalf("%q became %q", text, w.dst)
		}
	})
}

// rewriter writes what a walk tells it as JSON again.
type rewriter struct{ dst []byte }

func (w *rewriter) put(text string) { w.dst = append(append(w.dst, text...), ',') }

func (w *rewriter) end(bracket string, n int) {
	if n > 0 {
		w.dst = w.dst[:len(w.dst)-1]
	}
	w.put(bracket)
}

func (w *rewriter) Null()              { w.put("null") }
func (w *rewriter) Bool(v bool)        { w.put(fmt.Sprint(v)) }
func (w *rewriter) Number(text []byte) { w.put(string(text)) }
func (w *rewriter) Text(text []byte)   { w.put(string(AppendText(nil, string(text)))) }
func (w *rewriter) Binary([]byte)      { w.put("never") }
func (w *rewriter) BeginArray()        { w.dst = append(w.dst, '[') }
func (w *rewriter) EndArray(n int)     { w.end("]", n) }
func (w *rewriter) BeginObject()       { w.dst = append(w.dst, '{') }
func (w *rewriter) EndObject(n int)    { w.end("}", n) }

func (w *rewriter) Key(text []byte) {
	w.dst = append(AppendText(w.dst, string(text)), ':')
}
