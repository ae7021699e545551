package clients

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// A server goes away, as by SIGTERM, and another comes up at its address: whoever was there comes
// back by itself, as it does to Flask-SocketIO.

// restarted runs clients around the restart of their server. start begins with them and returns
// when all are connected, and what waits until they are back. It returns what the second server
// printed.
func restarted(t *testing.T, start func(url string) (finish func())) []string {
	t.Helper()
	port := testkit.FreePort(t)
	first := harness.Start(t, "--port", port)
	finish := start(first.URL)
	first.End()
	second := harness.Start(t, "--port", port)
	finish()
	second.End()
	return second.Stdout.Messages()
}

func TestNpmClientsComeBackAfterARestart(t *testing.T) {
	testkit.NeedNode(t)
	for _, mode := range []string{"polling", "websocket"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var process *testkit.Script
			heard := restarted(t, func(url string) func() {
				process = testkit.StartScript(t, "restart.mjs", testkit.ScriptConfig{URL: url, Clients: testkit.ClientVersions(), Mode: mode})
				process.Await(t, "restart", "waiting")
				return func() { <-process.Done }
			})
			var back []string
			for _, r := range process.Finish(t) {
				if r.Event != "back" {
					continue
				}
				var told struct{ Client, Reason string }
				r.Decode(t, &told)
				back = append(back, told.Client)
				if !testkit.IsRestart(mode, told.Reason) {
					t.Errorf("%s was told %q", told.Client, told.Reason)
				}
			}
			if len(back) != len(testkit.ClientVersions()) || len(heard) != len(back) {
				t.Errorf("back are %q, and heard %q", back, heard)
			}
		})
	}
}

func TestPythonClientsComeBackAfterARestart(t *testing.T) {
	testkit.NeedPythonClient(t)
	for _, kind := range []string{"sync", "asyncio"} {
		for _, transport := range []string{"polling", "websocket"} {
			t.Run(kind+"/"+transport, func(t *testing.T) {
				t.Parallel()
				heard := restarted(t, func(url string) func() {
					ctx, cancel := context.WithTimeout(context.Background(), testkit.ScriptDeadline)
					t.Cleanup(cancel)
					cmd := exec.CommandContext(ctx, testkit.Python, "-B", testkit.ClientScript("restart.py"), kind, transport, url)
					out, log := testkit.NewOutput(), testkit.NewOutput()
					cmd.Stdout, cmd.Stderr = out, log
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					ended := make(chan error, 1)
					go func() {
						ended <- cmd.Wait()
						out.End()
					}()
					out.WaitText(t, `"waiting"`)
					return func() {
						if err := <-ended; err != nil || !strings.Contains(out.String(), `"back"`) {
							t.Errorf("restart.py: %v; it reported:\n%s\n%s", err, out, testkit.Tail(log.String()))
						}
					}
				})
				if !slices.Equal(heard, []string{"Received message: python is back"}) {
					t.Errorf("the second server printed %q", heard)
				}
			})
		}
	}
}

// What was accepted before the end comes first, whole, in answers of 16 packets; then the refusal
// upon which every client comes back.
func TestPollsAtTheEnd(t *testing.T) {
	for _, version := range []int{4, 3} {
		server := harness.Start(t)
		p := testkit.JoinPolling(t, server.Addr, version)
		talker := testkit.JoinWebSocket(t, server.Addr)
		var said []string
		for range 40 {
			said = append(said, testkit.Message("to the end"))
		}
		talker.Send(said...)
		talker.Hears(said...)
		server.Cancel()
		talker.ClosedWith(1001)
		p.Hears(said...)
		p.TurnedAway()
		server.End()
	}
}
