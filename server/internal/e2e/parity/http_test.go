package parity

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// httpRequest is one HTTP request. In its target and headers, SID stands for the id of a session
// that was just opened, ADDR for the server's address.
type httpRequest struct {
	name   string
	method string
	target string
	header []string // "Name: value"
	body   string
}

func asking(target string, header ...string) httpRequest {
	return httpRequest{name: "GET " + target, method: http.MethodGet, target: target, header: header}
}

func (r httpRequest) named(name string) httpRequest {
	r.name = name
	return r
}

// requestScenes ask for everything that there is, and is not.
func requestScenes() []scene {
	var scenes []scene
	for _, r := range slices.Concat(pathRequests(), faultyRequests(), methodRequests()) {
		scenes = append(scenes, r.scene())
	}
	return append(scenes, slices.Concat(originScenes(), compressionScenes(), pollScenes())...)
}

func (r httpRequest) scene() scene { return scene{"HTTP " + r.name, func(s *story) { s.ask(r) }} }

// upgradeHeader is that of a correct opening handshake.
func upgradeHeader() []string {
	return []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: aGlwZmxhc2stcmF3LXdzLQ=="}
}

func withUpgrade(header http.Header) http.Header {
	header = header.Clone()
	for _, line := range upgradeHeader() {
		name, value, _ := strings.Cut(line, ": ")
		header.Set(name, value)
	}
	return header
}

// ownPage is what a script or a form of the server's own page says of it.
const ownPage = "Referer: http://ADDR/"

func pathRequests() []httpRequest {
	return []httpRequest{
		asking("/"), asking("/nothing"), asking("/socket.io"), asking("/socket.io/"), asking("/socket.iox/?EIO=4&transport=polling"),
		asking("/socket.io?EIO=4&transport=polling"), asking("/socket.io/more?EIO=4&transport=polling"),
		asking(testkit.PollingPath), asking(testkit.PollingPath + "&t=abc&b64=1"),
		asking(testkit.PollingPath+"&j=0", ownPage), asking(testkit.PollingPath+"&j=x", ownPage),
		asking(testkit.PollingPath + "&j=0").named("GET another site's script &j=0"),
		asking(testkit.PollingPath+"&j=0", "Referer: http://evil.example/").named("GET another site's script with a Referer &j=0"),
		asking(testkit.PollingPath, "Sec-Fetch-Site: cross-site", "Referer: http://evil.example/").named("GET another site's image"),
		asking(testkit.PollingPath, "Sec-Fetch-Site: same-site", "Sec-Fetch-Dest: iframe").named("GET another site's frame"),
	}
}

func faultyRequests() []httpRequest {
	upgrade := upgradeHeader()
	return []httpRequest{
		asking("/socket.io/?transport=polling"), asking("/socket.io/?EIO=3&transport=polling"), asking("/socket.io/?EIO=5&transport=polling"),
		asking("/socket.io/?EIO=3&transport=websocket", upgrade...), asking("/socket.io/?transport=websocket", upgrade...),
		asking("/socket.io/?EIO=4"), asking("/socket.io/?EIO=4&transport="), asking("/socket.io/?EIO=4&transport=carrier"),
		asking(testkit.WebSocketPath), asking(testkit.WebSocketPath, upgrade[1:]...).named("websocket without Upgrade"),
		asking(testkit.WebSocketPath, slices.Delete(slices.Clone(upgrade), 1, 2)...).named("websocket without Connection"),
		asking(testkit.WebSocketPath, slices.Delete(slices.Clone(upgrade), 3, 4)...).named("websocket without a key"),
		asking(testkit.WebSocketPath, append(slices.Clone(upgrade)[:2:2], upgrade[3], "Sec-WebSocket-Version: 7")...).named("websocket of version 7"),
		asking(testkit.PollingPath + "&sid=nobody"), asking(testkit.PollingPath + "&sid="), asking(testkit.WebSocketPath+"&sid=nobody", upgrade...),
		asking("/socket.io/?EIO=4&transport=carrier&sid=SID"),
		{name: "POST without a sid", method: http.MethodPost, target: testkit.PollingPath, body: "40"},
		{name: "POST to nobody", method: http.MethodPost, target: testkit.PollingPath + "&sid=nobody", body: "40"},
		{name: "POST 40", method: http.MethodPost, target: testkit.PollingPath + "&sid=SID", body: "40"},
		{name: "POST of nothing", method: http.MethodPost, target: testkit.PollingPath + "&sid=SID"},
		{name: "POST of no packet", method: http.MethodPost, target: testkit.PollingPath + "&sid=SID", body: "hello"},
		{name: "POST of bad base64", method: http.MethodPost, target: testkit.PollingPath + "&sid=SID", body: "b!"},
		{name: "POST of bytes", method: http.MethodPost, target: testkit.PollingPath + "&sid=SID", body: "4\xff"},
		{name: "POST of a form", method: http.MethodPost, target: testkit.PollingPath + "&j=0&sid=SID", body: "d=40",
			header: []string{"Content-Type: application/x-www-form-urlencoded", ownPage}},
	}
}

func methodRequests() []httpRequest {
	var all []httpRequest
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodPatch} {
		for _, target := range []string{testkit.PollingPath, testkit.PollingPath + "&sid=SID", "/", "/socket.io/"} {
			all = append(all, httpRequest{name: method + " " + target, method: method, target: target})
		}
	}
	return all
}

// ask sends the request and notes what a browser's client sees of the answer.
func (s *story) ask(r httpRequest) testkit.Answer {
	s.t.Helper()
	header := make(http.Header)
	for _, line := range r.header {
		name, value, _ := strings.Cut(line, ":")
		header.Add(name, strings.ReplaceAll(strings.TrimSpace(value), "ADDR", s.addr))
	}
	target := r.target
	if strings.Contains(target, "SID") {
		k := s.open("polling").(*pollTalker)
		defer k.leave()
		target = strings.ReplaceAll(target, "SID", k.url[strings.LastIndex(k.url, "=")+1:])
	}
	got := s.request(s.addr, r.method, target, header, r.body)
	s.answered(got)
	s.connected(r, got)
	return got
}

// connected sees to it that a client which the request has connected leaves within the scene: what
// is printed of it must not come in another one.
func (s *story) connected(r httpRequest, got testkit.Answer) {
	s.t.Helper()
	if got.Status == http.StatusOK && strings.HasSuffix(r.body, "40") { // CONNECT, by itself or in a form
		s.disconnects++ // when ask leaves
	}
	old := strings.Contains(r.target, "EIO=3") || strings.Contains(r.target, "/?transport=") // none is 3
	if !old || got.Status >= http.StatusBadRequest {
		return
	}
	// Ours has connected it without being asked to; over WebSocket it has left already.
	if got.Status == http.StatusOK {
		_, packet, _ := strings.Cut(got.Body, "\xff") // its length stands before it
		packet, _, _ = strings.Cut(packet, "\x00")    // where the answer to CONNECT may follow
		sid, err := testkit.OpenedSID(packet)
		if err != nil {
			s.t.Fatal(err)
		}
		s.request(s.addr, http.MethodPost, r.target+"&sid="+sid, make(http.Header), "1:1")
	}
	s.disconnects++
	s.awaitDisconnects()
	s.disconnects = 0 // Flask-SocketIO has nothing to compare that with
}

// request sends one request over a connection of its own.
func (s *story) request(addr, method, target string, header http.Header, body string) testkit.Answer {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+addr+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = header
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: testkit.Deadline, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
	defer resp.Body.Close()
	got := testkit.Answer{Status: resp.StatusCode, Header: resp.Header}
	if got.Status != http.StatusSwitchingProtocols {
		var text []byte
		text, err = io.ReadAll(resp.Body)
		got.Body = string(text)
	}
	if err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
	return got
}

func (s *story) answered(got testkit.Answer) {
	s.t.Helper()
	s.saw("status", fmt.Sprint(got.Status))
	s.saw("type", got.Header.Get("Content-Type"))
	s.saw("body", s.gist(got))
	s.saw("CORS", strings.ReplaceAll(headersLike(got.Header, "Access-Control-"), s.addr, "ADDR"))
	s.saw("cookie", withoutIDs(got.Header.Get("Set-Cookie")+";"))
	s.saw("encoding", got.Header.Get("Content-Encoding"))
	s.saw("Cache-Control", got.Header.Get("Cache-Control"))
	s.saw("Vary", got.Header.Get("Vary"))
	s.saw("Allow", got.Header.Get("Allow"))
}

// gist is the body, and of a page or a traceback what it is.
func (s *story) gist(got testkit.Answer) string {
	s.t.Helper()
	text := unpacked(s.t, got)
	title := regexp.MustCompile(`(?s)<title>(.*)</title>`).FindStringSubmatch(text)
	switch {
	case got.Status == http.StatusInternalServerError:
		return "a traceback"
	case title != nil:
		return "the page " + title[1]
	}
	return canonical(text)
}

// headersLike lists those whose names begin so.
func headersLike(h http.Header, prefix string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if strings.HasPrefix(name, prefix) {
			all = append(all, strings.TrimPrefix(name, prefix)+": "+strings.Join(h[name], ", "))
		}
	}
	return strings.Join(all, "; ")
}

// unpacked is the body without its compression.
func unpacked(t *testing.T, got testkit.Answer) string {
	t.Helper()
	var r io.Reader = strings.NewReader(got.Body)
	var err error
	switch got.Header.Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	var text bytes.Buffer
	if err == nil {
		_, err = text.ReadFrom(r)
	}
	if err != nil {
		t.Fatalf("%v in %v", err, got)
	}
	return text.String()
}

// compressionScenes poll for a message whose payload has a given length.
func compressionScenes() []scene {
	var scenes []scene
	for _, size := range []int{1023, 1024, 5000} {
		for _, accept := range []string{"", "gzip", "deflate", "gzip, deflate, br", "br, deflate;q=0.5, gzip", "br", "identity", "gzip;q=0", "*", "GZIP"} {
			scenes = append(scenes, compressionScene("HTTP ", size, accept))
		}
	}
	return scenes
}

func compressionScene(prefix string, size int, accept string) scene {
	return scene{fmt.Sprintf("%spoll of %d bytes, Accept-Encoding %q", prefix, size, accept), func(s *story) {
		k := s.join("polling").(*pollTalker)
		defer k.leave()
		k.say(testkit.Message(strings.Repeat("x", size-len(testkit.Message("")))))
		header := make(http.Header)
		if accept != "" {
			header.Set("Accept-Encoding", accept)
		}
		got := s.request(s.addr, http.MethodGet, strings.TrimPrefix(k.url, "http://"+s.addr), header, "")
		s.answered(got)
		if length := got.Header.Get("Content-Length"); length != fmt.Sprint(len(got.Body)) {
			s.t.Errorf("%s: Content-Length %q of a body of %d bytes", s.name, length, len(got.Body))
		}
	}}
}

// pollScenes are about the order of requests within one session.
func pollScenes() []scene {
	return []scene{
		{"HTTP a poll that was given up", func(s *story) {
			k := s.join("polling").(*pollTalker)
			defer k.leave()
			conn, err := testkit.DialTCP(s.addr)
			if err != nil {
				s.t.Fatal(err)
			}
			target := strings.TrimPrefix(k.url, "http://"+s.addr)
			_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, s.addr)
			if err == nil {
				err = conn.Close()
			}
			if err != nil {
				s.t.Fatal(err)
			}
			if !s.isFlask { // the end is what there is to see
				s.stdout.WaitFor(s.t, "disconnect", testkit.Deadline, func(text string) bool {
					return strings.Contains(text[s.from:], "Client disconnected\n")
				})
			}
			s.saw("the session afterwards", k.do(http.MethodPost, "3").Brief())
		}},
	}
}
