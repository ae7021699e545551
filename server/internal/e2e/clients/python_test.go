package clients

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestPythonClient has Python's client, sync and asyncio, send bursts of texts, which come back
// faster than it polls. It takes 16 packets of an answer and throws the rest away with the
// connection.
func TestPythonClient(t *testing.T) {
	testkit.NeedPythonClient(t)
	counts := []string{"1", "16", "17", "20", "500"}
	for _, kind := range []string{"sync", "asyncio"} {
		for _, transport := range []string{"polling", "websocket"} {
			t.Run(kind+"/"+transport, func(t *testing.T) {
				t.Parallel()
				server := harness.Start(t)
				ctx, cancel := context.WithTimeout(context.Background(), testkit.ScriptDeadline)
				defer cancel()
				args := append([]string{"-B", testkit.ClientScript("polls.py"), kind, transport, server.URL}, counts...)
				out, err := exec.CommandContext(ctx, testkit.Python, args...).Output()
				if err != nil {
					t.Errorf("polls.py: %v", err)
				}
				var want strings.Builder
				for _, count := range counts {
					fmt.Fprintf(&want, `{"count": %s, "got": %s, "whole": true}`+"\n", count, count)
				}
				if string(out) != want.String() {
					t.Errorf("it reported:\n%s\nwant:\n%s", out, want.String())
				}
			})
		}
	}
}

// An answer to a poll of Engine.IO 4 holds 16 packets at most, attachments included; a message goes
// whole where one answer can hold it. What is left comes with the next.
func TestPollsHoldSixteenPackets(t *testing.T) {
	p := testkit.JoinPolling(t, harness.Start(t).Addr, 4)
	attachments := func(n int) []string {
		list := []string{fmt.Sprintf(`45%d-["message",[%s]]`, n, testkit.Placeholders(n))}
		for i := range n {
			list = append(list, fmt.Sprintf("bAA%c=", "AEIMQUYcgk"[i]))
		}
		return list
	}
	var said []string
	for i := range 40 {
		said = append(said, testkit.Message(fmt.Sprint(i)))
	}
	said = append(said, attachments(10)...)
	said = append(said, attachments(8)...)
	p.Send(said...)
	inside := func(n int) bool { return n > 40 && n < 51 || n > 51 && n < 60 } // an event with attachments
	var heard []string
	for len(heard) < len(said) {
		packets, err := p.Packets(p.Get(nil).Body)
		if err != nil {
			t.Fatal(err)
		}
		if heard = append(heard, packets...); len(packets) > 16 || inside(len(heard)) {
			t.Errorf("an answer holds %d packets, up to number %d", len(packets), len(heard))
		}
	}
	testkit.CompareLines(t, heard, said)
}
