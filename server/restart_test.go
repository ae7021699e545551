package main

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A server goes away, as by SIGTERM, and another comes up at its address: whoever was
// there comes back by itself, as it does to Flask-SocketIO.

// restarted runs clients around the restart of their server. start begins with them and
// returns when all are connected, and what waits until they are back. It returns what the
// second server printed.
func restarted(t *testing.T, start func(url string) (finish func())) []string {
	t.Helper()
	port := freePort(t)
	first := startServer(t, "--port", port)
	finish := start(first.URL)
	first.end()
	second := startServer(t, "--port", port)
	finish()
	second.end()
	return second.Stdout.messages()
}

func TestNpmClientsComeBackAfterARestart(t *testing.T) {
	needNode(t)
	for _, mode := range []string{"polling", "websocket"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var process *node
			heard := restarted(t, func(url string) func() {
				process = startNode(t, "restart.mjs", clientConfig{URL: url, Clients: clientVersions(), Mode: mode})
				process.await(t, "restart", "waiting")
				return func() { <-process.done }
			})
			var back []string
			for _, r := range process.finish(t) {
				if r.Event != "back" {
					continue
				}
				var told struct{ Client, Reason string }
				r.decode(t, &told)
				back = append(back, told.Client)
				if !isRestart(mode, told.Reason) {
					t.Errorf("%s was told %q", told.Client, told.Reason)
				}
			}
			if len(back) != len(clientVersions()) || len(heard) != len(back) {
				t.Errorf("back are %q, and heard %q", back, heard)
			}
		})
	}
}

func TestPythonClientsComeBackAfterARestart(t *testing.T) {
	needPythonClient(t)
	for _, kind := range []string{"sync", "asyncio"} {
		for _, transport := range []string{"polling", "websocket"} {
			t.Run(kind+"/"+transport, func(t *testing.T) {
				t.Parallel()
				heard := restarted(t, func(url string) func() {
					ctx, cancel := context.WithTimeout(context.Background(), nodeDeadline)
					t.Cleanup(cancel)
					cmd := exec.CommandContext(ctx, python, "-B", clientScripts("restart.py"), kind, transport, url)
					out, log := newOutput(), newOutput()
					cmd.Stdout, cmd.Stderr = out, log
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					ended := make(chan error, 1)
					go func() {
						ended <- cmd.Wait()
						out.end()
					}()
					out.waitText(t, `"waiting"`)
					return func() {
						if err := <-ended; err != nil || !strings.Contains(out.String(), `"back"`) {
							t.Errorf("restart.py: %v; it reported:\n%s\n%s", err, out, tail(log.String()))
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

// What was accepted before the end comes first, whole, in answers of 16 packets; then
// the refusal upon which every client comes back.
func TestPollsAtTheEnd(t *testing.T) {
	for _, version := range []int{4, 3} {
		server := startServer(t)
		p := joinPolling(t, server.Addr, version)
		talker := joinWS(t, server.Addr)
		var said []string
		for range 40 {
			said = append(said, message("to the end"))
		}
		talker.send(said...)
		talker.hears(said...)
		server.cancel()
		talker.closedWith(1001)
		p.hears(said...)
		p.turnedAway()
		server.end()
	}
}
