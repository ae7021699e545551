package hardening

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks by pages of other sites, in a real browser: what it really sends along.

// foreignScene is what a page does, see testdata/clients/foreign.mjs.
type foreignScene struct {
	Page   string `json:"page,omitempty"`
	Server string `json:"server,omitempty"`
	Ops    string `json:"ops,omitempty"`
	Secure bool   `json:"secure,omitempty"` // browsers say there which site asks
	URL    string `json:"url,omitempty"`
	Script string `json:"script,omitempty"` // the client's file
}

// foreignPages is the configuration of foreign.mjs.
type foreignPages struct {
	Chromium string `json:"chromium"`

	Names   string         `json:"names"` // for the browser's own DNS
	Attacks []foreignScene `json:"attacks"`
	Links   []foreignScene `json:"links"`
	Visits  []foreignScene `json:"visits"`
	JSONP   []foreignScene `json:"jsonp"`
}

// elsewhere serves an empty page, and returns its port.
func elsewhere(t *testing.T) string {
	t.Helper()
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!DOCTYPE html><title>elsewhere</title><link rel="icon" href="data:,"><body>`)
	}))
	t.Cleanup(pages.Close)
	return portOf(pages.Listener.Addr().String())
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// leftBehind is for servers whose clients end with a browser, in the middle of their polls: their
// end would wait for these.
const leftBehind = "--shutdown-timeout=2s"

// Attack: pages of other sites in one browser, which takes a while to start.
func TestHardeningForeignPages(t *testing.T) {
	chromium, pages := testkit.NeedChromium(t), elsewhere(t)
	attacked := attackedServer(t, pages)
	allowing := allowingServer(t, pages)
	named := harness.Start(t, "--allowed-hosts", "chat.test", leftBehind)
	called := []foreignScene{{URL: "http://chat.test:" + portOf(named.Addr)}, {URL: "http://evil.test:" + portOf(named.Addr)}}
	reports := testkit.RunScript(t, "foreign.mjs", foreignPages{
		Chromium: chromium, Names: "MAP *.test 127.0.0.1", Attacks: attacked.attacks, Links: attacked.links, Visits: called, JSONP: allowing,
	})
	t.Run("attacks", func(t *testing.T) { attacked.check(t, reports) })
	t.Run("JSONP", func(t *testing.T) { checkJSONP(t, reports, len(allowing)) })
	t.Run("rebinding", func(t *testing.T) { checkCalled(t, reports) })
}

// attackedPages are a server, and pages that attack it, or lead to it by a link.
type attackedPages struct {
	ops            string
	attacks, links []foreignScene
}

// attackedServer has pages of another site, of another origin of the same site, and of a site
// without TLS load what the server answers as scripts, images and frames, and open WebSockets.
func attackedServer(t *testing.T, pages string) *attackedPages {
	server, ops := harness.StartOps(t, "--ops-pprof")
	cross, same, insecure := "http://localhost:"+pages, "http://127.0.0.1:"+pages, "http://evil.test:"+pages
	chat := "http://chat.test:" + portOf(server.Addr)
	return &attackedPages{
		ops: ops,
		attacks: []foreignScene{
			{Page: cross, Server: server.URL, Ops: "http://" + ops, Secure: true},
			{Page: same, Server: server.URL, Ops: "http://" + ops, Secure: true},
			{Page: insecure, Server: server.URL, Ops: "http://" + ops, Secure: true},
			{Page: insecure, Server: chat},
		},
		links: []foreignScene{{Page: cross, Server: server.URL}, {Page: insecure, Server: chat}},
	}
}

// check wants that they opened no session and read nothing. The client's bundle and links are for
// them too.
func (a *attackedPages) check(t *testing.T, reports []testkit.Report) {
	attacks, links := 0, 0
	for _, r := range reports {
		var saw struct {
			From, Cors, Bundle, IO, Title string
			Heard, Opened                 []string
		}
		r.Decode(t, &saw)
		switch r.Event {
		case "attacked":
			attacks++
			if len(saw.Heard) != 0 || saw.Cors != "error" || fmt.Sprint(saw.Opened) != "[close close]" {
				t.Errorf("a page of %s heard %q, its fetch gave %s, its WebSockets %v", saw.From, saw.Heard, saw.Cors, saw.Opened)
			}
			if saw.Bundle != "load" || saw.IO != "function" {
				t.Errorf("a page of %s does not get the client: %s, io is %s", saw.From, saw.Bundle, saw.IO)
			}
		case "followed":
			links++
			if saw.Title != "Hipflask" {
				t.Errorf("a link from %s leads to %q", saw.From, saw.Title)
			}
		}
	}
	if attacks != len(a.attacks) || links != len(a.links) {
		t.Errorf("%d attacks and %d links, want %d and %d", attacks, links, len(a.attacks), len(a.links))
	}
	opened := 0.0
	for name, n := range harness.Scrape(t, a.ops) {
		if strings.HasPrefix(name, "hipflask_sessions_opened_total{") {
			opened += n
		}
	}
	if opened != float64(links) { // by the server's own page, at the end of each link
		t.Errorf("%v sessions were opened, want %d", opened, links)
	}
}

// allowingServer has a client 2.x in pages that may connect use JSONP, which tells of them only by
// their Referer and, to secure addresses, the browser's word.
func allowingServer(t *testing.T, pages string) []foreignScene {
	script, err := filepath.Abs(testkit.Testdata("node_modules", "socket.io-client-2", "dist", "socket.io.js"))
	if err != nil {
		t.Fatal(err)
	}
	friend, insecure := "http://localhost:"+pages, "http://friend.test:"+pages
	server := harness.Start(t, "--cors-allowed-origins", friend+",http://*.test:"+pages, leftBehind)
	chat := "http://chat.test:" + portOf(server.Addr)
	return []foreignScene{
		{Page: server.URL, Server: server.URL, Script: script},
		{Page: friend, Server: server.URL, Script: script},
		{Page: chat, Server: chat, Script: script},
		{Page: insecure, Server: chat, Script: script},
	}
}

func checkJSONP(t *testing.T, reports []testkit.Report, want int) {
	for _, r := range reports {
		if r.Event != "jsonp" {
			continue
		}
		want--
		var saw struct {
			From, Said, Error string
			Scripts           int
		}
		if r.Decode(t, &saw); saw.Said != "from "+saw.From || saw.Scripts == 0 {
			t.Errorf("a page of %s heard %q by %d scripts: %s", saw.From, saw.Said, saw.Scripts, saw.Error)
		}
	}
	if want != 0 {
		t.Errorf("%d pages are missing", want)
	}
}

// checkCalled wants a page at the name that the server goes by, and none at another one, which
// leads there as well.
func checkCalled(t *testing.T, reports []testkit.Report) {
	var got []string
	for _, r := range reports {
		if r.Event != "visited" {
			continue
		}
		var saw struct {
			URL, Body string
			Status    int
		}
		r.Decode(t, &saw)
		name, _, _ := strings.Cut(strings.TrimPrefix(saw.URL, "http://"), ":")
		body, _, _ := strings.Cut(saw.Body, "\n")
		got = append(got, fmt.Sprint(name, " ", saw.Status, " ", strings.ToLower(body)))
	}
	testkit.CompareLines(t, got, []string{"chat.test 200 <!doctype html>", `evil.test 400 "not an accepted host."`})
}
