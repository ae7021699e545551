package clients

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestClientMatrix drives the server with every client version over every transport, and checks
// what the clients saw and what the server printed.
func TestClientMatrix(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range testkit.ClientVersions() {
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
		URL: server.URL, Client: client, Parser: parser, Peer: testkit.NewestClient, Mode: mode,
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

	testkit.CheckConnect(t, reports, mode)
	testkit.CheckEchoes(t, reports, echoes)
	testkit.CheckAcks(t, reports)
	testkit.CheckPair(t, reports)
	checkEnds(t, reports, mode)
	checkPrinted(t, server.Stdout, wantPrinted(t, reports, config), left+1)
}

func checkEnds(t *testing.T, reports []testkit.Report, mode string) {
	t.Helper()
	var left, gone struct{ Reason string }
	testkit.FindReport(t, reports, "leave", "left", &left)
	testkit.FindReport(t, reports, "shutdown", "gone", &gone)
	if left.Reason != "io client disconnect" {
		t.Errorf("a client that left by itself was told %q", left.Reason)
	}
	// With "io server disconnect" no client would try to come back.
	if !testkit.IsRestart(mode, gone.Reason) {
		t.Errorf("a client of a stopping server was told %q", gone.Reason)
	}
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
	testkit.CheckConversation(t, "the server printed", conversation)
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
	for _, client := range []string{"socket.io-client-2", testkit.NewestClient} {
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
				testkit.CheckEchoes(t, reports, 2)
				var after struct{ NewSession bool }
				if testkit.FindReport(t, reports, "reconnect", "after", &after); !after.NewSession {
					t.Error("the session id is still the old one")
				}
				second.End()
				testkit.CompareLines(t, first.Stdout.Messages(), []string{"Received message: before"})
				testkit.CompareLines(t, second.Stdout.Messages(), []string{"Received message: after"})
			})
		}
	}
}

// TestBurst has one client send 2000 messages to 20 receivers: every version over WebSocket, over
// polling, by default, and with an upgrade in the middle of it all.
func TestBurst(t *testing.T) {
	testkit.NeedNode(t)
	const count = 2000
	for _, mode := range []string{"websocket", "polling", "default"} {
		t.Run("from "+mode, func(t *testing.T) {
			server := harness.Start(t)
			reports := testkit.RunScript(t, "burst.mjs", testkit.ScriptConfig{
				URL: server.URL, Client: testkit.NewestClient, Mode: mode, Clients: testkit.ClientVersions(), Count: count,
			})
			if want := 4 * len(testkit.ClientVersions()); len(reports) != want {
				t.Errorf("%d receivers reported, want %d", len(reports), want)
			}
			for _, r := range reports {
				testkit.CheckReceiver(t, r, count)
			}
			if err := server.Stop(); err != nil {
				t.Errorf("run: %v", err)
			}
			testkit.CompareLines(t, server.Stdout.Messages(), testkit.BurstLines(count))
		})
	}
}
