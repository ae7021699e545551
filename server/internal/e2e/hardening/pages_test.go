package hardening

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Attacks by web pages whose requests carry no Origin, or that call the server by a name of their
// own. Those with an Origin are in session_test.go.

// fromElsewhere are those that a page of another site makes a browser send.
func fromElsewhere() []http.Header {
	const site, dest, mode, referer = "Sec-Fetch-Site", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Referer"
	return []http.Header{
		testkit.Headers(site, "cross-site", dest, "script", mode, "no-cors", referer, "http://evil.example/"),
		testkit.Headers(site, "cross-site", dest, "image", mode, "no-cors"),
		testkit.Headers(site, "same-site", dest, "iframe", mode, "navigate"),
		testkit.Headers(site, "same-site", dest, "empty", mode, "no-cors"),
		testkit.Headers(site, "cross-site", dest, "websocket", mode, "websocket"),
		testkit.Headers(site, "cross-site", dest, "document", mode, "navigate", "Sec-Fetch-User", "?1"),
		testkit.Headers(site, "cross-site", referer, "http://evil.example/?http://ADDR/"),
		testkit.Headers(site, "cross-site", referer, "http://ADDR@evil.example/"),
		testkit.Headers(site, "cross-site", referer, "http://ADDR.evil.example/"),
		testkit.Headers(site, "nobody knows"),
	}
}

// at puts the server's address where a header has ADDR.
func at(addr string, header http.Header) http.Header {
	h := make(http.Header)
	for name, values := range header {
		for _, v := range values {
			h.Add(name, strings.ReplaceAll(v, "ADDR", addr))
		}
	}
	return h
}

// Attack: a page of another site has a browser load the server's answers as scripts, images and
// frames, which carry no Origin, and so opens sessions, or polls one.
func TestHardeningCrossSiteWithoutAnOrigin(t *testing.T) {
	server, ops := harness.StartOps(t, "--transports", "polling,websocket")
	p := testkit.JoinPolling(t, server.Addr, 3, "&b64=1")
	session := strings.TrimPrefix(p.URL, "http://"+server.Addr)
	opened := harness.Scrape(t, ops)[`hipflask_sessions_opened_total{transport="polling",protocol="3",client="socket.io"}`]
	for _, header := range fromElsewhere() {
		header = at(server.Addr, header)
		for _, target := range []string{
			testkit.PollingPath, "/socket.io/?EIO=3&transport=polling", "/socket.io/?EIO=3&transport=polling&j=0", "/socket.io?EIO=3&transport=polling&j=0",
			"/socket.io/?transport", "/socket.io/?sid=", "/socket.io/?j", session, session + "&j=0", testkit.WebSocketPath,
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} {
				got := testkit.Ask(t, server.Addr, method, target, header, "")
				if method == http.MethodHead && got.Status == http.StatusBadRequest {
					continue // without its body
				}
				testkit.CheckForeignOrigin(t, got)
			}
		}
		testkit.CheckForeignOrigin(t, testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, testkit.WebSocketPath, header))[0])
		testkit.CheckForeignOrigin(t, testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, "/socket.io/", header))[0])
		testkit.CheckForeignOrigin(t, testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, "/", header))[0])
	}
	after := harness.Scrape(t, ops)
	if got := after[`hipflask_sessions_opened_total{transport="polling",protocol="3",client="socket.io"}`]; got != opened {
		t.Errorf("%v sessions were opened by other sites", got-opened)
	}
	p.Chats("goes on")
}

// Attack: the same to a server without TLS on a name, to which browsers do not say which site asks.
// What they could read the answer by is a script.
func TestHardeningCrossSiteScriptsWithoutTLS(t *testing.T) {
	server := harness.Start(t)
	p := testkit.JoinPolling(t, server.Addr, 3, "&b64=1")
	session := strings.TrimPrefix(p.URL, "http://"+server.Addr)
	for _, header := range []http.Header{
		nil, testkit.Headers("Referer", "http://evil.example/"), testkit.Headers("Referer", "http://ADDR.evil.example/"), testkit.Headers("Referer", "https://ADDR/"), testkit.Headers("Referer", "about:blank"),
	} {
		header = at(server.Addr, header)
		for _, target := range []string{
			"/socket.io/?EIO=3&transport=polling&j=0", testkit.PollingPath + "&j=", session + "&j=7", session + "&j",
		} {
			testkit.CheckForeignOrigin(t, testkit.Ask(t, server.Addr, http.MethodGet, target, header, ""))
			testkit.CheckForeignOrigin(t, testkit.Ask(t, server.Addr, http.MethodPost, target, header, "d=1:1"))
		}
	}
	p.Chats("goes on")
}

// What those refusals leave alone: pages of the server's own and of allowed origins, the address
// bar, what is no browser; and what is for every page.
func TestHardeningCrossSiteLeavesOthersAlone(t *testing.T) {
	const allowed, script = "https://friend.example", "/socket.io/?EIO=3&transport=polling&j=0"
	server := harness.Start(t, "--cors-allowed-origins", allowed+",https://*.friends.example")
	opens := func(what, target string, header http.Header) {
		t.Helper()
		if got := testkit.Opening(t, server.Addr, target, at(server.Addr, header)); got.Status != http.StatusOK || !strings.Contains(got.Body, `sid`) {
			t.Errorf("%s: answered %v", what, got)
		}
	}
	for _, target := range []string{testkit.PollingPath, script} {
		opens("the own page", target, testkit.Headers("Sec-Fetch-Site", "same-origin"))
		opens("the address bar", target, testkit.Headers("Sec-Fetch-Site", "none"))
		opens("an allowed page", target, testkit.Headers("Sec-Fetch-Site", "cross-site", "Referer", allowed+"/"))
		opens("an allowed page by a pattern", target, testkit.Headers("Sec-Fetch-Site", "cross-site", "Referer", "https://a.friends.example/x"))
		opens("an allowed page, same site", target, testkit.Headers("Sec-Fetch-Site", "same-site", "Referer", allowed))
		opens("an allowed page with an Origin", target, testkit.Headers("Sec-Fetch-Site", "cross-site", "Origin", allowed))
		opens("the own page without TLS", target, testkit.Headers("Referer", "http://ADDR/page"))
	}
	opens("no browser", testkit.PollingPath, nil)
	opens("no browser with a Referer", testkit.PollingPath, testkit.Headers("Referer", "http://crawler.example/"))

	elsewhere := testkit.Headers("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "no-cors")
	for target, status := range map[string]int{
		"/": 200, "/app.js": 200, "/favicon.svg": 200, "/socket.io/socket.io.js": 200, "/socket.io/socket.io.esm.min.js": 200, "/nothing": 404, "/socket.io/": 400,
	} {
		if got := testkit.Ask(t, server.Addr, http.MethodGet, target, elsewhere, ""); got.Status != status || strings.Contains(got.Body, "accepted origin") {
			t.Errorf("%s from another site: answered %d %.60q, want %d", target, got.Status, got.Body, status)
		}
	}

	open := harness.Start(t, "--cors-allowed-origins", "*")
	for _, header := range append(fromElsewhere(), nil) {
		if got := testkit.Opening(t, open.Addr, script, header); got.Status != http.StatusOK {
			t.Errorf("with *, %v is answered %v", header, got)
		}
	}
}

// Attack: a page of another site loads metrics or has a profile made. A link goes on.
func TestHardeningCrossSiteOps(t *testing.T) {
	server, ops := harness.StartOps(t, "--ops-pprof")
	link := testkit.Headers("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate")
	for _, target := range []string{"/metrics", "/healthz", "/debug/pprof/", "/debug/pprof/profile?seconds=60", "/nothing"} {
		for _, header := range append(fromElsewhere(), testkit.Headers("Origin", "http://evil.example"), testkit.Headers("Origin", "null"),
			testkit.Headers("Origin", "http://evil.example", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")) {
			if header.Get("Sec-Fetch-Dest") == "document" && header.Get("Origin") == "" {
				continue
			}
			header = at(ops, header)
			header.Set("Connection", "close")
			testkit.CheckForeignOrigin(t, testkit.Ask(t, ops, http.MethodGet, target, header, ""))
		}
	}
	for _, header := range []http.Header{link, testkit.Headers("Sec-Fetch-Site", "same-origin"), testkit.Headers("Sec-Fetch-Site", "none"), testkit.Headers("Origin", "http://ADDR"), nil} {
		header = at(ops, header)
		header.Set("Connection", "close")
		if got := testkit.Ask(t, ops, http.MethodGet, "/healthz", header, ""); got.Status != http.StatusOK {
			t.Errorf("%v is answered %v", header, got)
		}
	}
	for cause, n := range harness.Scrape(t, ops) {
		if cause == `hipflask_refusals_total{cause="origin"}` && n == 0 {
			t.Error("the refusals are not counted")
		}
	}
	server.Stderr.WaitText(t, "origin refused")
}

// Attack: DNS rebinding. A page's own name leads to this server, so that its requests are of one
// origin with it.
func TestHardeningDNSRebinding(t *testing.T) {
	server := harness.Start(t, "--allowed-hosts", "chat.example, *.cdn.example, 127.0.0.1, [::1]:5000, other.example:8443")
	same := func(host string) http.Header {
		return testkit.Headers("Origin", "http://"+host, "Sec-Fetch-Site", "same-origin", "X-Forwarded-Host", "chat.example")
	}
	for _, host := range []string{
		"evil.example", "evil.example:5000", "chat.example.evil.example", "cdn.example", "evilcdn.example", "a..cdn.example", "127.0.0.2", "localhost",
		"[::1]", "other.example", "other.example:8444", "127.0.0.1.evil.example", "evil.example,chat.example", "chat.example,evil.example", "",
	} {
		for _, target := range []string{"/", "/app.js", "/socket.io/socket.io.js", "/nothing", testkit.PollingPath, "/socket.io/?EIO=3&transport=polling&j=0"} {
			testkit.CheckForeignHost(t, host, testkit.AskAs(t, server.Addr, host, target, same(host)))
			testkit.CheckForeignHost(t, host, testkit.AskAs(t, server.Addr, host, target, nil))
		}
		for _, target := range []string{testkit.WebSocketPath, "/"} {
			testkit.CheckForeignHost(t, host, testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(host, target, same(host)))[0])
		}
	}
	line := harness.LogLine(t, server, "host refused")
	for _, part := range []string{"--allowed-hosts", "evil.example", "address=127.0.0.1:"} {
		if !strings.Contains(line, part) {
			t.Errorf("%q is not in the line\n%s", part, line)
		}
	}
	for _, host := range []string{"chat.example", "CHAT.example.:1", "a.b.cdn.example:5000", "127.0.0.1:9", "[0:0::1]:5000", "other.example:8443"} {
		if got := testkit.AskAs(t, server.Addr, host, "/", nil); got.Status != http.StatusOK {
			t.Errorf("%q is answered %v", host, got)
		}
	}
	if got := testkit.Opening(t, server.Addr, testkit.PollingPath, testkit.Headers("Origin", server.URL)); got.Status != http.StatusOK {
		t.Errorf("the own origin is answered %v", got)
	}

	every := harness.Start(t)
	for _, host := range []string{"evil.example", "chat.example"} {
		if got := testkit.AskAs(t, every.Addr, host, "/", nil); got.Status != http.StatusOK {
			t.Errorf("without the setting, %q is answered %v", host, got)
		}
	}
}

// X-Forwarded-Host stands in the place of Host if a trusted proxy says so, and if nobody before it
// put a name of its own there.
func TestHardeningDNSRebindingThroughAProxy(t *testing.T) {
	const hosts = "--allowed-hosts=chat.example"
	trusting, alone := harness.Start(t, hosts, "--trusted-proxies", "127.0.0.1"), harness.Start(t, hosts, "--trusted-proxies", "192.0.2.1")
	forwarded := func(values ...string) http.Header { return http.Header{"X-Forwarded-Host": values} }
	for _, c := range []struct {
		server *harness.Server
		host   string
		header http.Header
		ok     bool
	}{
		{trusting, "inner:5000", forwarded("chat.example"), true},
		{trusting, "inner:5000", forwarded("chat.example, chat.example:80"), true},
		{trusting, "chat.example", nil, true},
		{trusting, "inner:5000", nil, false},
		{trusting, "chat.example", forwarded("evil.example"), false},
		{trusting, "inner:5000", forwarded("chat.example, evil.example"), false},
		{trusting, "inner:5000", forwarded("chat.example", "evil.example"), false},
		{trusting, "chat.example", forwarded(""), false},
		{alone, "evil.example", forwarded("chat.example"), false},
		{alone, "chat.example", forwarded("evil.example"), true},
	} {
		got := testkit.AskAs(t, c.server.Addr, c.host, "/", c.header)
		if c.ok && got.Status != http.StatusOK {
			t.Errorf("%q, %v: answered %v", c.host, c.header, got)
		}
		if !c.ok {
			testkit.CheckForeignHost(t, c.host, got)
		}
	}
	page := testkit.Headers("Origin", "https://chat.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "chat.example")
	got := testkit.AskAs(t, trusting.Addr, "inner:5000", testkit.PollingPath, page)
	testkit.LeaveLater(t, trusting.Addr, "chat.example", testkit.PollingPath, got)
	if got.Status != http.StatusOK {
		t.Errorf("the own origin behind a proxy is answered %v", got)
	}
}

// Attack: DNS rebinding to the address that operators look at, which is on the loopback interface
// and has no list to begin with.
func TestHardeningDNSRebindingOps(t *testing.T) {
	_, unnamed := harness.StartOps(t)
	_, named := harness.StartOps(t, "--allowed-hosts", "ops.example,*.svc.example")
	for _, host := range []string{"evil.example", "evil.example:9100", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1,evil.example", "svc.example", "[::1%25lo]"} {
		for _, addr := range []string{unnamed, named} {
			testkit.CheckForeignHost(t, host, testkit.AskAs(t, addr, host, "/metrics", nil))
			testkit.CheckForeignHost(t, host, testkit.AskAs(t, addr, host, "/metrics", testkit.Headers("Sec-Fetch-Site", "same-origin", "X-Forwarded-Host", "localhost")))
		}
	}
	testkit.CheckForeignHost(t, "ops.example", testkit.AskAs(t, unnamed, "ops.example", "/metrics", nil))
	for _, host := range []string{"127.0.0.1:9100", "192.0.2.7", "[::1]:9100", "localhost:9100", "LocalHost.", "hipflask:9100", ""} {
		for _, addr := range []string{unnamed, named} {
			if got := testkit.AskAs(t, addr, host, "/healthz", nil); got.Status != http.StatusOK {
				t.Errorf("%q is answered %v", host, got)
			}
		}
	}
	for _, host := range []string{"ops.example:9100", "a.b.svc.example"} {
		if got := testkit.AskAs(t, named, host, "/healthz", nil); got.Status != http.StatusOK {
			t.Errorf("%q is listed, and answered %v", host, got)
		}
	}
}

// Attack: a log full of Hosts and Origins, each as long as a header may be.
func TestHardeningHostsAndOriginsInTheLog(t *testing.T) {
	server := harness.Start(t, "--allowed-hosts", "127.0.0.1")
	long := strings.Repeat("x", 20000)
	began := time.Now()
	for range 30 {
		testkit.CheckForeignHost(t, "a long one", testkit.AskAs(t, server.Addr, long+".example", "/", nil))
		testkit.CheckForeignOrigin(t, testkit.AskAs(t, server.Addr, server.Addr, testkit.PollingPath, testkit.Headers("Origin", "http://"+long)))
		testkit.CheckForeignOrigin(t, testkit.AskAs(t, server.Addr, server.Addr, testkit.PollingPath, testkit.Headers("Sec-Fetch-Site", long, "Referer", "http://"+long)))
	}
	server.End()
	most := 5 * (int(time.Since(began).Seconds()) + 2)
	for _, what := range []string{"host refused", "origin refused"} {
		lines := slices.DeleteFunc(server.Stderr.Lines(), func(line string) bool { return !strings.Contains(line, what) })
		if len(lines) == 0 || len(lines) > most { // five a second
			t.Errorf("%d lines say %s", len(lines), what)
		}
		for _, line := range lines {
			if len(line) > 2000 {
				t.Errorf("a line has %d bytes: %.100s", len(line), line)
			}
		}
	}
}

// No line advises a setting that the program refuses, or that lets in more than it says.
func TestHardeningAdviceIsTaken(t *testing.T) {
	const origins, path = "--cors-allowed-origins=", "--plain-websocket-path="
	for _, c := range []struct{ origin, path, advice string }{
		{"https://chat.example:8443", "", origins + "https://chat.example:8443 would"},
		{"null", "", ""}, {"https://*.evil.example", "", ""}, {"*", "", ""}, {"not an origin", "", ""}, {"https://a:443", "", ""},
		{"http://a/b", "", ""}, {"http://a,http://b", "", ""}, {"http://" + strings.Repeat("a", 300), "", ""},
		{"", "/ws", path + "/ws would"}, {"", "/a*b", ""}, {"", "/b/", ""}, {"", "/" + strings.Repeat("p", 300), ""},
	} {
		server := harness.Start(t)
		if c.path == "" {
			testkit.CheckForeignOrigin(t, testkit.Ask(t, server.Addr, http.MethodGet, testkit.PollingPath, testkit.Headers("Origin", c.origin), ""))
		} else {
			testkit.CheckNotFound(t, testkit.Exchange(t, server.Addr, testkit.UpgradeRequest(server.Addr, c.path, nil))[0])
		}
		line := harness.LogLine(t, server, "refused")
		if advised := strings.Contains(line, origins) || strings.Contains(line, path); advised != (c.advice != "") || !strings.Contains(line, c.advice) {
			t.Errorf("%q %q: want the advice %q in\n%s", c.origin, c.path, c.advice, line)
		}
	}
}

// With null among the origins every page can come, and the log says so at the start.
func TestHardeningNullAmongTheOrigins(t *testing.T) {
	line := harness.LogLine(t, harness.Start(t, "--cors-allowed-origins", "https://a.example,null"), "sandbox")
	if !strings.Contains(line, "level=WARN") || !strings.Contains(line, "--cors-allowed-origins") {
		t.Errorf("the log says\n%s", line)
	}
}
