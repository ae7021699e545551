package testkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the clients of matrix.mjs report, and those scripts that have parts of it.

// CheckConnect checks the transports that a client of this mode began and went on with, and its id.
func CheckConnect(t *testing.T, reports []Report, mode string) {
	t.Helper()
	var connected, later struct{ ID, First, Transport string }
	FindReport(t, reports, "connect", "connected", &connected)
	FindReport(t, reports, "connect", "ready", &later)
	first, transport := mode, mode
	if mode == "default" {
		first, transport = "polling", "websocket"
	}
	if connected.First != first || later.Transport != transport {
		t.Errorf("transports %q, then %q; want %q, then %q", connected.First, later.Transport, first, transport)
	}
	if !regexp.MustCompile(`^[\w-]{15,}$`).MatchString(connected.ID) || later.ID != connected.ID {
		t.Errorf("session id %q, then %q", connected.ID, later.ID)
	}
}

// CheckEchoes compares each message that was sent with what came back for it.
func CheckEchoes(t *testing.T, reports []Report, atLeast int) {
	t.Helper()
	echoes := 0
	for _, r := range reports {
		if r.Sent == nil || r.Args == nil {
			continue
		}
		echoes++
		want := "[" + string(r.Sent) + "]"
		if want == "[null]" {
			want = "[]" // as Flask-SocketIO does with None
		}
		if !slices.Equal(tokens(t, string(r.Args)), tokens(t, want)) {
			t.Errorf("%s %s: received %s, want %s", r.Behaviour, r.Event, r.Args, want)
		}
	}
	if echoes < atLeast {
		t.Errorf("only %d echoes were reported", echoes)
	}
}

// tokens splits JSON so that the order of keys and the writing of numbers count, and the escapes in
// strings do not.
func tokens(t *testing.T, text string) []json.Token {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var all []json.Token
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, token)
	}
}

// CheckAcks checks that each acknowledgement came once, behind the broadcast, in order.
func CheckAcks(t *testing.T, reports []Report) {
	t.Helper()
	for _, name := range []string{"text", "bytes"} {
		var got struct {
			Calls [][]any
			Order []string
		}
		FindReport(t, reports, "ack", name, &got)
		if len(got.Calls) != 1 || len(got.Calls[0]) != 0 {
			t.Errorf("ack of %s: called with %v, want one call without arguments", name, got.Calls)
		}
		if !slices.Equal(got.Order, []string{"message", "ack"}) {
			t.Errorf("ack of %s: the order is %v, want the broadcast first", name, got.Order)
		}
	}
	var many struct{ Answered []int }
	FindReport(t, reports, "ack", "many", &many)
	if len(many.Answered) != 20 || !slices.IsSorted(many.Answered) {
		t.Errorf("20 acks under way were answered as %v", many.Answered)
	}
}

// CheckPair checks that both clients heard all that each of them said, in order.
func CheckPair(t *testing.T, reports []Report) {
	t.Helper()
	hearers := 0
	for _, r := range reports {
		if r.Behaviour != "pair" || r.Event != "heard" {
			continue
		}
		hearers++
		var got struct {
			Who   string
			Heard []string
		}
		r.Decode(t, &got)
		CheckConversation(t, "client "+got.Who+" heard", got.Heard)
	}
	if hearers != 2 {
		t.Errorf("%d clients reported, want 2", hearers)
	}
	var ids struct{ Differ bool }
	if FindReport(t, reports, "pair", "ids", &ids); !ids.Differ {
		t.Error("two clients have one id")
	}
}

// CheckConversation checks for a-0 to a-29 and b-0 to b-29, each in order.
func CheckConversation(t *testing.T, what string, said []string) {
	t.Helper()
	next := map[string]int{"a": 0, "b": 0}
	for _, text := range said {
		speaker, number, _ := strings.Cut(text, "-")
		if number != fmt.Sprint(next[speaker]) {
			t.Errorf("%s %s, want %s-%d: %q", what, text, speaker, next[speaker], said)
			return
		}
		next[speaker]++
	}
	if len(next) != 2 || next["a"] != 30 || next["b"] != 30 {
		t.Errorf("%s %v, want 30 each", what, next)
	}
}

// IsRestart reports whether a client is told so when its server goes down. A poll is answered with
// an error then, which all clients take for a cut; who may upgrade may have done so or not.
func IsRestart(mode, reason string) bool {
	return mode != "polling" && reason == "transport close" || mode != "websocket" && reason == "transport error"
}
