package packet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzScan compares the scanner with encoding/json, which says the same of every text but for
// invalid UTF-8 and the depth.
func FuzzScan(f *testing.F) {
	for _, text := range []string{
		`null`, ` [ 1 , -0.5e+7 , "a\u00e9\ud800\\" , {"a":{}, "a" : []} , true, false ] `, `{"_placeholder":true,"num":0}`,
		`"éé 😀 and plain ASCII afterwards"`, "\"\xff\"", `01`, `1.`, `[1,]`, `{"a"}`, `"\u12"`, `[[[[[[]]]]]]`, "\"\t\"", `9007199254740993`,
	} {
		f.Add([]byte(text), uint8(6))
	}
	f.Fuzz(func(t *testing.T, text []byte, maxDepth uint8) {
		s := newScanner(text, 0, int(maxDepth))
		s.collect = true
		start, end, ok := s.document()
		want := json.Valid(text) && utf8.Valid(text)
		if want && jsonDepth(text) > int(maxDepth) {
			if ok || s.err.Limit != LimitDepth {
				t.Fatalf("%q is too deep for %d: got %v", text, maxDepth, s.err)
			}
			return
		}
		if ok != want && !(s.err != nil && s.err.Limit != "") {
			t.Fatalf("%q: got %v, %v; want %v", text, ok, s.err, want)
		}
		if !ok {
			return
		}
		if got, want := text[start:end], bytes.Trim(text, " \t\r\n"); !bytes.Equal(got, want) {
			t.Fatalf("%q: the value is %q", text, got)
		}
		for _, sp := range s.spans {
			var object map[string]any
			if err := json.Unmarshal(text[sp.start:sp.end], &object); err == nil && object[markerKey] != true {
				t.Fatalf("%q: %q is no placeholder", text, text[sp.start:sp.end])
			}
		}
	})
}

// jsonDepth counts the brackets of valid JSON.
func jsonDepth(text []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '[' || c == '{'):
			depth++
			deepest = max(deepest, depth)
		case !inString && (c == ']' || c == '}'):
			depth--
		}
	}
	return deepest
}

// FuzzDecode feeds a session: a text, then attachments cut from blobs. What comes out must survive
// encoding and decoding, more than once.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`0{"a":1}`, `0/chat?q=1,`, `1/chat,`, `2["message","hello"]`, `2/chat,12["m",{"b":9007199254740993,"a":[1.5,null]}]`, `31[]`, `4"no"`,
		`51-["m",` + ph0 + `]`, `52-/chat,7["m",{"x":` + ph1 + `},[` + ph0 + `]]`, `61-3[{"\u005fplaceholder":true,"num":0}]`,
		`50-["m"]`, `2["\ud800",` + ph0 + `]`, `51-["connect",` + ph0 + `]`, `2["m",[[[[[[[[[[1]]]]]]]]]]]`, `54599999999-["m"]`, `2`, `2[]`, `7`,
	} {
		f.Add([]byte(text), []byte("blob and more"), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text, blobs []byte, size uint8) {
		limits := Limits{MaxAttachments: 4, MaxDepth: 8, MaxBytes: 4096, MaxArgs: 16}
		d := newDecoder(limits)
		p := feed(t, d, text, blobs, int(size))
		if p == nil {
			return
		}
		checkBounds(t, p, limits)
		again, attachments := reencode(t, p)
		q := refeed(t, limits, again, attachments)
		samePacket(t, p, q)
		third, more := reencode(t, q)
		if !bytes.Equal(again, third) || !reflect.DeepEqual(attachments, more) {
			t.Fatalf("encoded a second time\n%s\nis\n%s", again, third)
		}
	})
}

// feed gives the decoder a text and then, as long as it waits, attachments of the size. It returns
// nil if the packet is refused.
func feed(t *testing.T, d *Decoder, text, blobs []byte, size int) *Packet {
	given := bytes.Clone(text)
	p, err := d.Text(given)
	clear(given) // the decoder must have its own copy
	for n := 0; p == nil && err == nil; n++ {
		if n == d.Limits.MaxAttachments {
			t.Fatalf("%q waits for more than %d attachments", text, n)
		}
		blob := bytes.Clone(blobs[:min(size, len(blobs))])
		blobs = blobs[len(blob):]
		p, err = d.Binary(blob)
		clear(blob)
	}
	if d.pending != nil || d.attachments != nil {
		t.Fatalf("%q: something is still awaited", text)
	}
	if err != nil {
		limitOf(t, err)
		return nil
	}
	return p
}

func checkBounds(t *testing.T, p *Packet, l Limits) {
	if len(p.Args) > l.MaxArgs || p.Type == Event && Reserved(p.Event) {
		t.Fatalf("should have been refused: %s", show(p))
	}
	for _, text := range append([][]byte{p.Data}, jsonOf(p.Args)...) {
		if text != nil && (!json.Valid(text) || !utf8.Valid(text) || jsonDepth(text) > l.MaxDepth) {
			t.Fatalf("let through: %q", text)
		}
	}
}

func jsonOf(args []Value) (texts [][]byte) {
	for _, v := range args {
		texts = append(texts, v.JSON)
	}
	return texts
}

// reencode encodes what was decoded; nothing of it may be refused.
func reencode(t *testing.T, p *Packet) (text []byte, attachments [][]byte) {
	args := make([]any, len(p.Args))
	for i, v := range p.Args {
		args[i] = v
	}
	var payload any
	if p.Data != nil {
		payload = json.RawMessage(p.Data)
	}
	var err error
	switch p.Type {
	case Event:
		text, attachments, err = AppendEvent(nil, p.Namespace, p.Event, p.ID, p.HasID, args)
	case Ack:
		text, attachments, err = AppendAck(nil, p.Namespace, p.ID, args)
	case Connect:
		text, err = AppendConnect(nil, p.Namespace, payload)
	case Disconnect:
		text, err = AppendDisconnect(nil, p.Namespace)
	case ConnectError:
		if payload == nil { // a client may leave it out, a server may not
			return []byte("4"), nil
		}
		text, err = AppendConnectError(nil, p.Namespace, payload)
	}
	if err != nil {
		t.Fatalf("%s: %v", show(p), err)
	}
	return text, attachments
}

func refeed(t *testing.T, l Limits, text []byte, attachments [][]byte) *Packet {
	// An event's name with lone surrogates grows when it becomes Go text.
	l.MaxBytes *= 4
	d := newDecoder(l)
	p, err := d.Text(text)
	for _, a := range attachments {
		if p != nil || err != nil {
			break
		}
		p, err = d.Binary(a)
	}
	if p == nil || err != nil {
		t.Fatalf("encoded as %q, which gives %s, %v", text, show(p), err)
	}
	return p
}

// samePacket compares packets; the numbers of attachments may differ.
func samePacket(t *testing.T, p, q *Packet) {
	if p.Type == ConnectError && p.Data == nil {
		return
	}
	if p.Type != q.Type || p.Namespace != q.Namespace || p.ID != q.ID || p.HasID != q.HasID || p.Event != q.Event ||
		string(p.Data) != string(q.Data) || len(p.Args) != len(q.Args) {
		t.Fatalf("%s\nhas become\n%s", show(p), show(q))
	}
	for i := range p.Args {
		v, w := p.Args[i], q.Args[i]
		if v.Attachments == nil && !bytes.Equal(v.JSON, w.JSON) {
			t.Fatalf("argument %s has become %s", v.JSON, w.JSON)
		}
		var x, y any
		errX, errY := v.Decode(&x), w.Decode(&y)
		if (errX == nil) != (errY == nil) || errX == nil && !reflect.DeepEqual(x, y) {
			t.Fatalf("argument %s (%v, %v) has become %s (%v, %v)", v.JSON, x, errX, w.JSON, y, errY)
		}
		text, isText := v.Text()
		if s, ok := x.(string); errX == nil && (ok != isText || s != text) {
			t.Fatalf("%s is %q as text and %q decoded", v.JSON, text, s)
		}
		blob, isBlob := v.Bytes()
		if b, ok := x.([]byte); errX == nil && (ok != isBlob || !bytes.Equal(b, blob)) {
			t.Fatalf("%s is %q as bytes and %v decoded", v.JSON, blob, x)
		}
	}
}

// FuzzAppendEvent encodes arguments of every kind at once. Either they are refused, or what comes
// out decodes to what went in.
func FuzzAppendEvent(f *testing.F) {
	f.Add("message", "text", []byte(`{"a":[1,2.5,null]}`), []byte("blob"), 1.5, int64(-7), true)
	f.Add("", "\xff\u2028\x00", []byte(ph0), []byte{}, 1e-7, int64(1)<<60, true)
	f.Add("m", "_placeholder", []byte(`[{"_placeholder":true}, 9007199254740993]`), []byte("b"), 1e300, int64(0), false)
	f.Add("connect", "", []byte(`{"\u005fplaceholder":true,"num":0}`), []byte(nil), math.Copysign(0, -1), int64(1), true)
	f.Add("m", "", []byte(`broken`), []byte("b"), 1.0, int64(1), true)
	f.Fuzz(func(t *testing.T, name, text string, raw, blob []byte, number float64, integer int64, binary bool) {
		type record struct {
			Raw  json.RawMessage
			Blob []byte `json:"blob,omitempty"`
			N    *int64
		}
		raw = append([]byte{}, raw...) // a nil RawMessage would be null
		if !binary {
			blob = nil
		}
		args := []any{text, number, integer, json.RawMessage(raw), Value{JSON: raw}, map[string]any{text: blob, "k": []any{number, text}},
			record{json.RawMessage(raw), blob, &integer}, blob}
		out, attachments, err := AppendEvent(nil, "/n", name, 5, true, args)
		// The record puts the raw JSON two levels deep.
		ok := json.Valid(raw) && utf8.Valid(raw) && jsonDepth(raw) <= DepthCeiling-2 && !Reserved(name)
		if (err == nil) != ok {
			t.Fatalf("name %q, raw %q: %v", name, raw, err)
		}
		if err != nil {
			return
		}
		d := newDecoder(Limits{MaxDepth: DepthCeiling, MaxBytes: 1 << 30})
		p, err := d.Text(out)
		for _, a := range attachments {
			if p != nil || err != nil {
				break
			}
			p, err = d.Binary(a)
		}
		if p == nil || err != nil {
			t.Fatalf("%q does not decode: %s, %v", out, show(p), err)
		}
		clean := string([]rune(text)) // U+FFFD for what is invalid
		if got, ok := p.Args[0].Text(); !ok || got != clean {
			t.Fatalf("%q has become %q", text, got)
		}
		want, err := json.Marshal(number)
		if err != nil {
			want = []byte("null")
		}
		if string(p.Args[1].JSON) != string(want) {
			t.Fatalf("%v has become %s", number, p.Args[1].JSON)
		}
		var n int64
		if err := p.Args[2].Decode(&n); err != nil || n != integer {
			t.Fatalf("%d has become %s", integer, p.Args[2].JSON)
		}
		if len(attachments) == 0 && !bytes.Equal(p.Args[3].JSON, bytes.Trim(raw, " \t\r\n")) {
			t.Fatalf("%q has become %q", raw, p.Args[3].JSON)
		}
		if got, ok := p.Args[7].Bytes(); ok != (blob != nil) || !bytes.Equal(got, blob) {
			t.Fatalf("%q has become %s %q", blob, p.Args[7].JSON, p.Args[7].Attachments)
		}
		var back record
		if err := p.Args[6].Decode(&back); err != nil || !bytes.Equal(back.Blob, blob) || *back.N != integer {
			t.Fatalf("the struct has become %s: %+v, %v", p.Args[6].JSON, back, err)
		}
	})
}

// FuzzDecodeValue decodes JSON without attachments or big integers into Go values as encoding/json
// does, or fails with the same words.
func FuzzDecodeValue(f *testing.F) {
	for _, text := range []string{
		`{"id":1,"both":"b","NAME":"n","Depth":3,"e1":"e","E2":[1],"e3":5,"e4":{"n":1},"q1":"\"q\"","q2":"5","Q3":"true","e6":{"x":[1.5]}}`,
		`{"id":1.5,"user":null,"text":"\ud800","count":-1,"x":1e400,"done":"true"}`, `[1,"a",null,{"a":[]}]`, `{"z2":"2020-01-01T00:00:00Z","Map":{"a":1}}`,
		`{"Data":"Yg==","Parts":["Yg=="],"Ptr":null,"ByName":{"a":"?"},"ByNum":{"1":2},"Fixed":[1,2,3],"Quoted":"1","Raw":[ 1 ]}`, `"a"`, `null`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(text, 0)
		if err != nil || v.state&stateBig != 0 {
			return
		}
		for _, into := range []func() any{
			func() any { return new(flat) }, func() any { return new(tagged) }, func() any { return new(upload) }, func() any { return new(any) },
			func() any { return new([]flat) }, func() any { return new(map[string]*flat) }, func() any { return new(map[int8][]string) },
			func() any { return &struct{ ID any }{new(flat)} }, func() any { return new([2]string) },
		} {
			got, want := into(), into()
			gotErr, wantErr := v.Decode(got), json.Unmarshal(v.JSON, want)
			if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || gotErr == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\n got %+v, %v\nwant %+v, %v", text, got, gotErr, want, wantErr)
			}
		}
	})
}
