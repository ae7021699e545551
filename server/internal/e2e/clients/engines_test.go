package clients

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// The pages of three browser engines, and the bundles that old pages load.

// engines are the browsers that are there. Firefox and WebKit are no small thing to install, so
// they are asked for in CI only; what is missing elsewhere is named.
func engines(t *testing.T) map[string]testkit.Engine {
	t.Helper()
	found := map[string]testkit.Engine{"chromium": {Path: testkit.NeedChromium(t)}}
	if path, err := exec.LookPath("firefox-esr"); err == nil {
		found["firefox"] = testkit.Engine{Path: path}
	} else if path, err := exec.LookPath("firefox"); err == nil {
		found["firefox"] = testkit.Engine{Path: path}
	}
	driver, err := exec.LookPath("WebKitWebDriver")
	path, err2 := exec.LookPath("epiphany")
	_, err3 := exec.LookPath("xvfb-run")
	if err == nil && err2 == nil && err3 == nil {
		found["webkit"] = testkit.Engine{Path: path, Driver: driver}
	}
	return found
}

// TestBrowserEngines has a page of each engine in one chat, and the document's own client in each
// of them.
func TestBrowserEngines(t *testing.T) {
	testkit.NeedNode(t)
	found := engines(t)
	for _, want := range []string{"firefox", "webkit"} {
		if _, ok := found[want]; !ok {
			t.Run(want, func(t *testing.T) {
				testkit.Absent(t, "needs firefox-esr, or webkit2gtk-driver with epiphany-browser and xvfb; HIPFLASK_TEST_ENGINES=1 make test installs them on Debian")
			})
		}
	}
	server := harness.Start(t)
	reports := testkit.RunScript(t, "engines.mjs", testkit.ScriptConfig{URL: server.URL, Engines: found})

	saw, plain := map[string]int{}, map[string][]string{}
	for _, r := range reports {
		var said struct {
			Who, Agent string
			Lines      []string
		}
		r.Decode(t, &said)
		switch r.Event {
		case "version":
			t.Log(said.Who, said.Agent)
		case "saw":
			saw[said.Who]++
		case "plain":
			plain[said.Who] = said.Lines
		}
	}
	for name := range found {
		if saw[name] != len(found) {
			t.Errorf("%s: saw %d messages of the chat, want one of each of %d pages", name, saw[name], len(found))
		}
		want := []string{"Connected to server", "Received message: Hello, server!", "Received message: plain from " + name, "Disconnected from server"}
		if !slices.Equal(plain[name], want) {
			t.Errorf("%s: the document's client printed %q, want %q", name, plain[name], want)
		}
	}
	server.End()
	if left := strings.Count(server.Stdout.String(), "Client disconnected\n"); left != 2*len(found) {
		t.Errorf("%d clients left, want %d", left, 2*len(found))
	}
}

// TestOldBundles has pages with the bundles of socket.io-client 1.0 to 1.7: each talks by polling
// alone and with an upgrade, over one session each.
func TestOldBundles(t *testing.T) {
	testkit.NeedNode(t)
	clients := []string{"socket.io-client-106", "socket.io-client-110", "socket.io-client-137", "socket.io-client-148", "socket.io-client-1"}
	server := harness.Start(t)
	reports := testkit.RunScript(t, "bundles.mjs", testkit.ScriptConfig{URL: server.URL, Chromium: testkit.NeedChromium(t), Clients: clients})
	if talked := checkBundles(t, reports); talked != 2*len(clients) {
		t.Errorf("%d conversations, want %d", talked, 2*len(clients))
	}
}

// checkBundles checks the conversations of bundles.mjs, and counts them.
func checkBundles(t *testing.T, reports []testkit.Report) (talked int) {
	t.Helper()
	for _, r := range reports {
		var told struct {
			Client, Asked, Transport string
			Whole                    bool
			Bytes                    []int
			Sessions                 int
		}
		r.Decode(t, &told)
		talked++
		want := map[string]string{"polling": "polling", "default": "websocket"}[told.Asked]
		if !told.Whole || !slices.Equal(told.Bytes, []int{0, 1, 2, 255, 128}) || told.Transport != want || told.Sessions != 1 {
			t.Errorf("%s", r.Line)
		}
	}
	return talked
}
