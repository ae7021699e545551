package flaskqueue

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/testdata/testkit"
)

// askPython runs testdata/debian.py with a python-socketio from before 5.14 and returns its lines.
// Where there is none the test is skipped, but in CI it fails.
func askPython(t *testing.T, stdin []byte, mode string) []string {
	t.Helper()
	testkit.NeedModules(t, "flask_socketio")
	lines := testkit.RunPython(t, stdin, "testdata/debian.py", mode)
	var major, minor int
	if _, err := fmt.Sscanf(lines[0], "%d.%d", &major, &minor); err != nil || major != 5 || minor >= 14 {
		testkit.Absent(t, "nothing compared with python-socketio: version "+lines[0]+" is not one of those with pickle")
	}
	return lines[1:]
}

// TestReadsPythonSocketIO decodes what python-socketio publishes.
func TestReadsPythonSocketIO(t *testing.T) {
	want := []string{
		`emit H / message ["hello"] to [] nil=true skip []`,
		`emit H / message [] to [] nil=true skip []`,
		`emit H / message [] to [] nil=true skip []`,
		`emit H / message ["a",1] to [] nil=true skip []`,
		`emit H / message [null] to [] nil=true skip []`,
		`emit H / message [[1,2]] to [] nil=true skip []`,
		`emit H /chat message [{"z":1,"a":{"_placeholder":true,"num":0},"n":1180591620717411303424,"f":2.0}] 78797a to [] nil=true skip []`,
		`emit H / message [{"_placeholder":true,"num":0}] 0001 to [room1] nil=false skip [S]`,
		`emit H / message ["é😀"] to [r1 r2] nil=false skip [S1 S2]`,
		`emit H / message [1] to [5] nil=false skip []`,
		`emit H / message ["q"] to [SID] nil=false skip [] callback {SID / 1}`,
		`callback H2 / sid SID id 7 ["ack1",{"z":1},{"_placeholder":true,"num":0}] 62`,
		`close_room  / room room1`,
		`disconnect  /chat sid SID`,
	}
	for i, line := range askPython(t, nil, "publish") {
		data, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(data, jsonval.Limits{})
		if err != nil {
			t.Errorf("%v in %q", err, data)
			continue
		}
		if m.Format != FormatPickle {
			t.Errorf("%q was taken for JSON", data)
		}
		if i >= len(want) || show(m) != want[i] {
			t.Errorf("got  %s\nwant %s", show(m), want[min(i, len(want)-1)])
		}
	}
}

// TestPythonSocketIODelivers publishes to a python-socketio from before 5.14. That of JSON is what
// the documentation of Format warns of.
func TestPythonSocketIODelivers(t *testing.T) {
	value := func(text string) packet.Value { return packet.Value{JSON: []byte(text)} }
	bytesOf := packet.BytesValue([]byte("xyz"))
	nested := packet.Value{JSON: []byte(`{"b":{"_placeholder":true,"num":0},"n":1180591620717411303424,"f":2.0}`), Attachments: [][]byte{[]byte("in")}}
	cases := []struct {
		format Format
		m      Message
		want   string
	}{
		{FormatPickle, Message{Method: Emit, Event: "e", Args: []packet.Value{value(`"hi"`)}}, `[["a", "2[\"e\",\"hi\"]"], ["b", "2[\"e\",\"hi\"]"]]`},
		{FormatPickle, Message{Method: Emit, Event: "e", Rooms: []string{"a"}}, `[["a", "2[\"e\"]"]]`},
		{FormatPickle, Message{Method: Emit, Event: "e", Args: []packet.Value{value(`[1,"é"]`), value(`null`)}, Rooms: []string{"a"}}, `[["a", "2[\"e\",[1,\"\\u00e9\"],null]"]]`},
		{FormatPickle, Message{Method: Emit, Event: "e", Args: []packet.Value{bytesOf, nested}, Rooms: []string{"a", "nobody"}},
			`[["a", "52-[\"e\",{\"_placeholder\":true,\"num\":0},{\"b\":{\"_placeholder\":true,\"num\":1},\"n\":1180591620717411303424,\"f\":2.0}]", "eHl6", "aW4="]]`},
		{FormatPickle, Message{Method: Emit, Event: "e", Rooms: []string{"room1"}, SkipSIDs: []string{"a"}}, `[["b", "2[\"e\"]"]]`},
		{FormatPickle, Message{Method: Emit, Event: "e", SkipSIDs: []string{"a", "b"}}, `[]`},
		{FormatPickle, Message{Method: Emit, Event: "e", Namespace: "/chat"}, `[["c", "2/chat,[\"e\"]"]]`},
		{FormatPickle, Message{Method: Emit, Event: "e", Rooms: []string{"a"}, Callback: &CallbackRef{SID: "a", Namespace: "/", ID: 1 << 40}}, `[["a", "21[\"e\"]"]]`},
		{FormatPickle, Message{Method: Disconnect, SID: "a"}, `[["a", "1"]]`},
		{FormatPickle, Message{Method: CloseRoom, Room: "room1"}, `[]`},
		{FormatJSON, Message{Method: Emit, Event: "e", Args: []packet.Value{value(`"hi"`), value(`2`)}, Rooms: []string{"a"}}, `[["a", "2[\"e\",[\"hi\",2]]"]]`},
		{FormatJSON, Message{Method: Emit, Event: "e", Rooms: []string{"a"}}, `[["a", "2[\"e\",[]]"]]`},
		{FormatJSON, Message{Method: Disconnect, SID: "a"}, `[["a", "1"]]`},
	}
	var stdin bytes.Buffer
	for _, c := range cases {
		c.m.HostID = "H"
		data, err := Append(nil, &c.m, c.format)
		if err != nil {
			t.Fatalf("%+v: %v", c.m, err)
		}
		fmt.Fprintln(&stdin, base64.StdEncoding.EncodeToString(data))
	}
	for i, got := range askPython(t, stdin.Bytes(), "receive") {
		if i >= len(cases) || got != cases[i].want {
			t.Errorf("%+v:\ngot  %s\nwant %s", cases[i].m, got, cases[i].want)
		}
	}
}
