package hardening

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"hipflask/server/internal/cluster/flaskqueue"
	"hipflask/server/internal/cluster/nodewire"
	"hipflask/server/internal/cluster/pickle"
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/pyprint"
)

// Attack: input that costs more than it weighs. Whatever reads, walks, prints or writes what
// clients and other servers send is given hostile shapes in growing sizes, and the bytes that it
// allocates are compared: they may not grow faster than the input, nor be many times the input.

const (
	// linearSmall and linearGrowth are the sizes of the input, in bytes.
	linearSmall  = 8 << 10
	linearGrowth = 8
	// linearSlack is by how much more than the input the allocations may grow: slices that double
	// make twice of it. What is quadratic makes eight times of it.
	linearSlack = 3
	// linearFactor is how many bytes may be allocated for one of input. The most that is needed is
	// for a struct that an empty object is read into. To print takes less, and may not take more
	// for what is nested.
	linearFactor = 500
	printFactor  = 60
	linearFixed  = 64 << 10
)

// linearShapes make JSON of about n bytes. Those that nest do it to a depth that is taken.
func linearShapes() map[string]func(n int) string {
	list := func(element string) func(int) string {
		return func(n int) string {
			return "[" + strings.TrimSuffix(strings.Repeat(element+",", n/(len(element)+1)), ",") + "]"
		}
	}
	nested := func(open, inner, end string) func(int) string {
		const depth = 90
		return func(n int) string { // one tower, with all the rest at its top
			rest := (n - depth*(len(open)+len(end))) / (len(inner) + 1)
			return strings.Repeat(open, depth) + list(inner)(max(rest, 1)*(len(inner)+1)) + strings.Repeat(end, depth)
		}
	}
	towers := func(open, inner, end string) func(int) string {
		const depth = 50
		return list(strings.Repeat(open, depth) + inner + strings.Repeat(end, depth))
	}
	members := func(member func(i int) string) func(int) string {
		return func(n int) string {
			var b strings.Builder
			b.WriteByte('{')
			for i := 0; b.Len() < n; i++ {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(member(i))
			}
			return b.String() + "}"
		}
	}
	text := func(part string) func(int) string {
		return func(n int) string { return `"` + strings.Repeat(part, n/len(part)) + `"` }
	}
	return map[string]func(int) string{
		"objects with doubled keys":        list(`{"a":1,"a":2}`),
		"one key over and over":            members(func(int) string { return `"a":0` }),
		"each key twice":                   members(func(i int) string { return fmt.Sprintf(`"k%d":%d`, i/2, i) }),
		"many keys":                        members(func(i int) string { return fmt.Sprintf(`"k%d":0`, i) }),
		"escaped keys":                     members(func(i int) string { return fmt.Sprintf(`"\u0061%d\n":0`, i) }),
		"doubled keys around everything":   nested(`{"a":0,"a":`, `{"b":1,"b":2}`, "}"),
		"doubled keys that lose":           nested(`{"a":`, `{"b":1,"b":2}`, `,"a":0}`),
		"towers of doubled keys":           towers(`{"a":0,"b":1,"a":`, "2", "}"),
		"arrays around everything":         nested("[", "0", "]"),
		"towers of arrays":                 towers("[", "0", "]"),
		"towers of objects":                towers(`{"a":`, "0", "}"),
		"small strings":                    list(`""`),
		"small strings with escapes":       list(`"\n"`),
		"small numbers":                    list("0"),
		"small objects":                    list("{}"),
		"big integers":                     list("90071992547409930"),
		"floats":                           list("1e1"),
		"a string of escapes":              text(`\u0001`),
		"a string of quotes":               text(`'\"`),
		"a string of surrogates":           text(`\ud800`),
		"a string beyond ASCII":            text("ä\U0001F600"),
		"what looks like placeholders":     list(`{"_placeholder":true,"num":-1}`),
		"towers of such":                   towers(`{"_placeholder":true,"num":`, "0", "}"),
		"such around everything":           nested(`{"_placeholder":true,"x":`, `{"_placeholder":true,"num":-1}`, "}"),
		"a long number":                    func(n int) string { return "0." + strings.Repeat("1", n) },
		"doubled keys of placeholders":     list(`{"_placeholder":true,"num":0,"num":-1,"num":-2}`),
		"big integers around everything":   nested(`[90071992547409930,`, "90071992547409930", "]"),
		"big integers in doubled keys":     list(`{"a":90071992547409930,"a":90071992547409930}`),
		"white space":                      list(`0                    `),
		"strings with a quote for Python":  list(`"'"`),
		"long keys that differ at the end": members(func(i int) string { return fmt.Sprintf(`"%s%d":0`, strings.Repeat("x", 200), i) }),
	}
}

// linearRecord is what a handler may take: known fields, itself, and anything.
type linearRecord struct {
	A     any            `json:"a"`
	B     *linearRecord  `json:"b"`
	Rest  []linearRecord `json:"rest"`
	Bytes []byte         `json:"bytes"`
}

// linearUses are what is done with a value of JSON text.
func linearUses() map[string]func(v packet.Value) {
	decode := func(into func() any) func(packet.Value) {
		return func(v packet.Value) { _ = v.Decode(into()) }
	}
	return map[string]func(packet.Value){
		"print":            func(v packet.Value) { pyprint.AppendValue(nil, v) },
		"decode any":       decode(func() any { return new(any) }),
		"decode a list":    decode(func() any { return new([]any) }),
		"decode values":    decode(func() any { return new([]packet.Value) }),
		"decode a map":     decode(func() any { return new(map[string]any) }),
		"decode a struct":  decode(func() any { return new(linearRecord) }),
		"decode structs":   decode(func() any { return new([]linearRecord) }),
		"decode byte list": decode(func() any { return new([][]byte) }),
		"walk":             func(v packet.Value) { _ = v.Walk(nobody{}) },
		"elements":         func(v packet.Value) { _ = v.Elements(func(packet.Value) error { return nil }) },
		"members":          func(v packet.Value) { _ = v.Members(func(string, packet.Value) error { return nil }) },
		"text and bytes":   func(v packet.Value) { v.Text(); v.Bytes() },
		"event": func(v packet.Value) {
			_, _, _ = packet.AppendEvent(nil, "/", "event", 0, false, []any{v, packet.BytesValue([]byte("x")), v})
		},
		"Go value": func(v packet.Value) {
			var x any
			if v.Decode(&x) == nil {
				_, _ = packet.NewValue(x)
			}
		},
		"Flask's queue as JSON":   func(v packet.Value) { linearQueue(v, flaskqueue.FormatJSON) },
		"Flask's queue as pickle": func(v packet.Value) { linearQueue(v, flaskqueue.FormatPickle) },
		"Node's broadcast": func(v packet.Value) {
			if data, err := nodewire.AppendBroadcast(nil, &nodewire.Broadcast{Event: "e", Args: []packet.Value{v}}); err == nil {
				_, _ = nodewire.DecodeBroadcast(data, jsonval.Limits{})
			}
		},
		"Node's request": func(v packet.Value) {
			if data, err := nodewire.AppendRequest(nil, &nodewire.Request{
				Type: nodewire.ServerSideEmit, UID: "u", RequestID: "r", Event: "e", Args: []packet.Value{v},
			}); err == nil {
				_, _ = nodewire.DecodeRequest(data, jsonval.Limits{})
			}
		},
		"Node's response": func(v packet.Value) {
			if data, err := nodewire.AppendResponse(nil, &nodewire.Response{Type: nodewire.NoType, RequestID: "r", Data: v}); err == nil {
				_, _ = nodewire.DecodeResponse(data, jsonval.Limits{})
			}
		},
		"rooms of Node's": func(v packet.Value) {
			_, _ = nodewire.DecodeRequest(fmt.Appendf(nil, `{"type":1,"uid":"u","requestId":"r","rooms":%s}`, v.JSON), jsonval.Limits{})
			_, _ = nodewire.DecodeResponse(fmt.Appendf(nil, `{"requestId":"r","sockets":%s,"rooms":%[1]s}`, v.JSON), jsonval.Limits{})
		},
		"rooms of Flask's": func(v packet.Value) {
			_, _ = flaskqueue.Decode(fmt.Appendf(nil, `{"method":"emit","event":"e","data":null,"room":%s,"skip_sid":%[1]s}`, v.JSON), jsonval.Limits{})
		},
	}
}

func factorOf(use string) int {
	if use == "print" {
		return printFactor
	}
	return linearFactor
}

// linearQueue writes a message for Flask-SocketIO, and reads it.
func linearQueue(v packet.Value, format flaskqueue.Format) {
	m := flaskqueue.Message{Method: flaskqueue.Emit, Namespace: "/", Event: "e", Args: []packet.Value{v}}
	if data, err := flaskqueue.Append(nil, &m, format); err == nil {
		_, _ = flaskqueue.Decode(data, jsonval.Limits{})
	}
}

// nobody walks and does nothing.
type nobody struct{}

func (nobody) Null()         {}
func (nobody) Bool(bool)     {}
func (nobody) Number([]byte) {}
func (nobody) Text([]byte)   {}
func (nobody) Binary([]byte) {}
func (nobody) BeginArray()   {}
func (nobody) EndArray(int)  {}
func (nobody) BeginObject()  {}
func (nobody) Key([]byte)    {}
func (nobody) EndObject(int) {}

// linear checks that what use allocates grows as its input does, and is at most factor times as
// much. Others in this process allocate as well, so it may try again.
func linear(t *testing.T, factor int, input func(n int) []byte, use func(input []byte)) {
	t.Helper()
	small, large := input(linearSmall), input(linearSmall*linearGrowth)
	use(small) // what is made once, such as a struct's fields
	growth := float64(len(large)) / float64(len(small))
	few, many := ^uint64(0), ^uint64(0)
	for range 3 {
		few, many = min(few, allocated(func() { use(small) })), min(many, allocated(func() { use(large) }))
		if float64(many) <= linearSlack*growth*float64(few)+linearFixed && many <= uint64(factor*len(large)+linearFixed) {
			return
		}
	}
	t.Errorf("%d bytes of input allocate %d, and %.0f times as many %d: %.1f times as much, %d for each byte",
		len(small), few, growth, many, float64(many)/float64(few), many/uint64(len(large)))
}

// allocated is how many bytes are allocated while f runs.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHardeningValuesCostWhatTheyWeigh(t *testing.T) {
	for use, do := range linearUses() {
		for shape, text := range linearShapes() {
			t.Run(use+"/"+shape, func(t *testing.T) {
				linear(t, factorOf(use), func(n int) []byte { return []byte(text(n)) }, func(input []byte) {
					v, err := packet.Parse(input, packet.DepthCeiling)
					if err != nil {
						t.Fatal(err)
					}
					do(v)
				})
			})
		}
	}
}

// Values with attachments are read another way than those without.
func TestHardeningAttachmentsCostWhatTheyWeigh(t *testing.T) {
	shapes := map[string]func(i int) string{
		"side by side": func(i int) string { return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i) },
		"in objects":   func(i int) string { return fmt.Sprintf(`{"a":{"_placeholder":true,"num":%d},"b":{"rest":[]}}`, i) },
		"with doubled keys": func(i int) string {
			return fmt.Sprintf(`{"a":1,"a":{"_placeholder":true,"num":%d},"b":2,"b":3}`, i)
		},
		"in towers": func(i int) string {
			return strings.Repeat(`{"a":[1,`, 40) + fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i) + strings.Repeat("]}", 40)
		},
		"all but one somewhere else": func(i int) string {
			if i > 0 {
				return strings.Repeat(`{"a":`, 50) + "90071992547409930" + strings.Repeat("}", 50)
			}
			return `{"_placeholder":true,"num":0}`
		},
	}
	limits := packet.Limits{MaxAttachments: packet.AttachmentsCeiling, MaxDepth: packet.DepthCeiling}
	for use, do := range linearUses() {
		for shape, element := range shapes {
			t.Run(use+"/"+shape, func(t *testing.T) {
				linear(t, linearFactor, func(n int) []byte {
					var b bytes.Buffer
					for i := 0; b.Len() < n; i++ {
						b.WriteString(element(i) + ",")
					}
					return bytes.TrimSuffix(b.Bytes(), []byte(","))
				}, func(input []byte) {
					count := bytes.Count(input, []byte(`"_placeholder"`))
					d := packet.Decoder{Limits: limits}
					_, err := d.Text(fmt.Appendf(nil, `5%d-["e",[%s]]`, count, input))
					var p *packet.Packet
					for range count {
						if err == nil {
							p, err = d.Binary([]byte("x"))
						}
					}
					if err != nil || p == nil {
						t.Fatal(p, err)
					}
					do(p.Args[0])
				})
			})
		}
	}
}

// Whole packets, and messages of the queues that no writer of ours makes.
func TestHardeningPacketsCostWhatTheyWeigh(t *testing.T) {
	decode := func(limits packet.Limits, before, part, after string) (func(int) []byte, func([]byte)) {
		return func(n int) []byte { return []byte(before + strings.Repeat(part, n/len(part)) + after) },
			func(input []byte) { d := packet.Decoder{Limits: limits}; _, _ = d.Text(input) }
	}
	many := packet.Limits{MaxArgs: 1 << 20, MaxAttachments: packet.AttachmentsCeiling}
	for name, c := range map[string]struct{ before, part, after string }{
		"arguments":           {`2["e"`, `,0`, "]"},
		"arguments of an ack": {`31[0`, `,{}`, "]"},
		"an event's name":     {`2["`, `\u0061`, `"]`},
		"a payload":           {`0{"a":0`, `,"a":{"a":0}`, "}"},
		"one placeholder":     {`51-["e"`, `,{"_placeholder":true,"num":0}`, "]"},
		"no such attachment":  {`51048576-["e"`, `,{"_placeholder":true,"num":5}`, "]"},
		"brackets":            {`2["e"`, `,[`, ""},
		"a namespace":         {`2/`, `a`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			input, use := decode(many, c.before, c.part, c.after)
			linear(t, linearFactor, input, use)
		})
	}
	for name, c := range linearMessages() {
		t.Run(name, func(t *testing.T) { linear(t, linearFactor, c.input, c.use) })
	}
}

type linearMessage struct {
	input func(n int) []byte
	use   func(input []byte)
}

func linearMessages() map[string]linearMessage {
	queue := func(input []byte) { _, _ = flaskqueue.Decode(input, jsonval.Limits{}) }
	node := func(input []byte) { _, _ = nodewire.DecodeBroadcast(input, jsonval.Limits{}) }
	unpickle := func(input []byte) {
		if o, err := pickle.Decode(input, jsonval.Limits{}); err == nil {
			o.Build(jsonval.NewBuilder(jsonval.Limits{}, 64))
		}
	}
	repeat := func(before, part, after string) func(int) []byte {
		return func(n int) []byte { return []byte(before + strings.Repeat(part, n/len(part)) + after) }
	}
	msgpack := func(data func(dst []byte, n int) []byte) func(int) []byte {
		return func(n int) []byte {
			b := msgp.AppendString(msgp.AppendArrayHeader(nil, 3), "uid")
			b = msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(b, 2), "type"), "2")
			b = msgp.AppendString(b, "data")
			b = msgp.AppendString(msgp.AppendArrayHeader(b, 2), "event")
			return msgp.AppendMapHeader(data(b, n), 0)
		}
	}
	return map[string]linearMessage{
		"JSON with NaN":          {repeat(`{"method":"emit","event":"e","data":[0`, `,NaN`, "]}"), queue},
		"JSON with fields":       {repeat(`{"method":"emit"`, `,"event":"e"`, "}"), queue},
		"JSON with spaces":       {repeat(`{"method":"emit","event":"e","data":0`, " ", "}"), queue},
		"JSON with attachments":  {repeat(`{"method":"emit","event":"e","binary":true,"data":[{"_placeholder":true,"num":0}`, `,""`, "]}"), queue},
		"JSON with one large":    {repeat(`{"method":"emit","event":"e","binary":true,"data":[{"_placeholder":true,"num":0},"`, base64.StdEncoding.EncodeToString([]byte("abc")), `"]}`), queue},
		"pickle: a list":         {repeat("\x80\x04](", "K\x01", "e."), unpickle},
		"pickle: appended one":   {repeat("\x80\x04]", "K\x01a", "."), unpickle},
		"pickle: dictionary":     {repeat("\x80\x04}(", "K\x01N", "u."), unpickle},
		"pickle: items one by":   {repeat("\x80\x04}", "K\x01Ns", "."), unpickle},
		"pickle: marks":          {repeat("\x80\x04", "(", "."), unpickle},
		"pickle: memo":           {repeat("\x80\x04](", "]\x94", "e."), unpickle},
		"pickle: lists in lists": {repeat("\x80\x04](", "]]]aa", "e."), unpickle},
		"pickle: text":           {repeat("\x80\x04](", "X\x01\x00\x00\x00a", "e."), unpickle},
		"pickle: escaped text":   {repeat("(lV", `\u0041`, "\na."), unpickle},
		"pickle: duplicates":     {repeat("\x80\x04](K\x01", "2", "e."), unpickle},
		"pickle: pops":           {repeat("\x80\x04](", "N0", "e."), unpickle},
		"pickle: big integers":   {repeat("\x80\x04](", "\x8a\x10"+strings.Repeat("\x7f", 16), "e."), unpickle},
		"pickle: tuples in each": {repeat("\x80\x04](", ")\x85\x85\x85", "e."), unpickle},
		"msgpack: nils":          {msgpack(func(b []byte, n int) []byte { return linearFill(msgp.AppendArrayHeader(b, uint32(n)), n, []byte{0xc0}) }), node},
		"msgpack: binary": {msgpack(func(b []byte, n int) []byte {
			return linearFill(msgp.AppendArrayHeader(b, uint32(min(n/2, 1000))), min(n/2, 1000), []byte{0xc4, 0})
		}), node},
		"msgpack: one key": {msgpack(func(b []byte, n int) []byte {
			return linearFill(msgp.AppendMapHeader(b, uint32(n/3)), n/3, []byte{0xa1, 'a', 0xc0})
		}), node},
		"msgpack: arrays": {msgpack(func(b []byte, n int) []byte {
			return linearFill(msgp.AppendArrayHeader(b, uint32(n/3)), n/3, []byte{0x91, 0x91, 0x90})
		}), node},
		"msgpack: dates": {msgpack(func(b []byte, n int) []byte {
			return linearFill(msgp.AppendArrayHeader(b, uint32(n/6)), n/6, []byte{0xd6, 0xff, 1, 2, 3, 4})
		}), node},
		"msgpack: more than said": {msgpack(func(b []byte, n int) []byte {
			return linearFill(msgp.AppendArrayHeader(b, uint32(n)), n/2, []byte{0xc0})
		}), node},
	}
}

func linearFill(dst []byte, times int, part []byte) []byte {
	return append(dst, bytes.Repeat(part, times)...)
}

// What a pickle says by reference may be as much as the limits allow and no more, however few bytes
// say it: each of these lists holds the one before it twice.
func TestHardeningPickleBomb(t *testing.T) {
	bomb := []byte("\x80\x04]N")
	bomb = append(bomb, 'a')
	for range 40 {
		bomb = append(bomb, "\x94h"...) // memoize, and get it again
		bomb = append(bomb, byte(bytes.Count(bomb, []byte("\x94"))-1), '\x86')
	}
	bomb = append(bomb, '.')
	o, err := pickle.Decode(bomb, jsonval.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	limits := jsonval.Limits{MaxValues: 10_000}
	b := jsonval.NewBuilder(limits, 64)
	got := allocated(func() {
		b = jsonval.NewBuilder(limits, 64)
		o.Build(b)
	})
	if b.Err() == nil || !strings.Contains(b.Err().Error(), jsonval.LimitValues) || got > 1<<20 {
		t.Errorf("%d bytes were allocated, and the error is %v", got, b.Err())
	}
}
