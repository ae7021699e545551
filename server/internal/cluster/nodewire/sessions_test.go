package nodewire

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"hipflask/server/internal/packet/jsonval"
)

const someServer = "hipflask-ABCDEFGHIJKL"

// TestSessionIsNodes reads what Node's streams adapter 0.3.1 wrote, and writes what it reads.
func TestSessionIsNodes(t *testing.T) {
	// {sid, pid, rooms: Array, data: {n: 1}}, in the order and form of @msgpack/msgpack.
	text := base64.StdEncoding.EncodeToString(pack(pairs{"sid", "sid0", "pid", "pid0", "rooms", list{"sid0", "room"}, "data", pairs{"n", 1}}))
	s, err := DecodeSession(text, jsonval.Limits{})
	if err != nil || s.ID != "sid0" || s.PID != "pid0" || !reflect.DeepEqual(s.Rooms, []string{"sid0", "room"}) ||
		string(s.Data.JSON) != `{"n":1}` || s.Server != "" || s.Own != nil {
		t.Errorf("read %+v, %v", s, err)
	}
	s.Server, s.Own = someServer, &OwnSession{Namespace: "/", Since: "1-0", Known: "0-0",
		Stays: []Stay{{"sid0", "1-0", ""}, {"gone", "2-0", "3-0"}}, Values: value(`{"a":[true]}`)}
	text, err = s.Encode()
	want := pack(pairs{"server", someServer, "sid", "sid0", "pid", "pid0", "rooms", list{"sid0", "room"}, "data", pairs{"n", 1},
		"hipflask", pairs{"v", 1, "nsp", "/", "since", "1-0", "known", "0-0",
			"stays", list{list{"sid0", "1-0", ""}, list{"gone", "2-0", "3-0"}}, "values", pairs{"a", list{true}}}})
	if err != nil || text != base64.StdEncoding.EncodeToString(want) {
		t.Errorf("wrote %s, %v", text, err)
	}
	again, err := DecodeSession(text, jsonval.Limits{})
	if err != nil || again.Server != someServer || !reflect.DeepEqual(again.Own.Stays, s.Own.Stays) || string(again.Own.Values.JSON) != `{"a":[true]}` {
		t.Errorf("read %+v, %v", again, err)
	}
	start, head := SessionStart(someServer)
	other, _ := SessionStart("hipflask-LKJIHGFEDCBA")
	if !strings.HasPrefix(text, start) || !strings.HasPrefix(start, head) || !strings.HasPrefix(other, head) || len(other) != len(start) || other == start {
		t.Errorf("sessions begin with %s, all with %s", start, head)
	}
	if took, err := DecodeSession(other+text[len(start):], jsonval.Limits{}); err != nil || took.Server != "hipflask-LKJIHGFEDCBA" || took.ID != "sid0" {
		t.Errorf("taken over it is %+v, %v", took, err)
	}
}

// TestSessionOfALaterVersion is read as far as Node's is.
func TestSessionOfALaterVersion(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(pack(pairs{"sid", "s", "pid", "p", "rooms", list{"a"}, "data", nil, "hipflask", pairs{"v", 2, "stays", list{}}}))
	if s, err := DecodeSession(text, jsonval.Limits{}); err != nil || s.Own != nil || len(s.Rooms) != 1 {
		t.Errorf("read %+v, %v", s, err)
	}
}

// TestSessionKeys are Node's by default.
func TestSessionKeys(t *testing.T) {
	if got := SessionKey(DefaultPrefix, "p"); got != "sio:session:p" {
		t.Error(got)
	}
	if got := SessionKey("app", "p"); got != "app:session:p" {
		t.Error(got)
	}
}
