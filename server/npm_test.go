package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

const newest = "socket.io-client"

// clientVersions are the npm aliases in testdata/package.json: 1.7, 2.5, 3.1, 4.0 and the newest.
func clientVersions() []string {
	return []string{"socket.io-client-1", "socket.io-client-2", "socket.io-client-3", "socket.io-client-40", newest}
}

// TestClientMatrix drives the server with every client version over every
// transport, and checks what the clients saw and what the server printed.
func TestClientMatrix(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range clientVersions() {
		for _, mode := range []string{"websocket", "polling", "default"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				t.Parallel()
				testClient(t, client, "", mode)
			})
		}
	}
}

func testClient(t *testing.T, client, parser, mode string) {
	server := harness.Start(t)
	config := testkit.ScriptConfig{
		URL: server.URL, Client: client, Parser: parser, Peer: newest, Mode: mode,
		Behaviours: []string{"connect", "text", "unicode", "values", "binary", "ack", "large", "pair", "leave", "shutdown"},
		TextBytes:  900_000, BinaryBytes: 900_000,
	}
	echoes := 50
	if parser != "" {
		echoes -= 2 // see values.mjs
	}
	if mode == "polling" {
		config.BinaryBytes = 700_000 // a third more in base64, and the limit is 1,000,000
		if parser != "" {
			config.TextBytes = config.BinaryBytes
		}
	}
	process := testkit.StartScript(t, "matrix.mjs", config)
	process.Await(t, "shutdown", "waiting")
	const left = 12 // connections that the clients have closed by themselves by now
	server.Stdout.WaitLines(t, "Client disconnected", left)
	if err := server.Stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	reports := process.Finish(t)

	checkConnect(t, reports, mode)
	checkEchoes(t, reports, echoes)
	checkAcks(t, reports)
	checkPair(t, reports)
	checkGoodbyes(t, reports, mode)
	checkPrinted(t, server.Stdout, wantPrinted(t, reports, config), left+1)
}

// find decodes the report of an event into v.
func find(t *testing.T, reports []testkit.Report, behaviour, event string, v any) {
	t.Helper()
	i := slices.IndexFunc(reports, func(r testkit.Report) bool { return r.Behaviour == behaviour && r.Event == event })
	if i < 0 {
		t.Fatalf("nothing reported for %s %s", behaviour, event)
	}
	reports[i].Decode(t, v)
}

func checkConnect(t *testing.T, reports []testkit.Report, mode string) {
	t.Helper()
	var connected, settled struct{ ID, First, Transport string }
	find(t, reports, "connect", "connected", &connected)
	find(t, reports, "connect", "settled", &settled)
	first, transport := mode, mode
	if mode == "default" {
		first, transport = "polling", "websocket"
	}
	if connected.First != first || settled.Transport != transport {
		t.Errorf("transports %q, then %q; want %q, then %q", connected.First, settled.Transport, first, transport)
	}
	if !regexp.MustCompile(`^[\w-]{15,}$`).MatchString(connected.ID) || settled.ID != connected.ID {
		t.Errorf("session id %q, then %q", connected.ID, settled.ID)
	}
}

// checkEchoes compares each message that was sent with what came back for it.
func checkEchoes(t *testing.T, reports []testkit.Report, atLeast int) {
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

// tokens splits JSON so that the order of keys and the writing of numbers count,
// and the escapes in strings do not.
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

func checkAcks(t *testing.T, reports []testkit.Report) {
	t.Helper()
	for _, name := range []string{"text", "bytes"} {
		var got struct {
			Calls [][]any
			Order []string
		}
		find(t, reports, "ack", name, &got)
		if len(got.Calls) != 1 || len(got.Calls[0]) != 0 {
			t.Errorf("ack of %s: called with %v, want one call without arguments", name, got.Calls)
		}
		if !slices.Equal(got.Order, []string{"message", "ack"}) {
			t.Errorf("ack of %s: the order is %v, want the broadcast first", name, got.Order)
		}
	}
	var many struct{ Answered []int }
	find(t, reports, "ack", "many", &many)
	if len(many.Answered) != 20 || !slices.IsSorted(many.Answered) {
		t.Errorf("20 acks under way were answered as %v", many.Answered)
	}
}

// checkPair checks that both clients heard all that each of them said, in order.
func checkPair(t *testing.T, reports []testkit.Report) {
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
		checkConversation(t, "client "+got.Who+" heard", got.Heard)
	}
	if hearers != 2 {
		t.Errorf("%d clients reported, want 2", hearers)
	}
	var ids struct{ Differ bool }
	if find(t, reports, "pair", "ids", &ids); !ids.Differ {
		t.Error("two clients have one id")
	}
}

// checkConversation checks for a-0 to a-29 and b-0 to b-29, each in order.
func checkConversation(t *testing.T, what string, said []string) {
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

func checkGoodbyes(t *testing.T, reports []testkit.Report, mode string) {
	t.Helper()
	var left, gone struct{ Reason string }
	find(t, reports, "leave", "left", &left)
	find(t, reports, "shutdown", "gone", &gone)
	if left.Reason != "io client disconnect" {
		t.Errorf("a client that left by itself was told %q", left.Reason)
	}
	// With "io server disconnect" no client would try to come back.
	if !isRestart(mode, gone.Reason) {
		t.Errorf("a client of a stopping server was told %q", gone.Reason)
	}
}

// isRestart reports whether a client is told so when its server goes down. A poll is
// answered with an error then, which all clients take for a cut; who may upgrade may have
// done so or not.
func isRestart(mode, reason string) bool {
	return mode != "polling" && reason == "transport close" || mode != "websocket" && reason == "transport error"
}

// checkPrinted compares stdout with what the clients sent, in their order.
func checkPrinted(t *testing.T, stdout *testkit.Output, want []string, connections int) {
	t.Helper()
	var got, conversation []string
	count := map[string]int{}
	for _, line := range stdout.Lines() {
		message, isMessage := strings.CutPrefix(line, "Received message: ")
		switch {
		case line == "Client connected" || line == "Client disconnected":
			count[line]++
		case isMessage && regexp.MustCompile(`^[ab]-\d+$`).MatchString(message):
			conversation = append(conversation, message)
		case isMessage && strings.HasPrefix(message, "lone "):
			// How half a surrogate pair is printed is left open.
		default:
			got = append(got, line)
		}
	}
	testkit.CompareLines(t, got, want)
	checkConversation(t, "the server printed", conversation)
	if count["Client connected"] != connections || count["Client disconnected"] != connections {
		t.Errorf("printed %v, want each %d times", count, connections)
	}
}

// wantPrinted returns the lines that are due for what the clients sent.
func wantPrinted(t *testing.T, reports []testkit.Report, config testkit.ScriptConfig) []string {
	t.Helper()
	table := printedValues(t, config)
	var lines []string
	for _, r := range reports {
		if r.Sent == nil {
			continue
		}
		printed, inTable := table[r.Behaviour+" "+r.Event]
		if !inTable && json.Unmarshal(r.Sent, &printed) != nil {
			t.Fatalf("the test does not know how %s is printed", r.Sent)
		}
		lines = append(lines, strings.Split("Received message: "+printed, "\n")...)
	}
	return lines
}

// printedValues says how Python prints what is not simply a text.
func printedValues(t *testing.T, config testkit.ScriptConfig) map[string]string {
	t.Helper()
	file, err := os.ReadFile(testkit.ClientScript("printed.txt"))
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]string{
		"large text":   strings.Repeat("large ", config.TextBytes/6),
		"large binary": `b'` + strings.Repeat(`\x00\x01\x7f\x80\xff`, config.BinaryBytes/5) + `'`,
	}
	for line := range strings.Lines(string(file)) {
		if event, printed, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " | "); ok {
			table[event] = printed
		}
	}
	return table
}

// TestReconnect has the server go away from a client, and another take its place.
func TestReconnect(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range []string{"socket.io-client-2", newest} {
		for _, mode := range []string{"websocket", "polling", "default"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				t.Parallel()
				first, second := harness.Start(t), harness.Start(t)
				process := testkit.StartScript(t, "reconnect.mjs", testkit.ScriptConfig{
					URL: first.URL, NextURL: second.URL, Client: client, Mode: mode,
				})
				process.Await(t, "reconnect", "before")
				if err := first.Stop(); err != nil {
					t.Errorf("run: %v", err)
				}
				reports := process.Finish(t)
				checkEchoes(t, reports, 2)
				var after struct{ NewSession bool }
				if find(t, reports, "reconnect", "after", &after); !after.NewSession {
					t.Error("the session id is still the old one")
				}
				second.End()
				testkit.CompareLines(t, first.Stdout.Messages(), []string{"Received message: before"})
				testkit.CompareLines(t, second.Stdout.Messages(), []string{"Received message: after"})
			})
		}
	}
}

// TestBurst has one client send 2000 messages to 20 receivers: every version over
// WebSocket, over polling, by default, and with an upgrade in the middle of it all.
func TestBurst(t *testing.T) {
	testkit.NeedNode(t)
	const count = 2000
	for _, mode := range []string{"websocket", "polling", "default"} {
		t.Run("from "+mode, func(t *testing.T) {
			server := harness.Start(t)
			reports := testkit.RunScript(t, "burst.mjs", testkit.ScriptConfig{
				URL: server.URL, Client: newest, Mode: mode, Clients: clientVersions(), Count: count,
			})
			if want := 4 * len(clientVersions()); len(reports) != want {
				t.Errorf("%d receivers reported, want %d", len(reports), want)
			}
			for _, r := range reports {
				checkReceiver(t, r, count)
			}
			if err := server.Stop(); err != nil {
				t.Errorf("run: %v", err)
			}
			testkit.CompareLines(t, server.Stdout.Messages(), burstLines(count))
		})
	}
}

func checkReceiver(t *testing.T, r testkit.Report, count int) {
	t.Helper()
	var got struct {
		Client, Mode, Transport string
		Got                     int
		Wrong                   *string
	}
	r.Decode(t, &got)
	transport := got.Mode
	if got.Mode == "default" || got.Mode == "late" {
		transport = "websocket"
	}
	if got.Got != count || got.Wrong != nil || got.Transport != transport {
		t.Errorf("a receiver with %d of %d messages: %s", got.Got, count, r.Line)
	}
}

// burstLines returns what the server prints for the messages of burst.mjs.
func burstLines(count int) []string {
	var lines []string
	for n := range count {
		text := fmt.Sprintf("%d %s", n, strings.Repeat("é👋", n%20))
		if n%50 == 49 {
			data := strings.Repeat(`\xff`, n%300)
			text = fmt.Sprintf("{'n': %d, 'text': '%s', 'data': b'%s'}", n, text, data)
		}
		lines = append(lines, "Received message: "+text)
	}
	return append(lines, "Received message: end of the burst")
}
