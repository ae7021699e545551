package clients

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// Clients with socket.io-msgpack-parser, which are recognised by their first packet.

const msgpackParser = "socket.io-msgpack-parser"

// They see and say what others do, beside a client with the usual parser.
func TestMsgpackClientMatrix(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range []string{"socket.io-client-3", "socket.io-client-40", testkit.NewestClient} {
		for _, mode := range []string{"websocket", "polling", "default"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				t.Parallel()
				testClient(t, client, msgpackParser, mode)
			})
		}
	}
}

// talkative is an application that answers, asks, refuses and throws out.
func talkative(app *hipflask.App) error {
	s, other := app.SocketIO, app.SocketIO.Of("/other")
	echo := func(args ...socketio.Value) socketio.Args {
		reply := make(socketio.Args, len(args))
		for i, v := range args {
			reply[i] = v
		}
		return reply
	}
	return errors.Join(
		s.On("connect", func(c *socketio.Context, auth socketio.Value) error { return c.Emit("welcome", auth) }),
		s.On("echo", echo),
		s.On("ask me", func(c *socketio.Context, args ...socketio.Value) (socketio.Args, error) {
			answers, err := c.Call(c.Context(), "question", echo(args...)...)
			return echo(answers...), err
		}),
		s.Of("/chat").On("connect", func() error {
			return &socketio.Refusal{Message: "no", Data: map[string]any{"why": []int{1, 2}}}
		}),
		other.On("echo", echo),
		other.On("throw me out", func(c *socketio.Context, args ...socketio.Value) { c.Disconnect() }),
	)
}

// Whatever a client with that parser is told is what it would be told with the usual one: bytes at
// any depth, dates, undefined, big integers, acks both ways, refusals, namespaces.
func TestMsgpackConversation(t *testing.T) {
	testkit.NeedNode(t)
	for _, mode := range []string{"websocket", "polling", "default"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := harness.StartApp(t, talkative)
			reports := testkit.RunScript(t, "msgpack.mjs", testkit.ScriptConfig{URL: server.URL, Client: testkit.NewestClient, Parser: msgpackParser, Mode: mode})
			var packed, usual struct{ Told map[string]json.RawMessage }
			testkit.FindReport(t, reports, "msgpack", "packed", &packed)
			testkit.FindReport(t, reports, "msgpack", "usual", &usual)
			if len(usual.Told) < 18 || len(packed.Told) != len(usual.Told) {
				t.Errorf("%d and %d answers", len(packed.Told), len(usual.Told))
			}
			for what, want := range usual.Told {
				if got := packed.Told[what]; string(got) != string(want) {
					t.Errorf("%s: with msgpack %s, else %s", what, got, want)
				}
			}
			for what, want := range map[string]string{
				"bytes":     `[{"$bytes":"00ff"},{"a":[{"b":{"$bytes":""}}],"c":{"$bytes":"0102"}}]`,
				"undefined": `[null,{"b":[null],"c":null}]`,
				"refused":   `["no",{"why":[1,2]}]`,
				"asked":     `["how",{"many":{"$bytes":"07"}},{"$bytes":"09"}]`,
			} {
				if got := string(packed.Told[what]); got != want {
					t.Errorf("%s: %s, want %s", what, got, want)
				}
			}
			checkQuiet(t, server)
		})
	}
}

// checkQuiet checks that nothing was refused.
func checkQuiet(t *testing.T, server *harness.Server) {
	t.Helper()
	server.End()
	for _, line := range server.Stderr.Lines() {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			t.Errorf("in the log: %s", line)
		}
	}
}

// In one room: clients with msgpack over each transport, one with JSON, Python's, and a plain
// WebSocket. Each hears all that it can read, and those of npm in one order.
func TestMsgpackInOneRoomWithAllOthers(t *testing.T) {
	testkit.NeedNode(t)
	testkit.NeedPythonClient(t)
	server := harness.Start(t)
	plain := harness.JoinPlain(t, server, 1)
	const said = 1 + 4*2 + 2 + 1
	node := testkit.StartScript(t, "room.mjs", testkit.ScriptConfig{URL: server.URL, Client: testkit.NewestClient, Parser: msgpackParser, Count: said})
	python, stdout := exec.CommandContext(t.Context(), testkit.Python, "-B", testkit.ClientScript("room.py"), server.URL, fmt.Sprint(said)), testkit.NewOutput()
	python.Stdout = stdout
	if err := python.Start(); err != nil {
		t.Fatal(err)
	}
	node.Await(t, "room", "joined")
	stdout.WaitText(t, "joined\n")
	plain.Must(plain.SendFrame(testkit.OpText, "go"))
	plain.Must(plain.SendFrame(testkit.OpText, "text from plain"))
	reports := node.Finish(t)
	if err := python.Wait(); err != nil {
		t.Error(err)
	}
	var order []string
	for _, r := range reports {
		if r.Event != "heard" {
			continue
		}
		var seen struct {
			Name  string
			Heard [][]any
		}
		r.Decode(t, &seen)
		heard := texts(t, seen.Heard)
		if order == nil {
			order = heard
		}
		if len(heard) != said || !slices.Equal(heard, order) {
			t.Errorf("%s heard\n%s, another\n%s", seen.Name, strings.Join(heard, "\n"), strings.Join(order, "\n"))
		}
	}
	var all []any
	if err := json.Unmarshal([]byte(stdout.Lines()[1]), &all); err != nil {
		t.Fatal(err)
	}
	var heard [][]any
	for _, one := range all {
		heard = append(heard, []any{one})
	}
	if got, want := sorted(texts(t, heard)), sorted(order); !slices.Equal(got, want) {
		t.Errorf("Python's heard\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, text := range order {
		if deep := `{"deep":[{"bytes":`; !strings.HasPrefix(text, `[`+deep) {
			testkit.HearsPlain(plain, "1 "+text[2:len(text)-2])
		}
	}
	want := []string{"[\"go\"]", `["text from plain"]`, `["text from python"]`, `[{"deep":[{"bytes":{"$bytes":"707974686f6e"}},9223372036854776000,null],"from":"python"}]`}
	for _, name := range []string{"websocket", "websocket " + msgpackParser, "polling " + msgpackParser, "default " + msgpackParser} {
		want = append(want, `["text from `+name+`"]`, fmt.Sprintf(`[{"deep":[{"bytes":{"$bytes":"%x"}},9007199254740992,null],"from":%q}]`, name, name))
	}
	testkit.CompareLines(t, sorted(order), sorted(want))
	checkQuiet(t, server)
}

// texts writes messages as JSON with sorted keys.
func texts(t *testing.T, messages [][]any) (list []string) {
	t.Helper()
	for _, m := range messages {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(text))
	}
	return list
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// A client that is cut off again and again hears what it missed in its form, each message once.
func TestMsgpackRecovery(t *testing.T) {
	testkit.NeedNode(t)
	for _, mode := range []string{"websocket", "polling", "default"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			testRecovery(t, mode, msgpackParser, false)
		})
	}
}

// The bundle with msgpack that this server hands out, in a page of a real browser, by polling alone
// and with the upgrade.
func TestMsgpackBundle(t *testing.T) {
	testkit.NeedNode(t)
	server := harness.Start(t)
	reports := testkit.RunScript(t, "bundles.mjs", testkit.ScriptConfig{
		URL: server.URL, Chromium: testkit.NeedChromium(t), Clients: []string{"/socket.io/socket.io.msgpack.min.js"},
	})
	if n := checkBundles(t, reports); n != 2 {
		t.Errorf("%d conversations, want 2", n)
	}
	checkQuiet(t, server)
}
