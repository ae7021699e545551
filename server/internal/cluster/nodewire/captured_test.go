package nodewire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// captured is a message that Node's adapter or emitter published.
type captured struct {
	Label, Channel, Hex string
	data                []byte
}

// emitterUID is the UID of what @socket.io/redis-emitter publishes.
const emitterUID = "emitter"

func (c captured) kind() string {
	kind, _, _ := strings.Cut(c.Channel, "#")
	return kind
}

func readCaptured(t *testing.T) []captured {
	t.Helper()
	text, err := os.ReadFile("testdata/captured.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []captured
	for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); {
		var c captured
		if err := json.Unmarshal(scan.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.data, err = hex.DecodeString(c.Hex); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// show writes arguments as a packet would, attachments behind it.
func show(args []packet.Value) string {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a
	}
	text, attachments, err := packet.AppendAck(nil, "/", 0, all)
	if err != nil {
		return err.Error()
	}
	s := string(text[bytes.IndexByte(text, '['):])
	for _, a := range attachments {
		s += fmt.Sprintf(" %x", a)
	}
	return s
}

func (f Flags) show() string {
	s := ""
	if f.Volatile {
		s += " volatile"
	}
	if f.Compress != nil {
		s += fmt.Sprintf(" compress=%v", *f.Compress)
	}
	if f.Timeout > 0 {
		s += fmt.Sprintf(" timeout=%v", f.Timeout)
	}
	return s
}

// shown says what was read, without what differs from run to run.
func (c captured) shown(t *testing.T) string {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Fatalf("%s: %v", c.Label, err)
		}
	}
	switch c.kind() {
	case "socket.io":
		b, err := DecodeBroadcast(c.data, jsonval.Limits{})
		fail(err)
		if from := strings.HasPrefix(c.Label, "emitter"); from != (b.UID == emitterUID) || len(b.UID) < 6 {
			t.Errorf("%s: from %q", c.Label, b.UID)
		}
		return fmt.Sprintf("%s %s %s to %v except %v%s", b.Namespace, b.Event, show(b.Args), b.Target.Rooms, b.Target.Except, b.Flags.show())
	case "socket.io-request":
		r, err := DecodeRequest(c.data, jsonval.Limits{})
		fail(err)
		return fmt.Sprintf("request %d uid=%v id=%v %v to %v except %v%s rooms %v close %v %s%s", r.Type, r.UID != "", r.RequestID != "",
			r.HasTarget, r.Target.Rooms, r.Target.Except, r.Flags.show(), r.Rooms, r.Close, r.Event, show(r.Args))
	}
	r, err := DecodeResponse(c.data, jsonval.Limits{})
	fail(err)
	s := fmt.Sprintf("response %d id=%v count %d data %s", r.Type, r.RequestID != "", r.ClientCount, show([]packet.Value{r.Data}))
	if r.Rooms != nil {
		s += fmt.Sprint(" rooms ", r.Rooms[1:])
	}
	for _, k := range r.Sockets {
		var handshake struct{ Address string }
		fail(k.Handshake.Decode(&handshake))
		s += fmt.Sprintf(" socket id=%v %s %v %s", len(k.ID) == 20, handshake.Address, k.Rooms[1:], k.Data.JSON)
	}
	return s
}

func TestCaptured(t *testing.T) {
	want := []string{
		`/ message ["hello"] to [] except []`,
		`/ v [0,1,127,128,255,256,65535,65536,4294967295,4294967296,9007199254740991,-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9007199254740991,1.5,-0.25,1e-7,null,null,null,null,true,false] to [] except []`,
		`/ s ["","é😀\u0000\"\\","` + strings.Repeat("x", 31) + `","` + strings.Repeat("x", 32) + `","` + strings.Repeat("x", 300) + `"] to [] except []`,
		`/ b [{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":2}] 000102ff 0908  to [] except []`,
		`/ d ["1970-01-01T00:00:00.000Z","2023-11-14T22:13:20.123Z","1969-12-31T23:59:59.999Z","9999-12-31T23:59:59.001Z","-000001-01-01T00:00:00.000Z","+275760-09-13T00:00:00.000Z"] to [] except []`,
		`/ g [{"k0":0,"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10,"k11":11,"k12":12,"k13":13,"k14":14,"k15":15,"k16":16,"k17":17,"k18":18,"k19":19},[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19],[[],{}],{"n":null}] to [] except []`,
		`/ message ["to room"] to [room1] except []`,
		`/ message [{"z":1,"a":2}] to [room1 room2] except [room3] volatile compress=false`,
		`/ message [1] to [5] except [7]`,
		`/chat message ["in chat"] to [] except []`,
		`request 7 uid=true id=true true to [] except [] timeout=2s rooms [] close false ask["q"]`,
		`response 8 id=true count 1 data [null]`,
		`response 9 id=true count 0 data ["answer"]`,
		`request 7 uid=true id=true true to [room1] except [] timeout=2s rooms [] close false askbin[{"_placeholder":true,"num":0}] 71`,
		`response 8 id=true count 1 data [null]`,
		`response 9 id=true count 0 data [{"_placeholder":true,"num":0}] 62696e`,
		`request 1 uid=true id=true false to [] except [] rooms [] close false []`,
		`response -1 id=true count 0 data [null] rooms [room1 5]`,
		`request 5 uid=true id=true true to [room1] except [x] rooms [] close false []`,
		`response -1 id=true count 0 data [null] socket id=true ::ffff:127.0.0.1 [room1 5] {"user":"bob"}`,
		`request 2 uid=true id=false true to [room1] except [room8] rooms [room2 room9] close false []`,
		`request 3 uid=true id=false true to [room1] except [] rooms [room9] close false []`,
		`request 6 uid=true id=false false to [] except [] rooms [] close false hello[{"z":1},{"type":"Buffer","data":[1,2]}]`,
		`request 6 uid=true id=true false to [] except [] rooms [] close false hello["w"]`,
		`response 6 id=true count 0 data [{"got":"w"}]`,
		`/ message ["hello"] to [] except []`,
		`/ message [{"z":1,"a":[1,2]},{"_placeholder":true,"num":0}] 010203 to [room1] except []`,
		`/ message [] to [r1 r2] except [r3] volatile compress=true`,
		`/chat message [1] to [room1] except []`,
		`request 2 uid=false id=false true to [room1] except [] rooms [room5] close false []`,
		`request 3 uid=false id=false true to [room1 room2] except [x] rooms [room5] close false []`,
		`request 6 uid=true id=false false to [] except [] rooms [] close false hello[1,"two",[3]]`,
		`request 4 uid=false id=false true to [nobody] except [] rooms [] close true []`,
		`request 4 uid=true id=false true to [room1] except [] rooms [] close false []`,
	}
	all := readCaptured(t)
	if len(all) != len(want) {
		t.Fatalf("%d messages were captured", len(all))
	}
	for i, c := range all {
		if got := c.shown(t); got != want[i] {
			t.Errorf("%s:\ngot  %s\nwant %s", c.Label, got, want[i])
		}
	}
}

// TestEncodesAsNode decodes what Node published and encodes it again.
func TestEncodesAsNode(t *testing.T) {
	for _, c := range readCaptured(t) {
		switch c.Label {
		case "adapter-date", "adapter-values", "adapter-number-room":
			continue // dates, NaN and numbers for rooms have become something else
		case "adapter-side-emit-ack", "adapter-all-rooms", "adapter-fetch":
			if c.kind() == "socket.io-response" {
				continue // type in another place, a number for a room
			}
		}
		var got []byte
		switch c.kind() {
		case "socket.io":
			b, err := DecodeBroadcast(c.data, jsonval.Limits{})
			if err == nil {
				got, err = AppendBroadcast([]byte("before"), &b)
			}
			if err != nil {
				t.Errorf("%s: %v", c.Label, err)
			}
			if channel := NewChannels("", b.Namespace).Broadcast(b.Target.Rooms); channel != c.Channel {
				t.Errorf("%s: on %s, not %s", c.Label, channel, c.Channel)
			}
			if strings.HasPrefix(c.Label, "emitter") {
				continue // flags before except
			}
		case "socket.io-request":
			r, err := DecodeRequest(c.data, jsonval.Limits{})
			if err == nil {
				got, err = AppendRequest([]byte("before"), &r)
			}
			if err != nil {
				t.Errorf("%s: %v", c.Label, err)
			}
		default:
			r, err := DecodeResponse(c.data, jsonval.Limits{})
			if err == nil {
				got, err = AppendResponse([]byte("before"), &r)
			}
			if err != nil {
				t.Errorf("%s: %v", c.Label, err)
			}
		}
		if string(got) != "before"+string(c.data) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.Label, got, c.data)
		}
	}
}
