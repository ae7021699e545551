package clients

import (
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// TestBrowser has three pages of a real browser talk to each other: one that may use WebSocket, one
// that finds it blocked, and one that was asked to poll.
func TestBrowser(t *testing.T) {
	testBrowser(t)
}

// The same, with whatever goes over a WebSocket compressed.
func TestBrowserWithCompression(t *testing.T) {
	testBrowser(t, "--websocket-compression", "--websocket-compression-threshold", "0")
}

func testBrowser(t *testing.T, args ...string) {
	t.Helper()
	testkit.NeedNode(t)
	chromium := testkit.NeedChromium(t)
	server := harness.Start(t, args...)
	reports := testkit.RunScript(t, "browser.mjs", testkit.ScriptConfig{URL: server.URL, Chromium: chromium})

	transports := map[string]string{"free": "WebSocket", "blocked": "polling", "asking": "polling"}
	var printed []string
	for _, r := range reports {
		switch r.Event {
		case "said":
			var said struct{ Text string }
			r.Decode(t, &said)
			printed = append(printed, "Received message: "+said.Text)
		case "account":
			var page account
			r.Decode(t, &page)
			page.check(t, server.Addr, transports[page.Who])
			delete(transports, page.Who)
		}
	}
	if len(transports) != 0 {
		t.Errorf("no account of the pages %v", transports)
	}
	if len(printed) != 3 {
		t.Errorf("%d messages were said, want 3", len(printed))
	}
	server.Stdout.WaitLines(t, "Client disconnected", 3)
	testkit.CompareLines(t, server.Stdout.Messages(), printed)
}

// account is what a page had to show in the end.
type account struct {
	Who        string
	State      string   // what the page says of its connection
	Title      string   // of the page, which markup in a message must not change
	Injected   int      // elements in the log that came out of a message
	Violations []string // of the content security policy
	Errors     []string // errors and warnings on the console, uncaught exceptions
	Hosts      []string // host:port of everything that was asked for
	WebSockets int
}

func (a account) check(t *testing.T, addr, transport string) {
	t.Helper()
	if !strings.Contains(strings.ToLower(a.State), strings.ToLower(transport)) {
		t.Errorf("%s: the page says %q, the transport is %s", a.Who, a.State, transport)
	}
	if wantSockets := map[string]int{"WebSocket": 1}[transport]; a.WebSockets != wantSockets {
		t.Errorf("%s: %d WebSockets, want %d", a.Who, a.WebSockets, wantSockets)
	}
	if a.Injected != 0 || a.Title == "owned" {
		t.Errorf("%s: a message became %d elements of the page %q", a.Who, a.Injected, a.Title)
	}
	if len(a.Violations)+len(a.Errors) != 0 {
		t.Errorf("%s: policy violations %q, errors %q", a.Who, a.Violations, a.Errors)
	}
	if !slices.Equal(a.Hosts, []string{addr}) {
		t.Errorf("%s: requests to %q, want to %s only", a.Who, a.Hosts, addr)
	}
}
