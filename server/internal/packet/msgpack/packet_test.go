package msgpack

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
)

// show writes a packet so that a table can say what it expects in one line.
func show(p *packet.Packet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s", p.Type, p.Namespace)
	if p.Query != "" {
		fmt.Fprintf(&b, " query=%s", p.Query)
	}
	if p.HasID {
		fmt.Fprintf(&b, " id=%d", p.ID)
	}
	if p.Type == packet.Event {
		fmt.Fprintf(&b, " %q", p.Event)
	}
	for _, v := range p.Args {
		fmt.Fprintf(&b, " %s", v.JSON)
		if v.Attachments != nil {
			fmt.Fprintf(&b, "%q", v.Attachments)
		}
	}
	if p.Data != nil {
		fmt.Fprintf(&b, " data=%s", p.Data)
	}
	return b.String()
}

// Every text but the last is what the Encoder of socket.io-msgpack-parser 3.0.2 made of a client's
// packet, or python-socketio 5.7.2 with serializer="msgpack".
var captured = []struct{ name, hex, want string }{
	{"connect", "83a47479706500a36e7370a12fa464617461d40000", `CONNECT /`},
	{"connect with auth", "83a47479706500a36e7370a52f63686174a46461746182a5746f6b656ea178a16ed40000", `CONNECT /chat data={"token":"x"}`},
	{"disconnect", "82a47479706501a36e7370a52f63686174", `DISCONNECT /chat`},
	{"event", "85a47479706502a46461746192a76d657373616765a568656c6c6fa76f7074696f6e7381a8636f6d7072657373c3a26964d40000a36e7370a12f",
		`EVENT / "message" "hello"`},
	{"event with id", "85a47479706502a4646174619ca16d01ffccc8ce00011170cf0000010000000000d3ffffff0000000000cb3ff8000000000000c3c2c0d40000" +
		"a76f7074696f6e7381a8636f6d7072657373c3a269640ca36e7370a52f63686174",
		`EVENT /chat id=12 "m" 1 -1 200 70000 1099511627776 -1099511627776 1.5 true false null null`},
	{"object", "83a47479706502a46461746192a16d84a17a01a161920180a175d40000a2c3a9a4f09f9880a36e7370a12f",
		`EVENT / "m" {"z":1,"a":[1,{}],"é":"😀"}`},
	{"date", "83a47479706502a46461746193a16dd70000000000000003e891d700001eb208c2dc0000a36e7370a12f",
		`EVENT / "m" "1970-01-01T00:00:01.000Z" ["+275760-09-13T00:00:00.000Z"]`},
	{"buffer and ArrayBuffer", "83a47479706502a46461746193a16dc40361626381a17891c703000102ffa36e7370a12f",
		`EVENT / "m" {"_placeholder":true,"num":0}["abc" "\x01\x02\xff"] {"x":[{"_placeholder":true,"num":1}]}["abc" "\x01\x02\xff"]`},
	{"ack", "84a47479706503a46461746192a26f6bc400a2696407a36e7370a12f", `ACK / id=7 "ok" {"_placeholder":true,"num":0}[""]`},
	{"connect error", "83a47479706504a46461746181a76d657373616765a26e6fa36e7370a12f", `CONNECT_ERROR / data={"message":"no"}`},
	{"20 members", "83a47479706502a46461746192a16ddc0014000102030405060708090a0b0c0d0e0f10111213a36e7370a12f",
		`EVENT / "m" [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]`},
	{"Python's connect", "83a47479706500a464617461c0a36e7370a12f", `CONNECT /`},
	{"Python's disconnect", "83a47479706501a464617461c0a36e7370a22f61", `DISCONNECT /a`},
	{"Python's event", "84a47479706502a46461746193a16dc40101cf8000000000000000a36e7370a12fa2696405",
		`EVENT / id=5 "m" {"_placeholder":true,"num":0}["\x01"] 9223372036854775808`},
	{"a lookalike", hex.EncodeToString([]byte("\x83\xa4type\x02\xa3nsp\xa4/?a=\xa4data\x93\xa1m\x82\xac_placeholder\xc3\xa3num\x00\xc4\x01b")),
		`EVENT / query=a= "m" null {"_placeholder":true,"num":0}["b"]`},
}

func TestDecode(t *testing.T) {
	for _, c := range captured {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(data, packet.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		clear(data) // it belongs to a read buffer
		if got := show(p); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		again, err := Append([]byte("dst"), p)
		if err != nil || !bytes.HasPrefix(again, []byte("dst")) {
			t.Errorf("%s: appended %q, %v", c.name, again, err)
			continue
		}
		if q, err := Decode(again[3:], packet.Limits{}); err != nil || strings.Replace(c.want, " query=a=", "", 1) != show(q) {
			t.Errorf("%s: written and read again\n got %v, %v\nwant %s", c.name, q, err, c.want)
		}
	}
}

// What was written as text and attachments reads the same as msgpack.
func TestRepack(t *testing.T) {
	for _, c := range []struct {
		text        string
		attachments []string
		want        string
	}{
		{`0`, nil, `CONNECT /`}, {`0/chat,{"sid":"x"}`, nil, `CONNECT /chat data={"sid":"x"}`}, {`1/chat,`, nil, `DISCONNECT /chat`},
		{`4{"message":"no"}`, nil, `CONNECT_ERROR / data={"message":"no"}`}, {`4"no"`, nil, `CONNECT_ERROR / data="no"`},
		{`2["m"]`, nil, `EVENT / "m"`}, {`2/a,9007199254740991["m",[],{},null]`, nil, `EVENT /a id=9007199254740991 "m" [] {} null`},
		{`2["m",18446744073709551615,-9223372036854775808,1e400]`, nil, `EVENT / "m" 18446744073709551615 -9223372036854775808 null`},
		{`2["m",{"_placeholder":true,"num":0}]`, nil, `EVENT / "m" {"_placeholder":true,"num":0}`},
		{`3/a,7[]`, nil, `ACK /a id=7`},
		{`52-["m",[{"_placeholder":true,"num":0}],{"b":{"_placeholder":true,"num":1}}]`, []string{"", "xyz"},
			`EVENT / "m" [{"_placeholder":true,"num":0}]["" "xyz"] {"b":{"_placeholder":true,"num":1}}["" "xyz"]`},
		{`61-7[{"_placeholder":true,"num":0}]`, []string{"x"}, `ACK / id=7 {"_placeholder":true,"num":0}["x"]`},
	} {
		var attachments [][]byte
		for _, a := range c.attachments {
			attachments = append(attachments, []byte(a))
		}
		got, err := Repack([]byte("dst"), []byte(c.text), attachments)
		if err != nil || !bytes.HasPrefix(got, []byte("dst")) {
			t.Errorf("%.99s: %q, %v", c.text, got, err)
			continue
		}
		if p, err := Decode(got[3:], packet.Limits{}); err != nil || show(p) != c.want {
			t.Errorf("%.99s:\n got %v, %v\nwant %s", c.text, p, err, c.want)
		}
	}
	deepest := strings.Repeat("[", packet.DepthCeiling-1) + strings.Repeat("]", packet.DepthCeiling-1)
	if _, err := Repack(nil, []byte(`2["m",`+deepest+`]`), nil); err != nil {
		t.Errorf("as deep as there is: %v", err)
	}
	for _, text := range []string{``, `2`, `51-["m",{"_placeholder":true,"num":0}]`, `2["m"`} {
		if got, err := Repack([]byte("dst"), []byte(text), nil); err == nil || string(got) != "dst" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	event := func(data string) string { return "\x83\xa4type\x02\xa3nsp\xa1/\xa4data" + data }
	with := func(typ, rest string) string { return "\x83\xa4type" + typ + "\xa3nsp\xa1/" + rest }
	for _, c := range []struct{ name, data, want string }{
		{"nothing", "", "ends early"}, {"an array", "\x90", "in place of map"}, {"no fields", "\x80", "without its type"}, {"text", `2["m"]`, "in place of map"},
		{"no namespace that is none", "\x83\xa4type\x02\xa3nsp\xa1x\xa4data\x91\xa1m", "not a namespace"}, {"a namespace of a number", "\x82\xa4type\x02\xa3nsp\x01", "no string"},
		{"a namespace with a comma", "\x83\xa4type\x02\xa3nsp\xa4/a,b\xa4data\x91\xa1m", "not a namespace"},
		{"a control character", "\x83\xa4type\x02\xa3nsp\xa2/\x1e\xa4data\x91\xa1m", "control character"},
		{"a namespace that is long", "\x83\xa4type\x02\xa3nsp\xda\x03\x00/" + strings.Repeat("n", 767) + "\xa4data\x91\xa1m", "limit of namespace"},
		{"an unknown type", with("\x05", "\xa4data\x91\xa1m"), "impossible type"}, {"a type of text", with("\xa12", "\xa4data\x91\xa1m"), "no integer"},
		{"type twice", "\x83\xa4type\x02\xa4type\x02\xa4data\x91\xa1m", "two fields"}, {"bytes after it", event("\x91\xa1m") + "\x00", "bytes after"},
		{"an event without data", with("\x02", "\xa4data\xd4\x00\x00"), "not an array"}, {"an event of an object", event("\x80"), "not an array"},
		{"an event without a name", event("\x90"), "event name"}, {"a name that is a number", event("\x91\x01"), "event name"}, {"a reserved name", event("\x91\xa7connect"), "reserved"},
		{"an ack without an id", with("\x03", "\xa4data\x90"), "without an id"}, {"an id below zero", with("\x03", "\xa2id\xff"), "impossible id"},
		{"an id beyond 2^53", with("\x03", "\xa2id\xcf\x00\x20\x00\x00\x00\x00\x00\x00"), "impossible id"}, {"an id on a disconnect", with("\x01", "\xa2id\x01"), "id on a packet"},
		{"a payload of a disconnect", with("\x01", "\xa4data\x80"), "payload"}, {"a payload that is an array", with("\x00", "\xa4data\x90"), "kind of payload"},
		{"a payload with bytes", with("\x00", "\xa4data\x81\xa1a\xc4\x01b"), "attachment"},
		{"an extension", event("\x92\xa1m\xd4\x05a"), "extension type 5"}, {"a timestamp", event("\x92\xa1m\xd6\xff\x00\x00\x00\x00"), "timestamp"},
		{"the unused byte", event("\x92\xa1m\xc1"), "invalid msgpack"}, {"a key that is a boolean", event("\x92\xa1m\x81\xc3\x01"), "in place of str"},
		{"an array of 4 G", event("\xdd\xff\xff\xff\xff"), "ends early"}, {"a map of 4 G", event("\x92\xa1m\xdf\xff\xff\xff\xff"), "ends early"},
		{"a text of 4 GB", event("\x92\xa1m\xdb\xff\xff\xff\xff"), "ends early"}, {"bytes of 4 GB", event("\x92\xa1m\xc6\xff\xff\xff\xff"), "ends early"},
		{"an ArrayBuffer of 4 GB", event("\x92\xa1m\xc9\xff\xff\xff\xff\x00"), "ends early"},
		{"depth", event("\x92\xa1m" + strings.Repeat("\x91", 128) + "\xc0"), "limit of depth (128)"},
		{"depth of what is skipped", "\x83\xa4type\x02\xa1x" + strings.Repeat("\x91", 200_000), "invalid msgpack"},
		{"arguments", event("\xdc\x04\x02\xa1m" + strings.Repeat("\xc0", 1025)), "limit of arguments (1024)"},
		{"attachments", event("\x9c\xa1m" + strings.Repeat("\xc4\x00", 11)), "limit of attachments (10)"},
		{"bytes", event("\xc6\x00\xa0\x00\x00" + strings.Repeat("x", 10_485_760)), "limit of bytes"},
		{"bytes as JSON", event("\xdc\xff\xff\xa1m" + strings.Repeat("\xdc\xff\xff"+strings.Repeat("\xc0", 0xFFFF), 0x30)), "limit of bytes"},
	} {
		p, err := Decode([]byte(c.data), packet.Limits{})
		var known *packet.Error
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v, want %q", c.name, p, err, c.want)
		}
	}
	for name, limits := range map[string]packet.Limits{
		"no attachments": {MaxAttachments: -1}, "fewer bytes": {MaxBytes: 20}, "less depth": {MaxDepth: 1},
	} {
		if _, err := Decode([]byte(event("\x93\xa1m\x91\xc0\xc4\x01b")), limits); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzDecode reads packets: what is let through survives both wire forms.
func FuzzDecode(f *testing.F) {
	for _, c := range captured {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("\x82\xa4type\x02\xa4data\x93\xa1m\xca\x7f\x80\x00\x00\xa3\xed\xa0\x80"))
	limits := packet.Limits{MaxBytes: 4096, MaxDepth: 8, MaxArgs: 16, MaxAttachments: 4}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(data, limits)
		if err != nil {
			return
		}
		size := len(p.Data)
		for _, v := range p.Args {
			size += len(v.JSON)
		}
		if size > limits.MaxBytes || len(p.Args) > limits.MaxArgs {
			t.Fatalf("let through: %s", show(p))
		}
		p.Query = "" // servers send none
		out, err := Append(nil, p)
		if err != nil {
			t.Fatalf("%s: %v", show(p), err)
		}
		wide := packet.Limits{MaxAttachments: 4}
		q, err := Decode(out, wide)
		if err != nil || !sameValues(p, q) {
			t.Fatalf("%s\nhas become %v, %v", show(p), q, err)
		}
		if q := byWayOfText(t, p, wide); q != nil && !sameValues(p, q) {
			t.Fatalf("%s\nis, by way of text, %s", show(p), show(q))
		}
	})
}

// FuzzRepack repacks whatever text a client may have sent: what a Decoder takes, clients of msgpack
// can read.
func FuzzRepack(f *testing.F) {
	for _, text := range []string{`0/a,{"sid":"x"}`, `51-7["m",{"_placeholder":true,"num":0},1e400]`, `3/a,7[]`, `4"\ud800"`, `2["m",[[-0.0,1E2]]]`} {
		f.Add([]byte(text), []byte("data"))
	}
	f.Fuzz(func(t *testing.T, text, data []byte) {
		var d packet.Decoder
		p, err := d.Text(text)
		var attachments [][]byte
		for err == nil && p == nil {
			attachments = append(attachments, data)
			p, err = d.Binary(data)
		}
		out, again := Repack(nil, text, attachments)
		if err != nil {
			return
		}
		if again != nil {
			t.Fatalf("%q: %v", text, again)
		}
		q, err := Decode(out, packet.Limits{MaxBytes: 100_000_000})
		if err != nil || q.Type != p.Type || q.Namespace != p.Namespace || q.Event != p.Event || len(q.Args) != len(p.Args) {
			t.Fatalf("%s\nhas become %v, %v", show(p), q, err)
		}
	})
}

// byWayOfText has an event written as text and, as for a client of msgpack, repacked.
func byWayOfText(t *testing.T, p *packet.Packet, limits packet.Limits) *packet.Packet {
	if p.Type != packet.Event {
		return nil
	}
	args := make([]any, len(p.Args))
	for i, v := range p.Args {
		args[i] = v
	}
	text, attachments, err := packet.AppendEvent(nil, p.Namespace, p.Event, p.ID, p.HasID, args)
	if err != nil {
		t.Fatalf("%s: %v", show(p), err)
	}
	data, err := Repack(nil, text, attachments)
	if err != nil {
		t.Fatalf("%s as text: %v", show(p), err)
	}
	q, err := Decode(data, limits)
	if err != nil {
		t.Fatalf("%s repacked: %v", show(p), err)
	}
	return q
}

// sameValues compares packets; how their numbers are written and their attachments numbered may
// differ.
func sameValues(p, q *packet.Packet) bool {
	if p.Type != q.Type || p.Namespace != q.Namespace || p.ID != q.ID || p.HasID != q.HasID || p.Event != q.Event || len(p.Args) != len(q.Args) {
		return false
	}
	for i := range p.Args {
		var a, b any
		if errA, errB := p.Args[i].Decode(&a), q.Args[i].Decode(&b); (errA == nil) != (errB == nil) || !reflect.DeepEqual(a, b) {
			return false
		}
	}
	return true
}
