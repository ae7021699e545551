package hardening

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// unreadPoll sends a poll over a connection of its own, and reads nothing of its answer but the
// first byte, which tells that it is being written. The kernel's part of the connection is small.
func unreadPoll(t *testing.T, p *testkit.Poller, addr, header string) (begun func()) {
	t.Helper()
	conn := dialSmall(t, addr)
	if _, err := io.WriteString(conn, "GET "+strings.TrimPrefix(p.URL, "http://"+addr)+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\n"); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(testkit.ScriptDeadline))
		var first [1]byte
		if _, err := conn.Read(first[:]); err != nil {
			t.Fatal(err)
		}
	}
}

// Attack: many polls whose answers are not read, and an event of ten attachments for all of them.
// It is held once, in the forms that they are sent, not once for each.
func TestHardeningUnreadPolls(t *testing.T) {
	const polls, attachments, size, most = 60, 10, 990_000, 160 << 20
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	data := make([]byte, size) // that gzip makes little of, and that is printed as it is
	for i := range data {
		data[i] = letters[rand.N(len(letters))]
	}
	for _, c := range []struct {
		name          string
		version       int
		query, header string
	}{
		{"Engine.IO 4", 4, "", ""},
		{"Engine.IO 4, gzip", 4, "", "Accept-Encoding: gzip\r\n"},
		{"Engine.IO 4, JSONP", 4, "&j=0", ""},
		{"Engine.IO 3", 3, "", ""},
		{"Engine.IO 3, deflate", 3, "", "Accept-Encoding: deflate\r\n"},
		{"Engine.IO 3, base64", 3, "&b64=1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := harness.Start(t).Addr
			speaker := testkit.JoinWebSocket(t, addr)
			say := func() {
				speaker.Send(fmt.Sprintf(`45%d-["message",[%s]]`, attachments, testkit.Placeholders(attachments)))
				for range attachments {
					speaker.SendBytes(testkit.MaskedFrame(testkit.FinBit|testkit.OpBinary, string(data)))
				}
				speaker.Hears(fmt.Sprintf(`45%d-["message",[%s]]`, attachments, testkit.Placeholders(attachments)))
				for range attachments {
					if f, err := speaker.ReadFrame(); err != nil || len(f.Data) != size {
						t.Fatalf("an attachment of %d bytes, %v", len(f.Data), err)
					}
				}
			}
			say() // so that what is printed and read is in the first figure
			var begun []func()
			for range polls {
				p := testkit.JoinPolling(t, addr, c.version, strings.Replace(c.query, "&j=0", "", 1))
				p.URL += c.query
				begun = append(begun, unreadPoll(t, p, addr, c.header))
			}
			before := heap()
			say()
			for _, wait := range begun {
				wait()
			}
			grown := heap() - before
			t.Logf("the heap has grown by %d MiB for %d polls", grown>>20, polls)
			if grown > most {
				t.Errorf("the heap has grown by %d MiB for an event of 10 MB", grown>>20)
			}
		})
	}
}
