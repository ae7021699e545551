package protocol

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// What the server answers over HTTP: the statuses, bodies and headers that clients and proxies see.
// Broken requests are answered as the official server does, foreign origins as Flask-SocketIO does.

// TestHTTPOpening checks the answer that opens a session.
func TestHTTPOpening(t *testing.T) {
	for _, test := range []struct {
		args []string
		open string // with S for the session id
	}{
		{nil, `0{"sid":"S","upgrades":["websocket"],"pingTimeout":20000,"pingInterval":25000,"maxPayload":1000000}`},
		{[]string{"--transports", "polling"},
			`0{"sid":"S","upgrades":[],"pingTimeout":20000,"pingInterval":25000,"maxPayload":1000000}`},
		{[]string{"--allow-upgrades=false", "--ping-interval", "10s", "--ping-timeout", "5s", "--max-http-buffer-size", "5000"},
			`0{"sid":"S","upgrades":[],"pingTimeout":5000,"pingInterval":10000,"maxPayload":5000}`},
	} {
		addr := harness.Start(t, test.args...).Addr
		got := testkit.Opening(t, addr, testkit.PollingPath, nil)
		open := regexp.MustCompile(`"sid":"[\w-]+"`).ReplaceAllString(got.Body, `"sid":"S"`)
		if got.Status != http.StatusOK || open != test.open {
			t.Errorf("%q: answered %v, want %s", test.args, got, test.open)
		}
		testkit.CheckHeader(t, got, "Content-Type", "text/plain; charset=UTF-8")
		testkit.CheckHeader(t, got, "Cache-Control", "no-store")
		testkit.CheckHeader(t, got, "Set-Cookie", "")
		testkit.CheckHeader(t, got, "Access-Control-Allow-Origin", "")
	}
}

// TestHTTPOpeningWebSocket checks the OPEN packet of a session that begins as one.
func TestHTTPOpeningWebSocket(t *testing.T) {
	c := testkit.OpenWebSocket(t, harness.Start(t).Addr, testkit.WebSocketPath)
	packet, err := c.Packet()
	c.Must(err)
	var open struct {
		SID      string
		Upgrades []string
	}
	if err := json.Unmarshal([]byte(packet[1:]), &open); err != nil || open.SID == "" || open.Upgrades == nil || len(open.Upgrades) > 0 {
		t.Errorf("opened with %s, %v; want a sid and an empty list of upgrades", packet, err)
	}
}

// TestHTTPVersion3 checks the payloads of Engine.IO 3: lengths, CONNECT unasked, binary as it is,
// or as base64 for those who ask for that, and JSONP.
func TestHTTPVersion3(t *testing.T) {
	addr := harness.Start(t).Addr
	const packet = `451-["message",{"_placeholder":true,"num":0}]`
	for _, test := range []struct{ opening, polls, contentType, body string }{
		{"", "", "application/octet-stream", "\x00\x04\x05\xff" + packet + "\x01\x04\xff\x04abc"},
		{"&b64=1", "", "text/plain; charset=UTF-8", "45:" + packet + "6:b4YWJj"},
		{"&b64=1", "&j=7", "text/javascript; charset=UTF-8",
			`___eio[7]("45:` + strings.ReplaceAll(packet, `"`, `\"`) + `6:b4YWJj");`},
	} {
		p := testkit.JoinPolling(t, addr, 3, test.opening)
		p.Send(packet, "b4YWJj")
		p.URL += test.polls
		got := p.Get(http.Header{"Referer": {"http://" + addr + "/"}}) // as a script has it
		testkit.CheckHeader(t, got, "Content-Type", test.contentType)
		if got.Body != test.body {
			t.Errorf("%s%s: answered %v, want %q", test.opening, test.polls, got, test.body)
		}
	}
}

// TestHTTPRefusals checks what broken requests are answered.
func TestHTTPRefusals(t *testing.T) {
	addr := harness.Start(t).Addr
	ws := testkit.JoinWebSocket(t, addr)
	for _, test := range []struct {
		method, query string
		code          int
	}{
		{http.MethodGet, "", 0},
		{http.MethodGet, "?EIO=4", 0},
		{http.MethodGet, "?EIO=4&transport=carrier-pigeon", 0},
		{http.MethodGet, "?EIO=1&transport=polling", 5},
		{http.MethodGet, "?EIO=5&transport=polling", 5},
		{http.MethodGet, "?EIO=4&transport=polling&sid=unknown", 1},
		{http.MethodPost, "?EIO=4&transport=polling&sid=unknown", 1},
		{http.MethodGet, "?EIO=4&transport=websocket&sid=unknown", 1},
		{http.MethodPost, "?EIO=4&transport=polling", 2},
		{http.MethodPost, "?EIO=4&transport=websocket", 2},
		{http.MethodGet, "?EIO=4&transport=websocket", 3}, // without Upgrade
		{http.MethodGet, "?EIO=4&transport=polling&sid=" + ws.SID, 3},
		{http.MethodPost, "?EIO=4&transport=polling&sid=" + ws.SID, 3},
		{http.MethodGet, "?EIO=4&transport=websocket&sid=" + ws.SID, 3},
	} {
		for _, path := range []string{"/socket.io/", "/socket.io"} {
			t.Run(test.method+" "+path+test.query, func(t *testing.T) {
				got := testkit.Ask(t, addr, test.method, path+test.query, nil, "")
				testkit.CheckRefusal(t, got, test.code)
				testkit.CheckHeader(t, got, "Access-Control-Allow-Origin", "")
			})
		}
	}
	ws.Chats("not disturbed")
}

// TestHTTPMethods checks the methods that are not served.
func TestHTTPMethods(t *testing.T) {
	addr := harness.Start(t).Addr
	for _, method := range []string{
		http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodPatch, http.MethodTrace, "BREW",
	} {
		for _, path := range []string{testkit.PollingPath, testkit.WebSocketPath, testkit.PollingPath + "&sid=unknown", "/socket.io"} {
			got := testkit.Ask(t, addr, method, path, nil, "")
			if got.Status != http.StatusMethodNotAllowed || method == http.MethodHead && got.Body != "" {
				t.Errorf("%s %s: answered %v, want 405", method, path, got)
			}
			for _, allowed := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
				if !strings.Contains(got.Header.Get("Allow"), allowed) {
					t.Errorf("%s %s: Allow is %q", method, path, got.Header.Get("Allow"))
				}
			}
		}
	}
}

// TestHTTPPaths checks which paths there are.
func TestHTTPPaths(t *testing.T) {
	addr := harness.Start(t).Addr
	for path, want := range map[string]int{
		"/": 200, "/socket.io/socket.io.js": 200, "/socket.io/socket.io.min.js": 200, "/socket.io/socket.io.esm.min.js": 200,
		"/nothing": 404, "/socket.io/none.js": 404,
		// What lies beneath the path is the endpoint, which finds no transport named.
		"/socket.io/nothing": 400, "/socket.io/..%2f..%2fmain.go": 400, "/socket.io/../../go.mod": 400,
		"/socket.iox/?EIO=4&transport=polling": 404, "//socket.io/?EIO=4&transport=polling": 404, "/SOCKET.IO/": 404,
		"/static": 404, "/.git/config": 404, "/debug/pprof/": 404,
	} {
		if got := testkit.Opening(t, addr, path, nil); got.Status != want {
			t.Errorf("%s: answered %v, want %d", path, got, want)
		}
	}
}

// TestHTTPPathWithoutSlash talks to /socket.io, without the slash that clients put at its end: no
// redirect, which would lose a POST.
func TestHTTPPathWithoutSlash(t *testing.T) {
	addr := harness.Start(t).Addr
	p := testkit.JoinPolling(t, addr, 4)
	p.URL = strings.Replace(p.URL, "/socket.io/?", "/socket.io?", 1)
	p.Chats("without a slash")
	c := testkit.OpenWebSocket(t, addr, strings.Replace(testkit.WebSocketPath, "/?", "?", 1))
	_, err := c.Join()
	c.Must(err)
	c.Chats("by WebSocket as well")
}

// TestHTTPPathSetting moves the endpoint.
func TestHTTPPathSetting(t *testing.T) {
	addr := harness.Start(t, "--path", "/chat/io/").Addr
	if got := testkit.Opening(t, addr, "/chat/io/?EIO=4&transport=polling", nil); got.Status != http.StatusOK {
		t.Errorf("answered %v", got)
	}
	if got := testkit.Opening(t, addr, testkit.PollingPath, nil); got.Status != http.StatusNotFound {
		t.Errorf("the default path is answered %v", got)
	}
}

// TestHTTPPost checks the answer to a payload.
func TestHTTPPost(t *testing.T) {
	p := testkit.JoinPolling(t, harness.Start(t).Addr, 4)
	got := p.Post("text/plain;charset=UTF-8", testkit.Message("x"))
	if got.Status != http.StatusOK || got.Body != "ok" {
		t.Errorf("answered %v", got)
	}
	testkit.CheckHeader(t, got, "Content-Type", "text/html")
	testkit.CheckHeader(t, got, "Cache-Control", "no-store")
	p.Hears(testkit.Message("x"))
}

// TestHTTPCookie checks the cookie that carries the session's id, on both transports.
func TestHTTPCookie(t *testing.T) {
	addr := harness.Start(t, "--cookie", "io").Addr
	got := testkit.Opening(t, addr, testkit.PollingPath, nil)
	sid, err := testkit.OpenedSID(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	testkit.CheckHeader(t, got, "Set-Cookie", "io="+sid+"; path=/; SameSite=Lax")
	upgraded := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil))
	if cookie := upgraded[0].Header.Get("Set-Cookie"); !regexp.MustCompile(`^io=[\w-]{20}; path=/; SameSite=Lax$`).MatchString(cookie) {
		t.Errorf("a WebSocket sets the cookie %q", cookie)
	}
	addr = harness.Start(t, "--cookie", "io; Secure; HttpOnly; SameSite=None; Path=/socket.io; Domain=example.com; Max-Age=60").Addr
	if cookie := testkit.Opening(t, addr, testkit.PollingPath, nil).Header.Get("Set-Cookie"); !strings.HasSuffix(cookie,
		"; path=/socket.io; SameSite=None; Domain=example.com; Max-Age=60; Secure; HttpOnly") {
		t.Errorf("the cookie is %q", cookie)
	}
}

// TestHTTPTransportsSetting switches one transport off.
func TestHTTPTransportsSetting(t *testing.T) {
	addr := harness.Start(t, "--transports", "polling").Addr
	testkit.CheckRefusal(t, testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil))[0], 0)
	addr = harness.Start(t, "--transports", "websocket").Addr
	testkit.CheckRefusal(t, testkit.Ask(t, addr, http.MethodGet, testkit.PollingPath, nil, ""), 0)
	testkit.JoinWebSocket(t, addr).Chats("WebSocket alone")
	addr = harness.Start(t, "--allow-upgrades=false").Addr
	p := testkit.JoinPolling(t, addr, 4)
	upgrade := strings.Replace(strings.TrimPrefix(p.URL, "http://"+addr), "polling", "websocket", 1)
	testkit.CheckRefusal(t, testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, upgrade, nil))[0], 3)
	p.Chats("still polling")
}

// TestHTTPCompression checks what is compressed, and how the client chooses.
func TestHTTPCompression(t *testing.T) {
	large, small := testkit.Message(strings.Repeat("large ", 200)), testkit.Message(strings.Repeat("small ", 100))
	for _, test := range []struct {
		args             []string
		said, accept, is string
	}{
		{nil, large, "gzip, deflate", "gzip"},
		{nil, large, "deflate, gzip", "deflate"},
		{nil, large, "GZIP", "gzip"},
		{nil, large, "gzip;q=0, deflate", "deflate"},
		{nil, large, "br", ""},
		{nil, large, "", ""},
		{nil, small, "gzip", ""},
		{[]string{"--compression-threshold", "100"}, small, "gzip", "gzip"},
		{[]string{"--http-compression=false"}, large, "gzip", ""},
	} {
		p := testkit.JoinPolling(t, harness.Start(t, test.args...).Addr, 4)
		p.Send(test.said)
		got := p.Get(http.Header{"Accept-Encoding": {test.accept}})
		testkit.CheckHeader(t, got, "Content-Encoding", test.is)
		text := got.Body
		var err error
		if test.is != "" {
			text, err = decompress(test.is, got.Body)
		}
		if err != nil || text != test.said {
			t.Errorf("%q %q: the body is %.60q, %v", test.args, test.accept, text, err)
		}
	}
}

// originTest is an origin and whether it may connect.
type originTest struct {
	args   []string
	header http.Header
	allow  bool
}

// TestHTTPOrigins checks who may connect from where, and the headers that tell a browser so.
func TestHTTPOrigins(t *testing.T) {
	const listed = "--cors-allowed-origins"
	origin := func(value string, more ...string) http.Header {
		h := http.Header{"Origin": {value}}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	for name, test := range map[string]originTest{
		"same":                    {nil, origin("http://HOST"), true},
		"other port":              {nil, origin("http://127.0.0.1:1"), false},
		"other scheme":            {nil, origin("https://HOST"), false},
		"null":                    {nil, origin("null"), false},
		"forwarded":               {nil, origin("https://chat.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "chat.example"), true},
		"forwarded proto":         {nil, origin("https://HOST", "X-Forwarded-Proto", "https"), true},
		"forwarded host":          {nil, origin("http://chat.example", "X-Forwarded-Host", "chat.example"), true},
		"forwarded by two":        {nil, origin("https://chat.example", "X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "chat.example, inner"), true},
		"forwarded for another":   {nil, origin("https://evil.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "chat.example"), false},
		"listed":                  {[]string{listed, "https://a.example,https://b.example"}, origin("https://b.example"), true},
		"not listed":              {[]string{listed, "https://a.example"}, origin("https://b.example"), false},
		"same beside a list":      {[]string{listed, "https://a.example"}, origin("http://HOST"), true},
		"same as a WebSocket's":   {nil, origin("ws://HOST"), true},
		"same, a WebSocket's TLS": {nil, origin("wss://HOST"), true},
		"another's WebSocket":     {nil, origin("ws://evil.example"), false},
		"pattern":                 {[]string{listed, "https://*.a.example"}, origin("https://x.y.a.example"), true},
		"pattern, the bare name":  {[]string{listed, "https://*.a.example"}, origin("https://a.example"), false},
		"pattern, another ending": {[]string{listed, "https://*.a.example"}, origin("https://xa.example"), false},
		"null, listed":            {[]string{listed, "null"}, origin("null"), true},
		"file, listed":            {[]string{listed, "file://,app://."}, origin("file://"), true},
		"app, listed":             {[]string{listed, "file://,app://."}, origin("app://."), true},
		"hosts named":             {[]string{"--allowed-hosts", "127.0.0.1"}, origin("http://HOST"), true},
		"hosts named, forwarded":  {[]string{"--allowed-hosts", "127.0.0.1"}, origin("https://chat.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "chat.example"), false},
		"any":                     {[]string{listed, "*"}, origin("https://whoever.example"), true},
		"any, and null":           {[]string{listed, "*"}, origin("null"), true},
		"listed, and credentials": {[]string{listed, "https://a.example", "--cors-credentials=false"}, origin("https://a.example"), true},
	} {
		t.Run(name, func(t *testing.T) { checkOrigin(t, test) })
	}
}

func checkOrigin(t *testing.T, test originTest) {
	addr := harness.Start(t, test.args...).Addr
	origin := strings.ReplaceAll(test.header.Get("Origin"), "HOST", addr)
	test.header.Set("Origin", origin)
	preflight := maps.Clone(test.header)
	preflight.Set("Access-Control-Request-Method", "POST")
	preflight.Set("Access-Control-Request-Headers", "content-type,x-token")
	upgraded := testkit.Exchange(t, addr, testkit.UpgradeRequest(addr, testkit.WebSocketPath, test.header))[0]
	asked := []testkit.Answer{
		testkit.Opening(t, addr, testkit.PollingPath, test.header),
		testkit.Ask(t, addr, http.MethodOptions, testkit.PollingPath, preflight, ""),
		testkit.Ask(t, addr, http.MethodGet, testkit.PollingPath+"&sid=unknown", test.header, ""),
	}
	if !test.allow {
		for _, got := range append(asked, upgraded) {
			testkit.CheckForeignOrigin(t, got)
		}
		return
	}
	if upgraded.Status != http.StatusSwitchingProtocols {
		t.Errorf("a WebSocket was answered %v", upgraded)
	}
	credentials := "true"
	if slices.Contains(test.args, "--cors-credentials=false") {
		credentials = ""
	}
	for i, status := range []int{http.StatusOK, http.StatusOK, http.StatusBadRequest} {
		if asked[i].Status != status {
			t.Errorf("answered %v, want %d", asked[i], status)
		}
		testkit.CheckHeader(t, asked[i], "Access-Control-Allow-Origin", origin)
		testkit.CheckHeader(t, asked[i], "Access-Control-Allow-Credentials", credentials)
		testkit.CheckHeader(t, asked[i], "Vary", "Origin")
	}
	testkit.CheckHeader(t, asked[1], "Access-Control-Allow-Methods", "OPTIONS, GET, POST")
	testkit.CheckHeader(t, asked[1], "Access-Control-Allow-Headers", "content-type,x-token")
}
