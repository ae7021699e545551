// Package clients tests the server with the clients that people have: npm's of all versions,
// browsers, Python's and Go's, and what those need beside the protocol.
package clients

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"hipflask/server/hipflask"
	"hipflask/server/internal/e2e/harness"
	"hipflask/server/socketio"
	"hipflask/testdata/testkit"
)

// What npm's clients can be told to do, in Node and in a real browser.

// Attachments as base64, over WebSocket too, both ways.
func TestForceBase64(t *testing.T) {
	testkit.NeedNode(t)
	for _, client := range testkit.ClientVersions() {
		for _, mode := range []string{"websocket", "polling", "default"} {
			t.Run(client+"/"+mode, func(t *testing.T) {
				t.Parallel()
				server := harness.Start(t)
				config := testkit.ScriptConfig{
					URL: server.URL, Client: client, Mode: mode,
					Behaviours: []string{"connect", "binary"}, Options: map[string]any{"forceBase64": true},
				}
				reports := testkit.RunScript(t, "matrix.mjs", config)
				server.End()
				testkit.CheckConnect(t, reports, mode)
				testkit.CheckEchoes(t, reports, 12)
				testkit.CompareLines(t, server.Stdout.Messages(), wantPrinted(t, reports, config))
			})
		}
	}
}

// Subprotocols: the first that is offered is taken, or else browsers and Node refuse.
func TestSubprotocols(t *testing.T) {
	testkit.NeedNode(t)
	server := harness.Start(t)
	options := map[string]any{"protocols": []string{"chat", "superchat"}}
	for _, mode := range []string{"websocket", "default"} {
		reports := testkit.RunScript(t, "matrix.mjs", testkit.ScriptConfig{URL: server.URL, Client: testkit.NewestClient, Mode: mode, Behaviours: []string{"connect"}, Options: options})
		testkit.CheckConnect(t, reports, mode)
	}
	reports := testkit.RunScript(t, "protocols.mjs", testkit.ScriptConfig{URL: server.URL, Chromium: testkit.NeedChromium(t)})
	for event, said := range map[string]string{"node": "bare", "bare": "bare", "client": "client", "upgraded": "client"} {
		var got struct{ Protocol, Heard string }
		if testkit.FindReport(t, reports, "protocols", event, &got); got.Protocol != "chat" || got.Heard != said {
			t.Errorf("%s: the protocol is %q, and %q was heard", event, got.Protocol, got.Heard)
		}
	}
}

// echoing is an application with three namespaces whose clients hear themselves. What comes and
// goes is printed.
func echoing(app *hipflask.App) error {
	for _, name := range []string{"/", "/chat", "/other"} {
		n := app.SocketIO.Of(name)
		for event, handler := range map[string]any{
			"connect":    func() { fmt.Fprintln(app.Stdout, "came to", name) },
			"disconnect": func() { fmt.Fprintln(app.Stdout, "left", name) },
			"message":    func(c *socketio.Context, text string) error { return c.Emit("message", text) },
		} {
			if err := n.On(event, handler); err != nil {
				return err
			}
		}
	}
	return nil
}

// React's StrictMode disconnects and connects in one turn: the client is connected in the end and
// heard, and every connect has its disconnect.
func TestStrictMode(t *testing.T) {
	testkit.NeedNode(t)
	for _, args := range [][]string{nil, {"--recovery", "1m"}} {
		for _, mode := range []string{"websocket", "polling"} {
			t.Run(fmt.Sprint(mode, args), func(t *testing.T) {
				t.Parallel()
				server := harness.StartApp(t, echoing, args...)
				var heard []string
				for _, r := range testkit.RunScript(t, "strict.mjs", testkit.ScriptConfig{URL: server.URL, Client: testkit.NewestClient, Mode: mode}) {
					var told struct{ Text string }
					r.Decode(t, &told)
					heard = append(heard, told.Text)
				}
				if want := []string{"/ opening", "/ connected", "/chat opening", "/chat connected"}; !slices.Equal(heard, want) {
					t.Errorf("heard %q, want %q", heard, want)
				}
				server.End()
				inside := map[string]int{}
				for _, line := range server.Stdout.Lines() {
					name := line[strings.LastIndexByte(line, ' ')+1:]
					if strings.HasPrefix(line, "came") {
						inside[name]++
					} else {
						inside[name]--
					}
					if inside[name] < 0 {
						t.Errorf("one more has left %s than came", name)
					}
				}
				for name, n := range inside {
					if n != 0 {
						t.Errorf("%d clients are left in %s", n, name)
					}
				}
			})
		}
	}
}

// One handler reads the token of all clients: from auth, or from the namespace's query.
func TestOneHandlerReadsEveryClientsToken(t *testing.T) {
	testkit.NeedNode(t)
	var stdout io.Writer
	server := harness.StartApp(t, func(app *hipflask.App) error {
		stdout = app.Stdout
		return app.SocketIO.Of("/chat").On("connect", func(auth struct {
			Token string
			Room  []string
		}) error {
			fmt.Fprintf(stdout, "%s %q\n", auth.Token, auth.Room)
			if auth.Token != "s3cret" {
				return socketio.Refuse("wrong token")
			}
			return nil
		})
	})
	for _, client := range testkit.ClientVersions() {
		for _, r := range testkit.RunScript(t, "token.mjs", testkit.ScriptConfig{URL: server.URL, Client: client, Mode: "websocket"}) {
			var told struct{ Word, Outcome string }
			r.Decode(t, &told)
			if want := map[string]string{"s3cret": "connected", "wrong": "refused: wrong token"}[told.Word]; told.Outcome != want {
				t.Errorf("%s with %q: %s, want %s", client, told.Word, told.Outcome, want)
			}
		}
	}
	server.End()
	var want []string
	for range testkit.ClientVersions() {
		want = append(want, `s3cret ["a" "b"]`, `wrong ["a" "b"]`)
	}
	testkit.CompareLines(t, server.Stdout.Lines(), want)
}
