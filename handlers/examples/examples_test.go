package examples

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/handlers/examples/privatechat"
	"hipflask/handlers/examples/tour"
	"hipflask/server/socketio"
	"hipflask/server/socketio/socketiotest"
	"hipflask/testdata/testkit"
)

// TestWithTheOfficialClient drives the examples with the npm client, over each way
// that it can take.
func TestWithTheOfficialClient(t *testing.T) {
	testkit.NeedNode(t)
	examples := map[string]struct {
		register func(*socketio.Server) error
		want     string
	}{
		"tour": {
			func(s *socketio.Server) error { return tour.RegisterEvery(s, 10*time.Millisecond) }, wantTour,
		},
		"privatechat": {privatechat.Register, wantPrivateChat},
	}
	for name, example := range examples {
		for _, mode := range []string{"websocket", "polling", "default"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				s := socketiotest.NewServer(t, socketio.Options{})
				if err := example.register(s); err != nil {
					t.Fatal(err)
				}
				server := httptest.NewServer(s)
				t.Cleanup(server.Close)
				got := run(t, "examples.mjs", map[string]any{
					"url": server.URL, "client": "socket.io-client", "mode": mode, "example": name,
				})
				want := slices.Collect(strings.Lines(example.want))
				for i := range max(len(got), len(want)) {
					if i >= len(got) || i >= len(want) || got[i] != want[i] {
						t.Fatalf("the script reported\n%swant\n%s", strings.Join(got, ""), strings.Join(want, ""))
					}
				}
			})
		}
	}
}

const wantTour = `connect: {"a":[{"count":0,"data":"Connected"}],"b":[{"count":0,"data":"Connected"}]}
echo: {"a":[{"count":1,"data":"only me ✓"}]}
broadcast: {"a":[{"count":2,"data":"all"}],"b":[{"count":2,"data":"all"}]}
join: {"a":[{"count":3,"data":"In rooms: room"}],"b":[{"count":1,"data":"In rooms: room"}]}
room message: {"a":[{"count":2,"data":"hi"}],"b":[{"count":2,"data":"hi"}]}
close room: {"a":[{"count":4,"data":"Room room is closing."}],"b":[{"count":4,"data":"Room room is closing."}]}
leave: {"a":[{"count":5,"data":"In rooms: "}]}
catch-all: {"ack":"no handler for unknown[1 {'x': True}]"}
latency: {"a":[]}
background: {"step":1}
disconnect request: {"a":[{"count":6,"data":"Disconnected!"}]}
disconnected: {"reason":"io server disconnect","reconnects":false}
left: {"reason":"server disconnect"}
`

const wantPrivateChat = `users: {"ada":[[{"id":"ada","nickname":"Ada"}]],"bob":[[{"id":"ada","nickname":"Ada"},{"id":"bob","nickname":"Bob"}]]}
user joined: {"ada":[{"id":"bob","nickname":"Bob"}]}
refused: {"data":{"nickname":"bob"},"message":"the nickname is taken"}
typing: {"bob":[{"from":{"id":"ada","nickname":"Ada"},"typing":true}]}
private message: {"bob":[{"from":{"id":"ada","nickname":"Ada"},"text":"psst 🤫"}],"delivered":true}
to nobody: {"delivered":false}
nickname: {"ada":[{"id":"bob","nickname":"Robert"}],"free":"","taken":"the nickname is taken"}
user left: {"ada":[{"id":"bob","nickname":"Robert"}]}
alone: {"users":[{"id":"ada","nickname":"Ada"}]}
`

// run runs a client script and returns a line for each report: the event, and
// what came with it as JSON with sorted keys.
func run(t *testing.T, script string, config map[string]any) []string {
	t.Helper()
	var lines []string
	for _, r := range testkit.RunScript(t, script, config) {
		var report map[string]any
		r.Decode(t, &report)
		delete(report, "event")
		delete(report, "behaviour")
		var rest strings.Builder
		readable := json.NewEncoder(&rest)
		readable.SetEscapeHTML(false)
		if err := readable.Encode(report); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, r.Event+": "+rest.String())
	}
	return lines
}
